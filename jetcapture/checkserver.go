package jetcapture

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// A knownFault is one of nats-server that costs a capture messages, as its issues and release notes say. Faults that cost time, or that
// the next attempt heals, are not here.
type knownFault struct {
	from, to string // the first version that has it, and the last
	concerns func(e *examination) bool
	what     string
	source   string
}

// knownFaults were looked up in December 2026.
var knownFaults = []knownFault{
	{
		from: "2.10.17", to: "2.10.18", concerns: func(e *examination) bool { return len(filterOf(e.config())) == 0 },
		what: "a consumer without a filter may pass over messages", source: "nats-server issue 5705, pull request 5709",
	},
	{
		from: "2.10.16", to: "2.10.18", concerns: func(e *examination) bool {
			return e.stream.Config.Retention == jetstream.WorkQueuePolicy && len(filterOf(e.config())) > 0
		},
		what: "a work queue may delete messages of one consumer's subjects when another consumer acks", source: "nats-server issue 5612, pull request 5697",
	},
	{
		from: "2.10.20", to: "2.10.22", concerns: func(e *examination) bool { return e.stream.Config.Replicas > 1 },
		what: "a cluster may delete a whole stream when servers crash", source: "jepsen.io/analyses/nats-2.12.1",
	},
	{
		from: "2.10.25", to: "2.10.25", concerns: func(e *examination) bool { return e.stream.Config.Retention == jetstream.InterestPolicy },
		what: "streams of interest retention have a fault for which its maintainers advise the next version", source: "nats-server issue 6611, pull request 6526",
	},
	{
		from: "2.10.0", to: "2.14.3", concerns: func(e *examination) bool {
			return len(filterOf(e.config())) > 1 && (e.stream.Config.AllowRollup || !e.stream.Config.DenyPurge)
		},
		what: "a purge or a rollup of one subject lets a consumer of several filters pass over messages of the others", source: "nats-server issue 8571, pull request 8572",
	},
}

// faultOf returns what is known to be wrong with the server that has the consumer, nil if nothing is.
func (e *examination) faultOf() *knownFault {
	v, ok := parseVersion(e.serverVersion())
	if !ok {
		return nil
	}
	for i, f := range knownFaults {
		from, _ := parseVersion(f.from)
		to, _ := parseVersion(f.to)
		if v.compare(from) >= 0 && v.compare(to) <= 0 && f.concerns(e) {
			return &knownFaults[i]
		}
	}
	return nil
}

func (e *examination) checkServer(d *diagnosis) {
	const check = "server"
	found := "nats-server " + e.serverVersion()
	if f := e.faultOf(); f != nil {
		d.add(SeverityWarning, check, found, fmt.Sprintf("%s (%s; versions %s to %s)", f.what, f.source, f.from, f.to), "upgrade nats-server to the latest version")
		return
	}
	if e.delivery == ExactlyOnce && !e.canReset() && e.config().AckPolicy != jetstream.AckAllPolicy { // of which more is said
		d.add(SeverityAdvice, check, found,
			"it cannot reset a consumer, so after a crash what a capture held comes again only after AckWait, and slowly if that is much",
			"upgrade nats-server to 2.14 or later")
		return
	}
	d.ok(check, found)
}

// serverVersion is that of the server that has the consumer, as far as it says it.
func (e *examination) serverVersion() string {
	const metadata = "_nats.ver" // servers since 2.11 put it into what they answer
	if e.consumer != nil {
		if v := e.consumer.Config.Metadata[metadata]; v != "" {
			return v
		}
	}
	if v := e.stream.Config.Metadata[metadata]; v != "" {
		return v
	}
	return e.server
}

// canReset reports whether the server knows how to reset a consumer.
func (e *examination) canReset() bool { return atLeast(e.serverVersion(), 2, 14) }

// atLeast compares a version such as 2.14.0-RC.1 with major.minor. A malformed one is as good as any.
func atLeast(version string, major, minor int) bool {
	v, ok := parseVersion(version)
	return !ok || v.compare(serverVersion{major, minor, 0}) >= 0
}

// A serverVersion is major, minor and patch.
type serverVersion [3]int

// parseVersion reads a version such as v2.14.0-RC.1, or 2.14.
func parseVersion(s string) (v serverVersion, ok bool) {
	s, _, _ = strings.Cut(strings.TrimPrefix(s, "v"), "-")
	parts := strings.Split(s, ".")
	if len(parts) < 2 {
		return v, false
	}
	for i := range min(len(parts), len(v)) {
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return v, false
		}
		v[i] = n
	}
	return v, true
}

func (v serverVersion) compare(other serverVersion) int {
	return cmp.Or(cmp.Compare(v[0], other[0]), cmp.Compare(v[1], other[1]), cmp.Compare(v[2], other[2]))
}

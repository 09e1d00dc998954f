package preflight

import (
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
)

// A knownFault is a fault of nats-server by which a capture loses messages, according to its issues and release notes. Faults that only
// cost time are not here.
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

// faultOf returns a known fault of the server that has the consumer, nil if there is none.
func (e *examination) faultOf() *knownFault {
	v, ok := jsapi.ParseVersion(e.serverVersion())
	if !ok {
		return nil
	}
	for i, f := range knownFaults {
		from, _ := jsapi.ParseVersion(f.from)
		to, _ := jsapi.ParseVersion(f.to)
		if v.Compare(from) >= 0 && v.Compare(to) <= 0 && f.concerns(e) {
			return &knownFaults[i]
		}
	}
	return nil
}

func (e *examination) checkServer(d *diagnosis) {
	const check = "server"
	found := "nats-server " + e.serverVersion()
	if f := e.faultOf(); f != nil {
		d.add(Warning, check, found, fmt.Sprintf("%s (%s; versions %s to %s)", f.what, f.source, f.from, f.to), "upgrade nats-server to the latest version")
		return
	}
	if e.ExactlyOnce && !e.canReset() && e.config().AckPolicy != jetstream.AckAllPolicy { // reported by checkAckPolicy
		d.add(Advice, check, found,
			"it cannot reset a consumer, so messages of a capture that crashed are delivered again only after AckWait, and slowly if they are many",
			"upgrade nats-server to 2.14 or later")
		return
	}
	d.ok(check, found)
}

// serverVersion returns the version of the server that has the consumer, as far as it is known.
func (e *examination) serverVersion() string {
	const metadata = "_nats.ver" // in the answers of servers since 2.11
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

// canReset reports whether the server can reset a consumer.
func (e *examination) canReset() bool { return jsapi.AtLeast(e.serverVersion(), 2, 14) }

//go:build unix

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// The names of contenders that are compared.
const (
	barePullName = "bare pull, explicit acks"
	archiveName  = "Parquet, at least once"
	onceName     = "Parquet, exactly once"
	levelName    = "Parquet at level 7, at least once"
	libraryName  = "the library alone, raw messages"
	olderName    = "gzip NDJSON, the older way"
)

// A contender pulls all messages of a consumer, acks them, and returns a result.
type contender struct {
	name      string
	run       func(context.Context, job) (*run, error)
	stream    string              // default: the orders
	policy    jetstream.AckPolicy // of the consumer; the zero value is explicit acks
	unlimited bool                // the consumer's un-acked messages
	times     int                 // so many times the messages; default 1
	turns     int                 // in each round; default 1
}

// closeTurns is the number of turns in a round of contenders whose ratio is close to its target: two runs of one contender differ by
// more than the difference that is measured.
const closeTurns = 3

// A job is the task of a contender.
type job struct {
	url, stream, consumer string
	messages              int
}

// contenders returns the contenders to measure.
func (b *bench) contenders() ([]contender, error) {
	var all []contender
	if b.keysOnly {
		all = []contender{b.keyContender(1, 2), b.keyContender(b.keys, 4)}
	} else {
		all = b.everyContender()
	}
	var names []string
	var chosen []contender
	for _, c := range all {
		if c.stream == "" {
			c.stream = stream
		}
		c.times, c.turns = max(1, c.times), max(1, c.turns)
		names = append(names, c.name)
		if b.only == nil || slices.ContainsFunc(b.only, func(part string) bool { return strings.Contains(c.name, part) }) {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("-only %s: no name contains it; the names are: %s", strings.Join(b.only, ","), strings.Join(names, "; "))
	}
	return chosen, nil
}

func (b *bench) everyContender() []contender {
	const once, atLeastOnce = "exactly-once", "at-least-once"
	all := []contender{
		{name: barePullName, run: runBarePull(false), turns: closeTurns},
		{name: archiveName, run: b.archive(1, "--delivery", atLeastOnce), turns: closeTurns},
		{name: onceName, run: b.archive(1, "--delivery", once), turns: closeTurns},
		{name: "Parquet, exactly once, 2 captures", run: b.archive(2, "--delivery", once)},
		{name: "Parquet, exactly once, 4 captures", run: b.archive(4, "--delivery", once)},
	}
	if b.gateway != nil {
		all = append(all, contender{name: "Parquet, exactly once, into S3", run: b.archiveS3("--delivery", once)})
	} else {
		say("skipping S3: versitygw is not installed; run make tools")
	}
	return append(all,
		contender{name: levelName, run: b.archive(1, "--delivery", atLeastOnce, "--compression-level", "7")},
		contender{name: libraryName, run: b.runLibrary("raw")},
		contender{name: "typed orders (JSON into a struct)", run: b.runLibrary("typed")},
		contender{name: "NDJSON gzip, at least once", run: b.archive(1, "--format", "ndjson", "--compression", "gzip", "--delivery", atLeastOnce)},
		contender{name: olderName, run: b.runOlder},
		contender{name: "bare pull, AckAll", run: runBarePull(true), policy: jetstream.AckAllPolicy},
		contender{name: "Parquet, exactly once, AckAll", run: b.archive(1, "--delivery", once), policy: jetstream.AckAllPolicy},
		b.keyContender(1, 2), b.keyContender(fewKeys, 3), b.keyContender(b.keys, 4),
	)
}

// inRound returns contenders in the order of a round, turn after turn. In every other turn the two deliveries change places, so that
// neither always comes second.
func inRound(round int, all []contender) (order []contender) {
	turns := 0
	for _, c := range all {
		turns = max(turns, c.turns)
	}
	for turn := range turns {
		begin := len(order)
		for _, c := range all {
			if turn < c.turns {
				order = append(order, c)
			}
		}
		this := order[begin:]
		named := func(name string) int {
			return slices.IndexFunc(this, func(c contender) bool { return c.name == name })
		}
		if a, b := named(archiveName), named(onceName); (round+turn)%2 == 1 && a >= 0 && b >= 0 {
			this[a], this[b] = this[b], this[a]
		}
	}
	return order
}

// wanted reports whether a contender needs a stream.
func wanted(stream string, contenders []contender) bool {
	return slices.ContainsFunc(contenders, func(c contender) bool { return c.stream == stream })
}

// parseNames splits at commas that no space follows: names have commas themselves.
func parseNames(list string) (parts []string) {
	for part := range strings.SplitSeq(list, ",") {
		switch {
		case strings.HasPrefix(part, " ") && len(parts) > 0:
			parts[len(parts)-1] += "," + part
		case part != "":
			parts = append(parts, part)
		}
	}
	return parts
}

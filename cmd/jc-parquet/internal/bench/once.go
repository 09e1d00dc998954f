//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/jetcapture/lake/jetcapture/ledger"
	"github.com/jetcapture/lake/jetcapture/ledger/ledgertest"
)

// onceFigures compares exactly-once with at-least-once delivery.
func (r *report) onceFigures() []*figure {
	pairs := r.pairs(onceName, archiveName)
	if len(pairs) == 0 {
		return nil
	}
	return []*figure{
		newFigure("exactly once, time a message of at least once", "µs", 1.1, pairs, timeOfMessage),
		newFigure("exactly once, client CPU of at least once", "s/M", 1.1, pairs, clientCPU),
		newFigure("exactly once, server CPU of at least once", "s", 1.1, pairs, func(p [2]run) (float64, float64) {
			return p[0].ServerCPU, p[1].ServerCPU
		}),
		newFigure("ledger, of a million messages", "bytes", 1e6, pairs, func(p [2]run) (float64, float64) {
			return float64(p[0].LedgerBytes) * 1e6 / float64(r.Messages), 0
		}),
	}
}

// measureLedger makes a ledger and measures how long reading it takes.
func measureLedger(ctx context.Context, server *serverProcess, p plan) (*figure, error) {
	say("reading a ledger of %d entries", p.ledgerEntries)
	var starts []float64
	for range p.rounds {
		read, err := runRole[ledgerResult](ctx, "ledger", server.url, strconv.Itoa(p.ledgerEntries))
		if err != nil {
			return nil, err
		}
		starts = append(starts, read.result.Seconds)
	}
	name := "start with a ledger of " + thousands(p.ledgerEntries) + " entries"
	return newFigure(name, "s", 2, starts, func(v float64) (float64, float64) { return v, 0 }), nil
}

type ledgerResult struct{ Seconds float64 }

// readLedger is the role that makes a ledger and reads it as a capture does at its start, with the server's URL and how many
// entries it has: half of them claims, of 500 messages each.
func readLedger(args []string) error {
	ctx := context.Background()
	entries, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	nc, js, err := connect(args[0])
	if err != nil {
		return err
	}
	defer nc.Close()
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return err
	}
	const consumer = "bench-ledger"
	defer func() { _ = js.DeleteStream(ctx, ledger.StreamName(stream, consumer)) }()
	if err := ledgertest.Fill(ctx, nc, js, s.CachedInfo(), consumer, entries/2); err != nil {
		return err
	}
	start := time.Now()
	info, err := ledger.Inspect(ctx, js, stream, consumer, "")
	if err != nil {
		return err
	}
	contents, err := ledger.ReadContents(ctx, nc, js, info)
	if err != nil {
		return err
	}
	duration := time.Since(start)
	if contents.Files != entries/2 {
		return fmt.Errorf("%d files of %d were read", contents.Files, entries/2)
	}
	return json.NewEncoder(os.Stdout).Encode(ledgerResult{duration.Seconds()})
}

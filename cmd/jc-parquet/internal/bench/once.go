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
	open := func() (*ledger.Stream, *ledger.Book, error) {
		book := ledger.NewBook(ledger.DefaultCacheBytes)
		l, err := ledger.OpenStream(ctx, nc, js, s.CachedInfo(), consumer, ledger.StreamOptions{}, book)
		return l, book, err
	}
	l, _, err := open()
	if err != nil {
		return err
	}
	start := time.Now()
	for i := range uint64(entries / 2) {
		e := &ledger.Entry{
			Block: fmt.Sprintf("%016d", i), State: ledger.Claimed, Instance: "bench",
			Part: 1, Parts: 1, Place: ledger.Place{Name: fmt.Sprintf("date=2026-11-23/hour=12/%d.parquet", i)},
			Tombstone: make([]byte, 2_000),
			Segments: ledger.NewSegments(func(yield func(ledger.Message, bool) bool) {
				for k := range uint64(500) { // as when ten destination keys take turns
					seq := i/10*5_000 + i%10 + 10*k
					if !yield(ledger.Message{Seq: seq, Time: start.Add(time.Duration(seq) * time.Microsecond).UnixNano()}, false) {
						return
					}
				}
			}),
		}
		seq, err := l.Append(ctx, e, 0)
		if err != nil {
			return err
		}
		if _, err := l.Append(ctx, &ledger.Entry{Block: e.Block, State: ledger.Stored, Instance: e.Instance}, seq); err != nil {
			return err
		}
	}
	start = time.Now()
	l, book, err := open()
	if err != nil {
		return err
	}
	following, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- l.Run(following) }()
	err = l.Ready(ctx)
	took := time.Since(start)
	stop()
	if err := <-ended; err != nil {
		return err
	}
	if n := book.Stats().Entries; err == nil && n != uint64(entries) {
		err = fmt.Errorf("%d entries of %d were read", n, entries)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(ledgerResult{took.Seconds()})
}

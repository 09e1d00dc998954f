//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

// ledgerEntries is how many entries the ledger has whose reading is measured: half of them claims, of 500 messages each.
const ledgerEntries = 10_000

// measureOnce returns what exactly-once costs, from runs that were measured and a ledger that it makes.
func measureOnce(ctx context.Context, server *serverProcess, r *report) ([]*figure, error) {
	say("reading a ledger of %d entries", ledgerEntries)
	var starts []float64
	for range r.Rounds {
		read, err := runRole[ledgerResult](ctx, "ledger", server.url)
		if err != nil {
			return nil, err
		}
		starts = append(starts, read.result.Seconds)
	}
	pairs := r.pairs(onceName, archiveName)
	return []*figure{
		newFigure("exactly once, time a message of at least once", "µs", 1.1, pairs, func(p [2]run) (float64, float64) {
			return 1e6 / p[0].MessagesPerSecond, 1e6 / p[1].MessagesPerSecond
		}),
		newFigure("exactly once, client CPU of at least once", "s/M", 1.1, pairs, func(p [2]run) (float64, float64) {
			return p[0].ClientCPU, p[1].ClientCPU
		}),
		newFigure("exactly once, server CPU of at least once", "s", 1.1, pairs, func(p [2]run) (float64, float64) {
			return p[0].ServerCPU, p[1].ServerCPU
		}),
		newFigure("ledger, of a million messages", "bytes", 1e6, pairs, func(p [2]run) (float64, float64) {
			return float64(p[0].LedgerBytes) * 1e6 / float64(r.Messages), 0
		}),
		newFigure("start with a ledger of 10,000 entries", "s", 2, starts, func(v float64) (float64, float64) { return v, 0 }),
	}, nil
}

// pairs returns the runs of two contenders, round by round.
func (r *report) pairs(a, b string) (pairs [][2]run) {
	var of [2][]run
	for _, result := range r.Results {
		for i, name := range []string{a, b} {
			if result.Name == name {
				of[i] = result.Runs
			}
		}
	}
	for i := range min(len(of[0]), len(of[1])) {
		pairs = append(pairs, [2]run{of[0][i], of[1][i]})
	}
	return pairs
}

type ledgerResult struct{ Seconds float64 }

// readLedger is the role that makes a ledger and reads it as a capture does at its start, with the server's URL.
func readLedger(args []string) error {
	ctx := context.Background()
	nc, err := nats.Connect(args[0])
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return err
	}
	const consumer = "bench-ledger"
	defer func() { _ = js.DeleteStream(ctx, ledger.StreamName(stream, consumer)) }()
	open := func() (*ledger.Stream, *ledger.Book, error) {
		book := ledger.NewBook(s.CachedInfo().Created, ledger.DefaultCacheBytes)
		l, err := ledger.OpenStream(ctx, nc, js, s.CachedInfo(), consumer, "", book)
		return l, book, err
	}
	l, _, err := open()
	if err != nil {
		return err
	}
	for i := range uint64(ledgerEntries / 2) {
		e := &ledger.Entry{
			Block: fmt.Sprintf("%016d", i), State: ledger.Claimed, Instance: "bench", Created: s.CachedInfo().Created,
			Part: 1, Parts: 1, Place: ledger.Place{Dir: "date=2026-11-23/hour=12", File: fmt.Sprintf("%d.parquet", i)},
			Tombstone: make([]byte, 2_000), Set: roaring64.New(),
		}
		for k := range uint64(500) { // as when ten destination keys take turns
			e.Set.Add(i/10*5_000 + i%10 + 10*k)
		}
		seq, err := l.Append(ctx, e, 0)
		if err != nil {
			return err
		}
		if _, err := l.Append(ctx, &ledger.Entry{Block: e.Block, State: ledger.Stored, Instance: e.Instance, Created: e.Created}, seq); err != nil {
			return err
		}
	}
	start := time.Now()
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
	if n := book.Stats().Entries; err == nil && n != ledgerEntries {
		err = fmt.Errorf("%d entries of %d were read", n, ledgerEntries)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(ledgerResult{took.Seconds()})
}

//go:build unix

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// stream has the orders.
const stream = "ORDERS"

// A plan says what is measured and how often.
type plan struct {
	messages int
	rounds   int
	keys     int      // the most destination keys
	keysOnly bool     // measure only one key and that many
	only     []string // parts of the names of the contenders to measure; nil for all contenders and figures
	settle   time.Duration

	ledgerEntries int // in the ledger whose reading is measured
	encodedRows   int // in each encoding
	openBlocks    int // held at a time
}

// defaultPlan measures the figures of README.md.
func defaultPlan() plan {
	return plan{
		messages: 1_000_000, rounds: 3, keys: manyKeys, settle: settle,
		ledgerEntries: 10_000, encodedRows: 200_000, openBlocks: 10_000,
	}
}

// A bench has the servers and the binary that contenders use.
type bench struct {
	plan
	dir     string // temporary
	binary  string // jc-parquet
	server  *serverProcess
	gateway *gateway // nil where it is not installed
}

// startBench builds jc-parquet and starts the servers. stop ends them and removes everything.
func startBench(ctx context.Context, p plan) (_ *bench, err error) {
	b := &bench{plan: p}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.stop())
		}
	}()
	if b.dir, err = os.MkdirTemp("", "jc-parquet-bench-"); err != nil {
		return nil, err
	}
	say("building jc-parquet")
	b.binary = filepath.Join(b.dir, "jc-parquet")
	build := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", b.binary, // as make build does
		"github.com/jetcapture/lake/cmd/jc-parquet")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("build jc-parquet: %w: run the bench in the folder of its module", err)
	}
	if b.server, err = startServer(ctx); err != nil {
		return nil, err
	}
	b.server.settle = p.settle
	if path := findGateway(ctx); path != "" {
		b.gateway, err = startGateway(ctx, path)
	}
	return b, err
}

func (b *bench) stop() (err error) {
	if b.gateway != nil {
		err = b.gateway.stop()
	}
	if b.server != nil {
		err = errors.Join(err, b.server.stop())
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}

// measure runs everything in turn, round by round, so that changes of the machine over time affect all alike.
func measure(ctx context.Context, p plan) (r *report, err error) {
	b, err := startBench(ctx, p)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	contenders, err := b.contenders()
	if err != nil {
		return nil, err
	}
	bytes, err := b.fill(ctx, contenders)
	if err != nil {
		return nil, err
	}
	r = newReport(p.messages, p.rounds, bytes)
	for round := range p.rounds {
		for _, c := range inRound(round, contenders) {
			say("round %d of %d: %s", round+1, p.rounds, c.name)
			one, err := b.server.measure(ctx, c.times*p.messages, c)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			r.add(round, c.name, *one)
		}
	}
	r.Figures = append(r.olderFigures(), r.onceFigures()...)
	r.Figures = append(r.Figures, r.keyFigures(p.keys)...)
	if p.only != nil || p.keysOnly {
		return r, nil
	}
	ledger, err := measureLedger(ctx, b.server, p)
	if err != nil {
		return nil, err
	}
	encoding, err := measureFigures(ctx, p)
	if err != nil {
		return nil, err
	}
	start, err := b.startFigures(ctx)
	r.Figures = append(append(append(r.Figures, ledger), encoding...), start...)
	return r, err
}

// fill makes the streams of the contenders. It returns the bytes of the orders' JSON.
func (b *bench) fill(ctx context.Context, contenders []contender) (bytes int64, err error) {
	for _, s := range []struct {
		name, role string
		messages   int
		args       []string
	}{
		{stream, "fill", b.messages, nil},
		{keyStream, "fillkeys", keyTimes * b.messages, []string{strconv.Itoa(b.keys)}},
	} {
		if !wanted(s.name, contenders) {
			continue
		}
		say("publishing %d messages to %s", s.messages, s.name)
		filled, err := runRole[fillResult](ctx, append([]string{s.role, b.server.url, strconv.Itoa(s.messages)}, s.args...)...)
		if err != nil {
			return 0, err
		}
		bytes = cmp.Or(bytes, filled.result.JSONBytes*int64(b.messages)/int64(s.messages)) // of the same orders
	}
	return bytes, nil
}

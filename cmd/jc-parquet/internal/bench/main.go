//go:build unix

// Command bench measures jc-parquet against a bare pull: the same stream, pulled and acked message by message, and nothing
// done with it. Run it by
//
//	go run ./cmd/jc-parquet/internal/bench
//
// The server, each pull and each jc-parquet are processes of their own, so that the CPU and memory of each can be told
// apart. Everything stays on 127.0.0.1 and in temporary folders, which are removed at the end.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	stream = "ORDERS"
	target = 0.85 // of the bare pull's rate, for local Parquet
)

func main() {
	if len(os.Args) > 1 {
		if role := roles[os.Args[1]]; role != nil { // a child of the bench
			if err := role(os.Args[2:]); err != nil {
				fail(err)
			}
			return
		}
	}
	messages := flag.Int("messages", 1_000_000, "publish `N` messages of about 250 bytes")
	rounds := flag.Int("rounds", 3, "measure each `N` times, in turn, and show medians")
	only := flag.Bool("encoding", false, "measure encoding alone, without a server")
	held := flag.Int("restart", 0, "measure instead the start of a capture that finds `N` messages expired and un-acknowledged")
	asJSON := flag.Bool("json", false, "print JSON, with every run, instead of a table")
	flag.Parse()
	if *messages < 1 || *rounds < 1 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var report *report
	var err error
	if *held > 0 {
		report = newReport(*messages, *rounds, 0)
		report.Restarts, err = measureRestarts(ctx, *messages, *held)
	} else if *only {
		report = newReport(0, *rounds, 0)
		report.Figures, err = measureFigures(ctx, *rounds)
	} else {
		report, err = measure(ctx, *messages, *rounds)
	}
	if err != nil {
		fail(err)
	}
	if !*asJSON {
		report.print(os.Stdout)
		return
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(report); err != nil {
		fail(err)
	}
}

func fail(err error) {
	_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

// roles are what a process of the bench can be, beside the one that directs the others. That one stays small: a child
// counts the memory of its parent, from before it was a program of its own, as its peak.
var roles = map[string]func(args []string) error{
	"server":  serve,
	"encode":  encode,
	"open":    open,
	"fill":    fill,
	"bare":    barePull,
	"ledger":  readLedger,
	"restart": restart,
}

// measure runs everything in turn, round by round, so that what changes with time hits all alike.
func measure(ctx context.Context, messages, rounds int) (report *report, err error) {
	dir, err := os.MkdirTemp("", "jc-parquet-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	say("building jc-parquet")
	binary := filepath.Join(dir, "jc-parquet")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/jetcapture/lake/cmd/jc-parquet")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("build jc-parquet: %w: run the bench in the folder of its module", err)
	}
	server, err := startServer(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.stop()) }()

	say("publishing %d messages", messages)
	filled, err := runRole[fillResult](ctx, "fill", server.url, strconv.Itoa(messages))
	if err != nil {
		return nil, err
	}
	report = newReport(messages, rounds, filled.result.JSONBytes)
	contenders := []contender{
		{name: barePullName, run: runBarePull(false)},
		{name: archiveName, run: runArchive(binary, dir, "parquet", "--delivery", "at-least-once")},
		{name: onceName, run: runArchive(binary, dir, "parquet", "--delivery", "exactly-once")},
		{name: "NDJSON gzip, at least once", run: runArchive(binary, dir, "ndjson", "--compression", "gzip", "--delivery", "at-least-once")},
		{name: "bare pull, AckAll", run: runBarePull(true), policy: jetstream.AckAllPolicy},
		{name: "Parquet, exactly once, AckAll", run: runArchive(binary, dir, "parquet", "--delivery", "exactly-once"), policy: jetstream.AckAllPolicy},
	}
	for round := range rounds {
		for _, c := range contenders {
			say("round %d of %d: %s", round+1, rounds, c.name)
			r, err := server.measure(ctx, messages, c)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			report.add(c.name, *r)
		}
	}
	once, err := measureOnce(ctx, server, report)
	if err != nil {
		return nil, err
	}
	report.Figures, err = measureFigures(ctx, rounds)
	report.Figures = append(once, report.Figures...)
	return report, err
}

func say(text string, args ...any) {
	_, _ = fmt.Fprintf(os.Stderr, "bench: "+text+"\n", args...)
}

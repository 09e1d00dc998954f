//go:build unix

// Command bench measures jc-parquet against a bare pull: the same stream, pulled and acked message by message, and nothing
// done with it. Run it by
//
//	go run ./cmd/jc-parquet/internal/bench
//
// The servers, each pull and each jc-parquet are processes of their own, so that the CPU and memory of each can be told
// apart. Everything stays on 127.0.0.1 and in temporary folders, which are removed at the end.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
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
	p := defaultPlan()
	flag.IntVar(&p.messages, "messages", p.messages, "publish `N` messages of about 250 bytes, and six times as many of keys")
	flag.IntVar(&p.rounds, "rounds", p.rounds, "measure each `N` times, in turn, and show medians")
	only := flag.String("only", "", "measure those alone whose names have a `NAME` of a list in them: 'bare,Parquet, at least once'")
	keys := flag.Int("keys", 0, "measure instead 1 and `N` destination keys, once each")
	encoding := flag.Bool("encoding", false, "measure instead encoding alone, without a server")
	held := flag.Int("restart", 0, "measure instead the start of a capture that finds `N` messages expired and un-acknowledged; with -keys, that finds them all stored")
	soaked := flag.Duration("soak", 0, "run instead at full rate into S3 for a `TIME`, a fifth of which the store is down")
	live := flag.Duration("live", 0, "run instead beside a steady publisher of many keys for a `TIME`, and show what files come of it")
	asJSON := flag.Bool("json", false, "print JSON, with every run, instead of a table")
	flag.Parse()
	instead := 0
	for _, mode := range []bool{*keys != 0 || *held != 0, *encoding, *soaked != 0, *live != 0} {
		if mode {
			instead++
		}
	}
	if p.messages < 1 || p.rounds < 1 || *keys < 0 || *held < 0 || *soaked < 0 || *live < 0 || instead > 1 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	p.only = parseNames(*only)
	if *keys > 0 {
		p.keys, p.keysOnly, p.rounds = *keys, true, 1
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var report *report
	var err error
	switch {
	case *held > 0 && *keys > 0:
		report = newReport(*held, 1, 0)
		report.Again, err = measureRedelivery(ctx, p, *held)
	case *held > 0:
		report = newReport(p.messages, p.rounds, 0)
		report.Restarts, err = measureRestarts(ctx, p.messages, *held)
	case *encoding:
		report = newReport(0, p.rounds, 0)
		report.Figures, err = measureFigures(ctx, p)
	case *soaked > 0:
		report = newReport(0, 1, 0)
		report.Soak, err = soak(ctx, *soaked)
	case *live > 0:
		report = newReport(0, 1, 0)
		report.Live, err = measureLive(ctx, *live)
	default:
		report, err = measure(ctx, p)
	}
	if err != nil {
		fail(err)
	}
	if !*asJSON {
		report.print(os.Stdout)
	} else {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(report); err != nil {
			fail(err)
		}
	}
	if report.Soak != nil {
		if err := report.Soak.check(); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

func say(text string, args ...any) {
	_, _ = fmt.Fprintf(os.Stderr, "bench: "+text+"\n", args...)
}

// roles are what a process of the bench can be, beside the one that directs the others. That one stays small: a child
// counts the memory of its parent, from before it was a program of its own, as its peak.
var roles = map[string]func(args []string) error{
	"server":   serve,
	"gateway":  serveGateway,
	"encode":   encode,
	"open":     open,
	"fill":     fill,
	"fillkeys": fillKeys,
	"flood":    flood,
	"drip":     drip,
	"bare":     barePull,
	"older":    older,
	"raw":      captureRaw,
	"typed":    captureTyped,
	"ledger":   readLedger,
	"restart":  restart,
}

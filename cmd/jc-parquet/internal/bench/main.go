//go:build unix

// Command bench compares jc-parquet with a bare pull, which pulls and acks the messages of the same stream and does nothing with them.
// README.md has its figures. Run it by
//
//	go run ./cmd/jc-parquet/internal/bench
//
// The servers, each pull and each jc-parquet are separate processes, so that the CPU and memory of each are measured separately.
// Everything stays on 127.0.0.1 and in temporary folders, which are removed at the end.
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
	r, err := parse(os.Args[1:], flag.ExitOnError)
	if err != nil {
		fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var report *report
	switch p := r.plan; {
	case r.restart > 0 && r.keys > 0:
		report = newReport(r.restart, 1, 0)
		report.Again, err = measureRedelivery(ctx, p, r.restart)
	case r.restart > 0:
		report = newReport(p.messages, p.rounds, 0)
		report.Restarts, err = measureRestarts(ctx, p.messages, r.restart)
	case r.encoding:
		report = newReport(0, p.rounds, 0)
		report.Figures, err = measureFigures(ctx, p)
	case r.soak > 0:
		report = newReport(0, 1, 0)
		report.Soak, err = soak(ctx, r.soak)
	case r.live > 0:
		report = newReport(0, 1, 0)
		report.Live, err = measureLive(ctx, r.live)
	default:
		report, err = measure(ctx, p)
	}
	if err != nil {
		fail(err)
	}
	if !r.json {
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

// roles are the roles of child processes. The main process uses little memory, because a child's peak includes the memory of its parent
// before exec.
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

//go:build unix

package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/jetcapture/lake/jetcapture"
)

// A run is the result of one contender in one turn.
type run struct {
	Round, Turn       int     // from 0; most contenders have one turn in a round
	MessagesPerSecond float64 // from the first message until the last ack was confirmed
	WallSeconds       float64 // of the process, from its start to its end
	ClientCPU         float64 // seconds per million messages, of the whole process
	ServerCPU         float64 // seconds in that span
	StoreCPU          float64 `json:",omitempty"` // seconds in that span, of an S3 gateway; 0 if the system does not say
	OthersCPU         float64 // seconds in that span, of processes that are not of this bench; 0 if the system does not say
	PeakMemory        float64 // bytes; of several processes the sum
	Allocs            float64 `json:",omitempty"` // a message, of the whole process, where it is one of the bench
	Rows              int
	Files             int
	FileBytes         int64
	LedgerBytes       int64 // of the entries of an exactly-once capture
}

func newRun(messages int, seconds float64, wall time.Duration, usage *syscall.Rusage) *run {
	return &run{
		MessagesPerSecond: float64(messages) / seconds,
		WallSeconds:       wall.Seconds(),
		ClientCPU:         cpuTime(usage).Seconds() * 1e6 / float64(messages),
		PeakMemory:        float64(peakMemory(usage)),
	}
}

// target is the least ratio of local Parquet's rate to the bare pull's.
const target = 0.85

// A result is all rounds of one contender, and their medians.
type result struct {
	Name   string
	Ratio  float64 `json:",omitempty"` // of its rate to the bare pull's beside it
	Target float64 `json:",omitempty"` // of the ratio
	Met    *bool   `json:",omitempty"`
	Median run
	Runs   []run
}

type report struct {
	Version   string
	Go        string
	CPUs      int
	Messages  int
	Rounds    int
	JSONBytes int64 // of all messages' data
	Results   []*result
	Figures   []*figure
	Restarts  []*restartResult `json:",omitempty"`
	Again     []*redelivered   `json:",omitempty"`
	Live      []*liveResult    `json:",omitempty"`
	Soak      *soakResult      `json:",omitempty"`
}

func newReport(messages, rounds int, jsonBytes int64) *report {
	return &report{
		Version: jetcapture.Version(), Go: runtime.Version(), CPUs: runtime.NumCPU(),
		Messages: messages, Rounds: rounds, JSONBytes: jsonBytes,
	}
}

// add adds a run of a contender, after those of the same round.
func (r *report) add(round int, name string, one run) {
	of := r.result(name)
	if of == nil {
		of = &result{Name: name}
		r.Results = append(r.Results, of)
	}
	one.Round, one.Turn = round, 0
	if n := len(of.Runs); n > 0 && of.Runs[n-1].Round == round {
		one.Turn = of.Runs[n-1].Turn + 1
	}
	of.Runs = append(of.Runs, one)
	of.Median = medians(of.Runs)
	r.compare()
}

// result returns the one of a contender, or nil.
func (r *report) result(name string) *result {
	for _, result := range r.Results {
		if result.Name == name {
			return result
		}
	}
	return nil
}

// compare calculates the ratios.
func (r *report) compare() {
	for _, result := range r.Results {
		var ratios []float64
		for _, pair := range r.pairs(result.Name, barePullName) {
			ratios = append(ratios, pair[0].MessagesPerSecond/pair[1].MessagesPerSecond)
		}
		if len(ratios) == 0 {
			continue
		}
		result.Ratio = middle(ratios)
		if result.Name == archiveName {
			met := result.Ratio >= target
			result.Target, result.Met = target, &met
		}
	}
}

func medians(runs []run) run {
	return run{
		MessagesPerSecond: median(runs, func(r run) float64 { return r.MessagesPerSecond }),
		WallSeconds:       median(runs, func(r run) float64 { return r.WallSeconds }),
		ClientCPU:         median(runs, func(r run) float64 { return r.ClientCPU }),
		ServerCPU:         median(runs, func(r run) float64 { return r.ServerCPU }),
		StoreCPU:          median(runs, func(r run) float64 { return r.StoreCPU }),
		OthersCPU:         median(runs, func(r run) float64 { return r.OthersCPU }),
		PeakMemory:        median(runs, func(r run) float64 { return r.PeakMemory }),
		Allocs:            median(runs, func(r run) float64 { return r.Allocs }),
		Rows:              int(median(runs, func(r run) float64 { return float64(r.Rows) })),
		Files:             int(median(runs, func(r run) float64 { return float64(r.Files) })),
		FileBytes:         int64(median(runs, func(r run) float64 { return float64(r.FileBytes) })),
		LedgerBytes:       int64(median(runs, func(r run) float64 { return float64(r.LedgerBytes) })),
	}
}

func median(runs []run, value func(run) float64) float64 {
	var all []float64
	for _, r := range runs {
		all = append(all, value(r))
	}
	return middle(all)
}

// middle returns the median.
func middle(values []float64) float64 {
	all := slices.Sorted(slices.Values(values))
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

func (r *report) print(out io.Writer) {
	p := func(text string, args ...any) { _, _ = fmt.Fprintf(out, text, args...) }
	if len(r.Results) > 0 {
		r.printRuns(p)
	}
	if len(r.Figures) > 0 {
		printFigures(out, r.Figures)
	}
	printRestarts(p, r.Restarts)
	printRedelivered(p, r.Again)
	printLive(p, r.Live)
	if r.Soak != nil {
		r.Soak.print(p)
	}
}

func (r *report) printRuns(p func(text string, args ...any)) {
	p("\n%d messages of %.0f bytes, %d rounds (medians of all runs), %d CPUs shared with the server, %s, jc-parquet %s\n\n",
		r.Messages, float64(r.JSONBytes)/float64(r.Messages), r.Rounds, r.CPUs, r.Go, r.Version)
	p("%-36s %4s %11s %6s %12s %14s %13s %11s %9s %7s %9s %7s %7s\n", "", "runs", "messages/s", "ratio", "target", "client CPU s/M",
		"server CPU s", "others' CPU", "peak MiB", "files", "rows/file", "MB", "wall s")
	disturbed := false
	for _, result := range r.Results {
		m, ratio, goal, rows := result.Median, "", "", ""
		if result.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", result.Ratio)
		}
		if result.Met != nil {
			goal = fmt.Sprintf("%.2f %s", result.Target, metOrMissed(*result.Met))
		}
		if m.Files > 0 {
			rows = fmt.Sprintf("%.0f", float64(m.Rows)/float64(m.Files))
		}
		p("%-36s %4d %11.0f %6s %12s %14.2f %13.2f %11.2f %9.0f %7d %9s %7.1f %7.1f\n", result.Name, len(result.Runs), m.MessagesPerSecond, ratio, goal,
			m.ClientCPU, m.ServerCPU, m.OthersCPU, m.PeakMemory/(1<<20), m.Files, rows, float64(m.FileBytes)/1e6, m.WallSeconds)
		disturbed = disturbed || m.OthersCPU > m.WallSeconds*float64(r.CPUs)/20
	}
	p(`
messages/s: from the first message until the last ack is confirmed. ratio: to the bare pull beside it. CPU:
user and system time; of the client for the whole process, or the sum of several, per million messages, of the
server in that time; that of an S3 gateway is not shown. wall: the whole process, in which jc-parquet also makes
sure that nothing is pending any more. Keys are destination keys; with 1 key and more, six times as many messages
come from a stream with many subjects, and the memory is limited to 512 MiB.
`)
	if disturbed {
		p("\nOther processes had more than a twentieth of the machine: run it again when it is quiet.\n")
	}
}

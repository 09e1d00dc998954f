//go:build unix

package main

import (
	"errors"
	"fmt"
	"strings"
)

// The phases of a soak.
const (
	beforeOutage = "before"
	duringOutage = "during"
	afterOutage  = "after"
)

// soakSettle is the part of a soak, at its start and after the outage, that rates leave out: held messages are acked all at once there.
const soakSettle = 20

// soakSampled is the state of a soak at one time.
type soakSampled struct {
	At       float64 // seconds since the start
	Phase    string  // the outage's
	Acked    uint64  // messages so far
	Backlog  uint64  // messages that are not acked
	Resident int64   // bytes of jc-parquet's memory; 0 if the system does not say
}

// A soakResult is the result of a soak.
type soakResult struct {
	Seconds       float64
	OutageSeconds float64
	Published     uint64
	Rows          uint64 // in the store
	Lost          uint64 // messages that are in no file
	Twice         uint64 // rows too many
	Unacked       uint64 // messages at the end
	Files         int
	FileBytes     int64
	Samples       []soakSampled
}

// check returns an error if not every message is archived once.
func (r *soakResult) check() error {
	if r.Lost > 0 || r.Twice > 0 || r.Unacked > 0 {
		return fmt.Errorf("of %d messages %d are lost, %d rows are too many, and %d messages are not acked", r.Published, r.Lost, r.Twice, r.Unacked)
	}
	if r.Published == 0 {
		return errors.New("nothing was published")
	}
	return nil
}

// rate returns the acked messages a second in a phase after soakSettle, or 0 if there are too few samples.
func (r *soakResult) rate(phase string) float64 {
	samples := r.of(phase)
	for len(samples) > 0 && samples[0].At < r.began(phase)+r.Seconds/soakSettle {
		samples = samples[1:]
	}
	if len(samples) < 2 {
		return 0
	}
	first, last := samples[0], samples[len(samples)-1]
	return float64(last.Acked-first.Acked) / (last.At - first.At)
}

// began returns the start of a phase, in seconds.
func (r *soakResult) began(phase string) float64 {
	switch phase {
	case duringOutage:
		return (r.Seconds - r.OutageSeconds) / 2
	case afterOutage:
		return (r.Seconds + r.OutageSeconds) / 2
	}
	return 0
}

func (r *soakResult) of(phase string) (samples []soakSampled) {
	for _, s := range r.Samples {
		if s.Phase == phase {
			samples = append(samples, s)
		}
	}
	return samples
}

func (r *soakResult) maxResident(phase string) (most int64) {
	for _, s := range r.of(phase) {
		most = max(most, s.Resident)
	}
	return most
}

// recovered returns the seconds from the end of the outage to the first new ack in a sample, or 0.
func (r *soakResult) recovered() float64 {
	after := r.of(afterOutage)
	for i, s := range after {
		if i > 0 && s.Acked > after[0].Acked {
			return s.At - r.began(afterOutage)
		}
	}
	return 0
}

// figures compares a soak with its targets.
func (r *soakResult) figures() (all []*figure) {
	one := []*soakResult{r}
	if r.rate(beforeOutage) > 0 && r.rate(afterOutage) > 0 {
		all = append(all, newFigure("time a message after the outage, of before", "µs", 1.05, one, func(r *soakResult) (float64, float64) {
			return 1e6 / r.rate(afterOutage), 1e6 / r.rate(beforeOutage)
		}))
	}
	if r.maxResident(afterOutage) > 0 && r.maxResident(beforeOutage) > 0 {
		all = append(all,
			newFigure("memory after the outage, of before", "bytes resident", 1.1, one, func(r *soakResult) (float64, float64) {
				return float64(r.maxResident(afterOutage)), float64(r.maxResident(beforeOutage))
			}),
			newFigure("peak memory", "bytes resident", 600e6, one, func(r *soakResult) (float64, float64) {
				return float64(max(r.maxResident(beforeOutage), r.maxResident(duringOutage), r.maxResident(afterOutage))), 0
			}))
	}
	return append(all,
		newFigure("messages lost", "", 0, one, func(r *soakResult) (float64, float64) { return float64(r.Lost), 0 }),
		newFigure("rows too many", "", 0, one, func(r *soakResult) (float64, float64) { return float64(r.Twice), 0 }))
}

func (r *soakResult) print(p func(text string, args ...any)) {
	p("\n%d messages in %.0f s, the store down for %.0f s of them; %d rows in %d files of %.1f MB\n\n",
		r.Published, r.Seconds, r.OutageSeconds, r.Rows, r.Files, float64(r.FileBytes)/1e6)
	p("%-16s %11s %14s %16s\n", "the outage", "messages/s", "resident MiB", "backlog at most")
	for _, phase := range []string{beforeOutage, duringOutage, afterOutage} {
		var most uint64
		for _, s := range r.of(phase) {
			most = max(most, s.Backlog)
		}
		p("%-16s %11.0f %14.0f %16d\n", phase, r.rate(phase), float64(r.maxResident(phase))/(1<<20), most)
	}
	p("\nFirst ack after the outage seen after %.1f s. Rates leave out the first %.1f s of each time.\n", r.recovered(), r.Seconds/soakSettle)
	var table strings.Builder
	printFigures(&table, r.figures())
	p("%s", table.String())
}

//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
)

// A figure is a measure of the design, with its yardstick and its target.
type figure struct {
	Name     string
	Unit     string
	Value    float64 // the median of all rounds
	Ratio    float64 `json:",omitempty"` // to a yardstick in the same process
	Target   float64 `json:",omitempty"` // the most that Ratio may be, or Value if there is no ratio
	Met      *bool   `json:",omitempty"`
	Measured []float64
}

// measureFigures encodes in processes of their own, round by round.
func measureFigures(ctx context.Context, p plan) ([]*figure, error) {
	var encodings []encodingResult
	var blockBytes, resident []float64
	for round := range p.rounds {
		say("round %d of %d: encoding, and %d open blocks", round+1, p.rounds, p.openBlocks)
		e, err := runRole[encodingResult](ctx, "encode", strconv.Itoa(p.encodedRows))
		if err != nil {
			return nil, err
		}
		encodings = append(encodings, e.result)
		o, err := runRole[openResult](ctx, "open", strconv.Itoa(p.openBlocks))
		if err != nil {
			return nil, err
		}
		blockBytes = append(blockBytes, o.result.BlockBytes)
		resident = append(resident, float64(peakMemory(o.usage)))
	}
	rows := float64(p.encodedRows)
	nanoseconds := func(e encoding) float64 { return e.CPU * 1e9 / rows }
	return []*figure{
		newFigure("raw rows, CPU of zstd alone", "ns/row", 1.3, encodings, func(e encodingResult) (float64, float64) {
			return nanoseconds(e.Raw), nanoseconds(e.Zstd)
		}),
		newFigure("typed rows, CPU of GenericWriter", "ns/row", 0.6, encodings, func(e encodingResult) (float64, float64) {
			return nanoseconds(e.Typed), nanoseconds(e.Generic)
		}),
		newFigure("typed rows, size of GenericWriter's", "bytes/row", 1, encodings, func(e encodingResult) (float64, float64) {
			return float64(e.Typed.Bytes) / rows, float64(e.Generic.Bytes) / rows
		}),
		newFigure("raw rows, allocations", "a row", 0.1, encodings, func(e encodingResult) (float64, float64) {
			return e.Raw.Allocs, 0
		}),
		newFigure("typed rows, allocations", "a row", 0.1, encodings, func(e encodingResult) (float64, float64) {
			return e.Typed.Allocs, 0
		}),
		newFigure("an open block of 10 rows", "bytes of heap", 16<<10, blockBytes, func(v float64) (float64, float64) { return v, 0 }),
		newFigure(thousands(p.openBlocks)+" open blocks of 10 rows", "bytes resident", 150e6, resident, func(v float64) (float64, float64) { return v, 0 }),
	}, nil
}

// newFigure makes a figure of the value and the yardstick, or 0, that of returns for each round.
func newFigure[R any](name, unit string, target float64, rounds []R, of func(R) (value, yardstick float64)) *figure {
	f := &figure{Name: name, Unit: unit, Target: target}
	var values, ratios []float64
	for _, r := range rounds {
		value, yardstick := of(r)
		values = append(values, value)
		if yardstick > 0 {
			ratios = append(ratios, value/yardstick)
		}
	}
	f.Value, f.Measured = middle(values), values
	held := f.Value
	if len(ratios) > 0 {
		f.Ratio, f.Measured = middle(ratios), ratios
		held = f.Ratio
	}
	met := held <= target
	f.Met = &met
	return f
}

func printFigures(out io.Writer, figures []*figure) {
	p := func(text string, args ...any) { _, _ = fmt.Fprintf(out, text, args...) }
	p("\n%-46s %14s %-15s %6s %18s\n", "figures", "", "", "ratio", "target")
	for _, f := range figures {
		ratio, target := "", fmt.Sprintf("%g", f.Target)
		if f.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", f.Ratio)
		}
		p("%-46s %14.5g %-15s %6s %18s\n", f.Name, f.Value, f.Unit, ratio, target+" "+metOrMissed(*f.Met))
	}
}

func metOrMissed(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}

//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"
)

const startsInRound = 10

// startFigures measures the size and the start time of jc-parquet.
func (b *bench) startFigures(ctx context.Context) ([]*figure, error) {
	info, err := os.Stat(b.binary)
	if err != nil {
		return nil, err
	}
	var starts []float64
	for range startsInRound * b.rounds {
		start := time.Now()
		if out, err := exec.CommandContext(ctx, b.binary, "--version").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("jc-parquet --version: %w:\n%s", err, out)
		}
		starts = append(starts, float64(time.Since(start))/float64(time.Millisecond))
	}
	itself := func(v float64) (value, yardstick float64) { return v, 0 }
	return []*figure{
		newFigure("jc-parquet --version", "ms", 50, starts, itself),
		newFigure("jc-parquet, its file", "bytes", 60e6, []float64{float64(info.Size())}, itself),
	}, nil
}

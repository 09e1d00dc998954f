//go:build unix

package main

import (
	"flag"
	"strings"
	"testing"

	"github.com/jetcapture/lake/cmd/jc-parquet/internal/docs"
)

func TestCommandsOfTheREADMEParse(t *testing.T) {
	blocks, err := docs.Blocks("cmd/jc-parquet/internal/bench/README.md")
	if err != nil || len(blocks) == 0 {
		t.Fatalf("%d blocks, %v", len(blocks), err)
	}
	for _, b := range blocks {
		for line := range strings.Lines(b.Text) {
			line = strings.TrimSpace(line)
			args, ok := strings.CutPrefix(line, "go run ./cmd/jc-parquet/internal/bench ")
			switch {
			case line == "make bench":
			case !ok:
				t.Errorf("%v: no test knows %s", b, line)
			default:
				var list []string
				for i, part := range strings.Split(args, "'") { // quoted parts have blanks
					if i%2 == 1 {
						list = append(list, part)
						continue
					}
					list = append(list, strings.Fields(part)...)
				}
				if _, err := parse(list, flag.ContinueOnError); err != nil {
					t.Errorf("%v: %s: %v", b, line, err)
				}
			}
		}
	}
}

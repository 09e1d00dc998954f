//go:build unix

package main

import (
	"context"
	"os"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestReportHasMediansAndTheRatioToTheBarePull(t *testing.T) {
	r := newReport(1_000, 3, 250_000)
	for _, rate := range []float64{100, 300, 200} {
		r.add("bare", run{MessagesPerSecond: rate, Files: 0})
		r.add("ours", run{MessagesPerSecond: rate * 0.9, ClientCPU: rate, Files: 3})
		r.add("other", run{MessagesPerSecond: rate / 2})
	}
	ours := r.Results[1]
	if ours.Median.MessagesPerSecond != 180 || ours.Median.ClientCPU != 200 || ours.Median.Files != 3 {
		t.Errorf("the medians are %+v", ours.Median)
	}
	if ours.Ratio != 0.9 || ours.Met == nil || !*ours.Met || r.Results[2].Ratio != 0.5 || r.Results[2].Met != nil {
		t.Errorf("the results are %+v and %+v", ours, r.Results[2])
	}
	var table strings.Builder
	r.print(&table)
	if !strings.Contains(table.String(), "0.85 met") {
		t.Errorf("the table does not say that the target is met:\n%s", table.String())
	}
}

func TestEveryContenderGetsAllMessages(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r, err := measure(context.Background(), 12_345, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range r.Results {
		one := result.Runs[0]
		if one.MessagesPerSecond <= 0 || one.ClientCPU <= 0 || one.ServerCPU <= 0 || one.PeakMemory < 1<<20 || one.WallSeconds <= 0 {
			t.Errorf("%s was measured as %+v", result.Name, one)
		}
		if archives := !strings.HasPrefix(result.Name, "bare"); archives != (one.Files > 0) || archives != (one.FileBytes > 0) {
			t.Errorf("%s has %d files of %d bytes", result.Name, one.Files, one.FileBytes)
		}
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 1 { // go build keeps a folder there
		t.Errorf("in the temporary folder is %v", left)
	}
}

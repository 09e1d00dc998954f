//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/jetcapture/capturetest"
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
	for round, rate := range []float64{100, 300, 200} {
		r.add(round, barePullName, run{MessagesPerSecond: rate, Files: 0})
		r.add(round, archiveName, run{MessagesPerSecond: rate * 0.9, ClientCPU: rate, Files: 3, Rows: 600})
		r.add(round, "other", run{MessagesPerSecond: rate / 2})
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
	if !strings.Contains(table.String(), "0.85 met") || !strings.Contains(table.String(), " 200 ") {
		t.Errorf("the table does not say that the target is met, by files of 200 rows:\n%s", table.String())
	}
}

func TestFiguresComeFromPairsOfRuns(t *testing.T) {
	r := newReport(1_000, 3, 250_000)
	if all := slices.Concat(r.olderFigures(), r.onceFigures(), r.keyFigures(manyKeys)); len(all) != 0 {
		t.Errorf("without runs there are figures: %+v", all)
	}
	for i, rate := range []float64{100, 300, 200} {
		r.add(i, olderName, run{MessagesPerSecond: rate, ClientCPU: 20, FileBytes: 100})
		r.add(i, archiveName, run{MessagesPerSecond: rate, ClientCPU: float64(4 + i), FileBytes: 60})
		r.add(i, keysName(1), run{MessagesPerSecond: rate, PeakMemory: 1e6})
		r.add(i, keysName(manyKeys), run{MessagesPerSecond: rate / 4, PeakMemory: 2e6})
	}
	for name, want := range map[string]struct {
		ratio, value float64
		met          bool
	}{
		"CPU of a message, of the older way":   {0.25, 5, true},
		"size, of the older way":               {0.6, 60, false},
		"10,000 keys, time a message of 1 key": {4, 1e6 / 50, false},
		"10,000 keys, peak memory":             {0, 2e6, true},
	} {
		all := append(r.olderFigures(), r.keyFigures(manyKeys)...)
		i := slices.IndexFunc(all, func(f *figure) bool { return f.Name == name })
		if i < 0 {
			t.Errorf("there is no figure %q", name)
			continue
		}
		if f := all[i]; f.Ratio != want.ratio || f.Value != want.value || *f.Met != want.met {
			t.Errorf("%s is %+v, met: %t", name, f, *f.Met)
		}
	}
}

func TestRunsAreHeldAgainstThoseBesideThem(t *testing.T) {
	r := newReport(1_000, 2, 250_000)
	for round, rates := range [][]float64{{100, 200, 400}, {1_000, 3_000, 2_000}} {
		for turn, rate := range rates {
			r.add(round, barePullName, run{MessagesPerSecond: rate})
			r.add(round, archiveName, run{MessagesPerSecond: rate * (0.5 + float64(turn)/10), ClientCPU: 5, FileBytes: 60})
		}
		r.add(round, "other", run{MessagesPerSecond: rates[0] / 4})
		r.add(round, olderName, run{MessagesPerSecond: 1, ClientCPU: []float64{20, 10}[round], FileBytes: 100})
	}
	if got := r.result(archiveName).Ratio; got != 0.6 {
		t.Errorf("with 0.5, 0.6 and 0.7 of the bare pull in each round, the ratio is %v", got)
	}
	if got := r.result("other").Ratio; got != 0.25 {
		t.Errorf("one turn in a round is %v of the first of the bare pull, not 0.25", got)
	}
	if f := r.olderFigures()[0]; len(f.Measured) != 6 || f.Ratio != 0.375 || f.Value != 5 {
		t.Errorf("three turns in each round, and one of the older way, make %+v", f)
	}
}

func TestBothDeliveriesChangePlaces(t *testing.T) {
	all := []contender{{name: "a", turns: 3}, {name: archiveName, turns: 3}, {name: onceName, turns: 3}, {name: "b", turns: 1}}
	for round, want := range [][]string{
		{"a", archiveName, onceName, "b", "a", onceName, archiveName, "a", archiveName, onceName},
		{"a", onceName, archiveName, "b", "a", archiveName, onceName, "a", onceName, archiveName},
	} {
		var got []string
		for _, c := range inRound(round, all) {
			got = append(got, c.name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("round %d has %q", round, got)
		}
	}
	if some := all[1:2]; len(inRound(1, some)) != 3 {
		t.Error("one of them alone does not have its turns")
	}
}

func TestContendersAreChosenByTheirNames(t *testing.T) {
	parts := parseNames("bare pull, exp,Parquet, at least once")
	if want := []string{"bare pull, exp", "Parquet, at least once"}; !slices.Equal(parts, want) {
		t.Fatalf("the names are %q", parts)
	}
	b := &bench{plan: plan{messages: 1, keys: manyKeys, only: parts}}
	chosen, err := b.contenders()
	if err != nil || len(chosen) != 2 || chosen[0].name != barePullName || chosen[1].name != archiveName {
		t.Errorf("chosen are %+v, %v", chosen, err)
	}
	b.only = []string{"nobody"}
	if _, err := b.contenders(); err == nil || !strings.Contains(err.Error(), archiveName) {
		t.Errorf("a name that nobody has: %v", err)
	}
	b.keysOnly, b.keys, b.only = true, 100_000, nil
	if chosen, err = b.contenders(); err != nil || len(chosen) != 2 || chosen[1].name != "Parquet, exactly once, 100,000 keys" {
		t.Errorf("with -keys, chosen are %+v, %v", chosen, err)
	}
}

func TestEveryContenderGetsAllMessages(t *testing.T) {
	capturetest.WithoutRace(t)
	t.Setenv("TMPDIR", t.TempDir())
	requireGateway(t)
	const keys = 300
	r, err := measure(context.Background(), plan{
		messages: 12_345, rounds: 1, keys: keys, ledgerEntries: 200, encodedRows: 5_000, openBlocks: 100,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range r.Results {
		one := result.Runs[0]
		if one.MessagesPerSecond <= 0 || one.ClientCPU <= 0 || one.ServerCPU <= 0 || one.PeakMemory < 1<<20 || one.WallSeconds <= 0 {
			t.Errorf("%s was measured as %+v", result.Name, one)
		}
		archives := !strings.HasPrefix(result.Name, "bare")
		rows := 12_345
		if strings.Contains(result.Name, "key") {
			rows *= keyTimes
		}
		if archives != (one.Files > 0) || archives != (one.FileBytes > 0) || archives != (one.Rows == rows) {
			t.Errorf("%s has %d files of %d bytes and %d rows", result.Name, one.Files, one.FileBytes, one.Rows)
		}
	}
	for name, files := range map[string]int{keysName(1): 1, keysName(fewKeys): fewKeys, keysName(keys): keys, olderName: 1} {
		if result := r.result(name); result == nil || result.Median.Files != files {
			t.Errorf("%s has %+v, not %d files", name, result, files)
		}
	}
	for _, name := range []string{
		"CPU of a message, of the older way", "size at level 7, of the older way", "300 keys, peak memory", "start with a ledger of 200 entries",
		"100 open blocks of 10 rows", "raw messages, allocations beside a bare pull's",
		"jc-parquet --version", "jc-parquet, its file",
	} {
		if !slices.ContainsFunc(r.Figures, func(f *figure) bool { return f.Name == name && f.Value != 0 }) {
			t.Errorf("there is no figure %q", name)
		}
	}
	nothingIsLeft(t)
}

func TestSoakFindsEveryMessageOnce(t *testing.T) {
	capturetest.WithoutRace(t)
	t.Setenv("TMPDIR", t.TempDir())
	requireGateway(t)
	r, err := soak(context.Background(), 15*time.Second, "--max-in-flight", "10000")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.check(); err != nil {
		t.Error(err)
	}
	for _, phase := range []string{beforeOutage, duringOutage, afterOutage} {
		if len(r.of(phase)) == 0 {
			t.Errorf("nothing was sampled %s the outage", phase)
		}
	}
	if r.Files == 0 || r.Rows == 0 || r.rate(beforeOutage) <= 0 {
		t.Errorf("the soak has %d rows in %d files, %.0f a second before the outage", r.Rows, r.Files, r.rate(beforeOutage))
	}
	var table strings.Builder
	r.print(func(text string, args ...any) { _, _ = fmt.Fprintf(&table, text, args...) })
	if !strings.Contains(table.String(), "messages lost") {
		t.Errorf("the table does not say what is lost:\n%s", table.String())
	}
	t.Log(table.String())
	nothingIsLeft(t)
}

func TestLiveCaptureGetsAllMessages(t *testing.T) {
	capturetest.WithoutRace(t)
	t.Setenv("TMPDIR", t.TempDir())
	all, err := measureLive(context.Background(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if r.Messages != liveRate || r.Files < liveKeys || r.FileBytes == 0 || r.ClientCPU <= 0 || r.PeakMemory < 1<<20 {
			t.Errorf("a live capture is measured as %+v", r)
		}
	}
	var table strings.Builder
	printLive(func(text string, args ...any) { _, _ = fmt.Fprintf(&table, text, args...) }, all)
	if strings.Count(table.String(), "20,000/s") != len(all) {
		t.Errorf("the table is:\n%s", table.String())
	}
	nothingIsLeft(t)
}

func TestWhatIsStoredAndComesAgainIsStoredOnce(t *testing.T) {
	capturetest.WithoutRace(t)
	t.Setenv("TMPDIR", t.TempDir())
	const n, keys = 5_000, 50
	all, err := measureRedelivery(context.Background(), plan{messages: n, rounds: 1, keys: keys}, n)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].Files != 1 || all[1].Files != keys || all[1].PerSecond <= 0 {
		t.Errorf("measured are %+v and %+v", *all[0], *all[1])
	}
	var table strings.Builder
	printRedelivered(func(text string, args ...any) { _, _ = fmt.Fprintf(&table, text, args...) }, all)
	if !strings.Contains(table.String(), " 1.00\n") {
		t.Errorf("the table is:\n%s", table.String())
	}
	nothingIsLeft(t)
}

func TestSoakCountsWhatIsLostAndTwice(t *testing.T) {
	rows := newSequences(130)
	for _, sequence := range []uint64{1, 2, 2, 64, 130, 200} {
		rows.add(sequence)
	}
	if rows.distinct() != 4 || rows.rows != 6 || rows.odd != 1 {
		t.Errorf("%d rows, %d of them distinct, %d of sequences that are not there", rows.rows, rows.distinct(), rows.odd)
	}
	if err := (&soakResult{Published: 130, Rows: 6, Lost: 126}).check(); err == nil {
		t.Error("a soak that lost messages is as it should be")
	}
	if err := (&soakResult{Published: 4, Rows: 5, Twice: 1}).check(); err == nil {
		t.Error("a soak with a row twice is as it should be")
	}
}

// requireGateway skips a test where the gateway is not installed, or fails it where it must be.
func requireGateway(t *testing.T) {
	t.Helper()
	if findGateway(t.Context()) != "" {
		return
	}
	if os.Getenv("CI") != "" || os.Getenv("JETCAPTURE_REQUIRE_TOOLS") != "" {
		t.Fatal("no versitygw is installed: run make tools")
	}
	t.Skip("no versitygw is installed: run make tools")
}

func nothingIsLeft(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		if strings.HasPrefix(entry.Name(), "jc-parquet") { // go build keeps a folder there
			t.Errorf("in the temporary folder is %v", entry)
		}
	}
}

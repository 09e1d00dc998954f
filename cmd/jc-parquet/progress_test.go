package main

import (
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/jetcapture/lake/jetcapture"
)

func TestProgressIsALineEveryFewSecondsWhileThereIsSomethingToSay(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	p := newProgress(zap.New(core))
	watch := p.observer()
	later := func() { p.shownAt = time.Now().Add(-progressEvery) }

	watch.Sampled(jetcapture.Stats{Pending: 5})
	if logs.Len() > 0 {
		t.Error("there is a line at once")
	}
	watch.Pulled(50_000, 1)
	watch.BlockOpened(jetcapture.Block{})
	watch.BlockStored(jetcapture.Block{Messages: 40_000, Rows: 40_000, Bytes: 7}, 0)
	watch.BlockStored(jetcapture.Block{Messages: 3, DeadLetter: true}, 0)
	later()
	watch.Sampled(jetcapture.Stats{HeldMessages: 10_000, Pending: 5, Lag: 1234567 * time.Microsecond})
	if lines := logs.TakeAll(); len(lines) != 1 {
		t.Fatalf("there are %d lines", len(lines))
	} else if got := lines[0].ContextMap(); got["held"] != int64(10_000) || got["pending"] != uint64(5) || got["files"] != int64(1) ||
		got["lag"] != 1235*time.Millisecond || rate(got) > 10_000 || rate(got) < 9_000 {
		t.Errorf("the line is %v", got)
	}

	later()
	watch.Sampled(jetcapture.Stats{HeldMessages: 10_000})
	if logs.Len() > 0 {
		t.Error("there is a line although nothing has happened and nothing is pending")
	}
	later()
	watch.Sampled(jetcapture.Stats{HeldMessages: 10_000, Pending: 5})
	if logs.Len() != 1 {
		t.Error("there is no line although messages are pending")
	}
}

func TestSummaryHasSumsAndDeadLettersApart(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	p := newProgress(zap.New(core))
	if p.began() {
		t.Error("it began before a message came")
	}
	watch := p.observer()
	watch.BlockOpened(jetcapture.Block{})
	p.first = p.first.Add(-2 * time.Second)
	watch.BlockStored(jetcapture.Block{Messages: 10, Rows: 20, Bytes: 30}, 0)
	watch.BlockStored(jetcapture.Block{Messages: 10, Rows: 20, Bytes: 30}, 0)
	watch.BlockStored(jetcapture.Block{Messages: 3, Rows: 3, Bytes: 3, DeadLetter: true}, 0)
	watch.BlockAcked(jetcapture.Block{}, 0)
	p.summary()
	got := logs.TakeAll()[0].ContextMap()
	for name, want := range map[string]int64{"messages": 20, "rows": 40, "files": 2, "bytes": 60, "dead_letters": 3, "dead_letter_files": 1} {
		if got[name] != want {
			t.Errorf("%s is %v, want %d", name, got[name], want)
		}
	}
	if !p.began() || rate(got) > 10 || rate(got) < 5 {
		t.Errorf("the summary is %v", got)
	}
}

func rate(fields map[string]any) int64 {
	n, _ := fields["messages_per_s"].(int64)
	return n
}

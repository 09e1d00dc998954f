package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/schema/columns"
	"github.com/jetcapture/lake/schema/jsoncolumns"
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
	if lines := logs.TakeAll(); len(lines) != 1 || lines[0].Message != "first file is stored" {
		t.Errorf("of the first file there are the lines %v", lines)
	}
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
	got := logs.FilterMessage("stored").All()[0].ContextMap()
	for name, want := range map[string]int64{"messages": 20, "rows": 40, "files": 2, "bytes": 60, "dead_letters": 3, "dead_letter_files": 1} {
		if got[name] != want {
			t.Errorf("%s is %v, want %d", name, got[name], want)
		}
	}
	if !p.began() || rate(got) > 10 || rate(got) < 5 {
		t.Errorf("the summary is %v", got)
	}
}

func TestProgressCountsValuesThatDoNotFitAndWarnsOfEachColumnOnce(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	p := newProgress(zap.New(core))
	list, err := jsoncolumns.Parse("list.yaml", []byte("- {name: a, type: int64}\n- {name: b, type: int64}"))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := jsoncolumns.New[*jetcapture.NatsMessage](list, jsoncolumns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.counts = plan.Counts()
	rows := columns.New(plan.Schema())
	watch := p.observer()
	line := func(payloads ...string) (lines []string) {
		for _, payload := range payloads {
			m := &jetcapture.NatsMessage{Data: []byte(payload), Metadata: &nats.MsgMetadata{Timestamp: time.Unix(0, 0)}}
			if _, err := plan.Append(rows, m); err != nil {
				t.Fatal(err)
			}
		}
		p.shownAt = time.Now().Add(-progressEvery)
		watch.Sampled(jetcapture.Stats{Pending: 1})
		for _, entry := range logs.TakeAll() {
			if entry.Level == zap.WarnLevel {
				lines = append(lines, fmt.Sprint(entry.ContextMap()["column"], " ", entry.ContextMap()["misfits"]))
			} else {
				lines = append(lines, fmt.Sprint(entry.ContextMap()["misfits"]))
			}
		}
		return lines
	}
	many := strings.Split(strings.Repeat(`{"b": 1};`, 100), ";")[:100]
	for i, c := range []struct {
		payloads []string
		want     string
	}{
		{[]string{`{"a": 1, "b": 2}`}, "<nil>"},
		{[]string{`{"a": "x"}`}, "map[a:1], a 1"},
		{append(many, `{"a": "x", "b": "y"}`), "map[a:2 b:1]"}, // b is one in 102
		{[]string{`{"b": "y"}`}, "map[a:2 b:2], b 2"},
		{nil, "map[a:2 b:2]"},
	} {
		if got := strings.Join(line(c.payloads...), ", "); got != c.want {
			t.Errorf("line %d is %s, want %s", i, got, c.want)
		}
	}
}

func rate(fields map[string]any) int64 {
	n, _ := fields["messages_per_s"].(int64)
	return n
}

package jetcapture_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/jetcapture/lake/jetcapture"
)

func TestObserverSeesTheWholeLifeOfEveryBlock(t *testing.T) {
	const n = 10_000
	s, dir := startServer(t), t.TempDir()
	s.Publish(n, order)
	o := rawNDJSON(dir)
	o.MaxMessages = 500

	var mu sync.Mutex
	pulled, samples := 0, 0
	life := map[string][]string{} // what happened to each block, by its id
	add := func(b jetcapture.Block, what string) {
		mu.Lock()
		defer mu.Unlock()
		life[b.ID] = append(life[b.ID], what)
	}
	messages := map[string]int{}
	o.Observer = jetcapture.Observer{
		Pulled:      func(m int, _ int64) { pulled += m },
		Sampled:     func(jetcapture.Stats) { samples++ },
		BlockOpened: func(b jetcapture.Block) { add(b, "opened") },
		BlockSealed: func(b jetcapture.Block, r jetcapture.SealReason) { add(b, "sealed: "+string(r)) },
		BlockStored: func(b jetcapture.Block, duration time.Duration) {
			add(b, "stored")
			mu.Lock()
			defer mu.Unlock()
			messages[b.ID] = b.Messages
			if b.Bytes == 0 || b.Location == "" || duration <= 0 || b.End.Sub(b.Start) != o.MaxAge || b.DestKey == "" {
				t.Errorf("stored block %+v after %v", b, duration)
			}
		},
		BlockAcked: func(b jetcapture.Block, _ time.Duration) { add(b, "acked") },
	}
	untilCaughtUp(t, s, o)

	total := 0
	for id, events := range life {
		want := "opened sealed: max-messages stored acked"
		if messages[id] < o.MaxMessages {
			want = "opened sealed: caught-up stored acked"
		}
		if got := strings.Join(events, " "); got != want {
			t.Errorf("block %s: %s, want %s", id, got, want)
		}
		total += messages[id]
	}
	if total != n || pulled != n || samples == 0 {
		t.Errorf("blocks of %d messages, %d pulled, %d samples", total, pulled, samples)
	}
}

func TestUnsuitableConsumerIsWarnedAboutWithTheFix(t *testing.T) {
	s := startServer(t)
	core, logs := observer.New(zapcore.WarnLevel)
	o := rawNDJSON(t.TempDir())
	o.Logger = zap.New(core)
	untilCaughtUp(t, s, o)
	const want = "AckWait is 1m0s: it is below the interval of 15m0s, so messages are delivered again while they are held. Set AckWait to 22m30s or more (doctor --fix does)."
	if logs.FilterMessage(want).Len() != 1 {
		t.Errorf("warnings: %v", logs.All())
	}
}

func TestDefaultLoggerIsUsedByCapturesWithoutOne(t *testing.T) {
	s := startServer(t)
	core, logs := observer.New(zapcore.WarnLevel)
	jetcapture.SetDefaultLogger(zap.New(core))
	t.Cleanup(func() { jetcapture.SetDefaultLogger(nil) })
	o := rawNDJSON(t.TempDir())
	o.Logger = nil
	untilCaughtUp(t, s, o)
	if logs.Len() == 0 {
		t.Error("nothing was logged")
	}
}

func TestJSONDecodesAndSplits(t *testing.T) {
	type payload struct {
		Order int `json:"order"`
	}
	decode := jetcapture.JSON(func(p *payload) int { return p.Order % 8 })
	p, key, err := decode(order(13))
	if err != nil || p.Order != 13 || key != 5 {
		t.Errorf("decode = %+v, %d, %v", p, key, err)
	}
	bad := order(1)
	bad.Data = []byte(`{"order": "x"}`)
	if _, _, err := decode(bad); err == nil || !strings.Contains(err.Error(), "payload.order") {
		t.Errorf("decode of bad JSON: %v", err)
	}
}

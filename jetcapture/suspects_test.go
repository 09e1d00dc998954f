package jetcapture_test

import (
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// A writer may fail on messages that it takes alone. They come in smaller blocks then, the other keys are not held up, and it ends:
// at the latest they are dead letters.
func TestMessagesThatFitAloneAndNotInABlock(t *testing.T) {
	t.Parallel()
	const n = 20_000
	for name, c := range map[string]struct {
		chokes      func(w *choosyWriter) bool
		deadLetters int
	}{
		"two that do not fit together":            {func(w *choosyWriter) bool { return w.seen[8_001] && w.seen[8_801] }, 0},
		"one that fits into nothing but the void": {func(w *choosyWriter) bool { return w.seen[8_001] && w.out != io.Discard }, 1},
		"twenty of which no two fit into a block": {func(w *choosyWriter) bool { return w.thousands > 1 }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := capturetest.Start(t), t.TempDir()
			s.Stream(streamName, "orders.>")
			s.Consumer(streamName, consumerName, nil)
			s.Publish(n, order)
			o := rawNDJSON(dir)
			o.MaxAge = 24 * time.Hour
			o.WriterFactory = func() format.Writer[*jetcapture.NatsMessage] {
				return &choosyWriter{Writer: format.NewRawNDJSON[*jetcapture.NatsMessage](), chokes: c.chokes, seen: map[uint64]bool{}}
			}
			core, logs := observer.New(zapcore.ErrorLevel)
			o.Logger = zap.New(core)
			var abandoned atomic.Int64
			o.Observer.BlockAbandoned = func(jetcapture.Block, error) { abandoned.Add(1) }
			untilCaughtUp(t, s, o)
			rows, deadLetters := len(readRows(t, dir)), len(readLetters(t, dir))
			if rows != n-c.deadLetters || deadLetters != c.deadLetters {
				t.Errorf("%d rows and %d dead letters", rows, deadLetters)
			}
			if got := abandoned.Load(); got == 0 || got > 100 {
				t.Errorf("%d blocks were given up", got)
			}
			if got := logs.FilterMessageSnippet("pulling pauses").Len(); got > 0 {
				t.Errorf("pulling paused %d times", got)
			}
		})
	}
}

// A choosyWriter fails at the end of a block if it chokes on what it has seen together.
type choosyWriter struct {
	format.Writer[*jetcapture.NatsMessage]
	chokes    func(*choosyWriter) bool
	out       io.Writer
	seen      map[uint64]bool
	thousands int // sequences that end with 001
}

func (w *choosyWriter) InitNew(out io.Writer) error {
	w.out = out
	return w.Writer.InitNew(out)
}

func (w *choosyWriter) Write(m *jetcapture.NatsMessage) (int, error) {
	seq := m.Metadata.Sequence.Stream
	w.seen[seq] = true
	if seq%1000 == 1 {
		w.thousands++
	}
	return w.Writer.Write(m)
}

func (w *choosyWriter) Flush() error {
	if w.chokes(w) {
		return errors.New("these do not fit together")
	}
	return w.Writer.Flush()
}

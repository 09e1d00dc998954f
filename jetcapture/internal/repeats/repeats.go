// Package repeats keeps a log readable while something fails again and again.
package repeats

import (
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Field is the name of the field that says how often a line was left out since it was logged last.
const Field = "repeated"

// Fold returns an option for loggers whose messages come again and again: a message with the same text is logged at once, and then
// at most once in each such time, with the field "repeated". The fields are those of the time at which it is logged. Loggers made of
// such a logger by With count together. The memory it takes is that of the texts, which must be constants.
func Fold(every time.Duration) zap.Option { return fold(every, time.Now) }

func fold(every time.Duration, now func() time.Time) zap.Option {
	lines := &lines{every: every, now: now, last: map[string]*line{}}
	return zap.WrapCore(func(c zapcore.Core) zapcore.Core { return core{c, lines} })
}

// lines are what was logged.
type lines struct {
	every time.Duration
	now   func() time.Time

	mu   sync.Mutex
	last map[string]*line
}

type line struct {
	at      time.Time
	skipped int
}

// take reports whether a message is to be logged, and how often it was not since the last time.
func (l *lines) take(message string) (skipped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, last := l.now(), l.last[message]
	switch {
	case last == nil:
		l.last[message] = &line{at: now}
		return 0, true
	case now.Sub(last.at) < l.every:
		last.skipped++
		return 0, false
	}
	skipped = last.skipped
	*last = line{at: now}
	return skipped, true
}

// A core passes on what lines take.
type core struct {
	zapcore.Core
	lines *lines
}

// With implements zapcore.Core.
func (c core) With(fields []zapcore.Field) zapcore.Core { return core{c.Core.With(fields), c.lines} }

// Check implements zapcore.Core.
func (c core) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !c.Enabled(e.Level) {
		return ce
	}
	skipped, ok := c.lines.take(e.Message)
	switch {
	case !ok:
		return ce
	case skipped == 0:
		return c.Core.Check(e, ce)
	}
	return c.Core.With([]zapcore.Field{zap.Int(Field, skipped)}).Check(e, ce)
}

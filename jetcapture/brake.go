package jetcapture

import (
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/retry"
)

// A brake pauses pulling, and says for which cause. When blocks cannot be written it waits, longer each time until one is stored.
type brake struct {
	observer *Observer
	log      logger

	setbacks int       // blocks lost to a full disk and the like, since one was stored
	retryAt  time.Time // no message is taken before

	cause PauseCause // of the present pause; "" while messages are pulled
	since time.Time  // when it began
}

// A load is how full a capture is.
type load struct {
	queueFull bool
	memory    int64 // bytes held
	room      int   // messages that may still be in flight
}

// shortRetry is how many failures a setback counts for beside itself: a disk does not become free within milliseconds.
const (
	shortRetry   = 3
	longestRetry = 10 // failures, beyond which the wait stays the same
)

// setback makes the loop wait before it takes more messages.
func (b *brake) setback(err error, now time.Time) {
	b.setbacks++
	wait := retry.Backoff(min(b.setbacks+shortRetry, longestRetry))
	b.retryAt = now.Add(wait)
	b.log.often.Error("writing blocks fails, pulling pauses", zap.Duration("retry_in", wait), zap.Error(err))
}

// stored notes that a block was stored.
func (b *brake) stored() { b.setbacks = 0 }

// waits reports whether no message is to be taken yet after a setback.
func (b *brake) waits(now time.Time) bool { return now.Before(b.retryAt) }

// apply pauses or resumes pulling as the load demands, and reports whether messages may be pulled.
func (b *brake) apply(l load, mostMemory int64, now time.Time) bool {
	var cause PauseCause
	switch {
	case b.waits(now):
		cause = PauseSpool
	case l.queueFull:
		cause = PauseSealedBlocks
	case l.memory >= mostMemory:
		cause = PauseMemory
	case l.room <= 0:
		cause = PauseInFlight
	}
	b.pause(cause, now)
	return cause == ""
}

// pause tells the log and the observer of a pause that begins or ends.
func (b *brake) pause(cause PauseCause, now time.Time) {
	if cause == b.cause {
		return
	}
	if b.cause != "" {
		paused := now.Sub(b.since)
		b.log.Debug("pulling continues", zap.String("cause", string(b.cause)), zap.Duration("paused", paused))
		if b.observer.Resumed != nil {
			b.observer.Resumed(b.cause, paused)
		}
	}
	b.cause, b.since = cause, now
	if cause != "" {
		b.log.Debug("pulling pauses", zap.String("cause", string(cause)))
		if b.observer.Paused != nil {
			b.observer.Paused(cause)
		}
	}
}

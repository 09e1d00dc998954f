package jetcapture

import (
	"context"
	"testing"
	"time"
)

// A loop is made before the ledger is read, which may take long. Its first request is not as old as that: the server would seem
// silent, and pulling start again.
func TestTheFirstRequestIsAsYoungAsTheRun(t *testing.T) {
	l := newTrack(t, AtLeastOnce).loop
	l.clocks.now = l.clocks.now.Add(-time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l.o.Observer.PullReset = func(cause error) { t.Errorf("pulling starts again: %v", cause) }
	l.o.Observer.Sampled = func(Stats) { cancel() } // at the first tick
	if err := l.run(ctx); err != nil {
		t.Error(err)
	}
	l.intake.puller.Stop()
}

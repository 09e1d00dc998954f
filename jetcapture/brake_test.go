package jetcapture

import (
	"errors"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"
)

func TestPullingPausesForOneCauseAtATime(t *testing.T) {
	var told []PauseCause
	o := Observer{Paused: func(c PauseCause) { told = append(told, c) }, Resumed: func(c PauseCause, _ time.Duration) { told = append(told, "not "+c) }}
	b := brake{observer: &o, log: newLogger(zap.NewNop())}
	now := time.Now()
	for _, step := range []struct {
		load
		pulls bool
	}{
		{load{memory: 9, room: 1}, true},
		{load{memory: 10, room: 1}, false},
		{load{memory: 11, room: 0}, false}, // the memory was first
		{load{memory: 9, room: 0}, false},
		{load{queueFull: true, memory: 10}, false},
		{load{room: 5}, true},
	} {
		if b.apply(step.load, 10, now) != step.pulls {
			t.Errorf("%+v: pulling is %v, want %v", step.load, !step.pulls, step.pulls)
		}
	}
	if want := []PauseCause{"memory", "not memory", "in-flight", "not in-flight", "sealed-blocks", "not sealed-blocks"}; !slices.Equal(told, want) {
		t.Errorf("the observer is told of %q, want %q", told, want)
	}
}

func TestSetbacksPauseLongerUntilABlockIsStored(t *testing.T) {
	b := brake{observer: new(Observer), log: newLogger(zap.NewNop())}
	now := time.Now()
	wait := func() time.Duration {
		b.setback(errors.New("the disk is full"), now)
		return b.retryAt.Sub(now)
	}
	first := wait()
	for range 10 {
		wait()
	}
	if last := wait(); first > 2*time.Second || last < 10*time.Second || last > 30*time.Second {
		t.Errorf("the first wait is %v, that after many setbacks %v", first, last)
	}
	if !b.waits(now) || b.apply(load{room: 1}, 1, now) || b.cause != PauseSpool {
		t.Errorf("pulling pauses for %q right after a setback", b.cause)
	}
	b.stored()
	if afterStore := wait(); afterStore > 2*time.Second {
		t.Errorf("after a block was stored the wait is %v", afterStore)
	}
}

// On a full disk a look-up that is answered waits, as other messages do.
func TestNoAnswerOfALookUpIsTakenWhileTheBrakeWaits(t *testing.T) {
	p := pipe[string, string]{intake: intake{lookups: &lookups{answers: make(chan lookedUp)}}, clocks: clocks{now: time.Now()}}
	p.brake.log = newLogger(zap.NewNop())
	l := pulling[string, string]{pipe: &p}
	if l.answers() == nil {
		t.Error("no answer is taken")
	}
	p.brake.setback(errors.New("the disk is full"), p.clocks.now)
	if l.answers() != nil {
		t.Error("an answer is taken though blocks cannot be written")
	}
}

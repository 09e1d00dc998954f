package jetcapture

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The last messages went to another capture, which waits for what this one holds.
func TestACaptureIsCaughtUpThoughOthersGotTheLastMessages(t *testing.T) {
	p := newTrack(t, AtLeastOnce)
	l := p.loop
	l.o.UntilCaughtUp = true
	p.take(p.messages(10, 10)) // each says that many more are pending
	l.clocks.now = l.clocks.now.Add(caughtUpSilent)
	l.tick()
	if len(l.queue.waiting) > 0 {
		t.Fatal("blocks were sealed though more is pending")
	}
	select {
	case <-l.watch.poller.asks:
	default:
		t.Error("nobody asks what is pending")
	}
	l.watch.learn(pollAnswer{info: &jetstream.ConsumerInfo{NumAckPending: 20}})
	l.clocks.now = l.clocks.now.Add(time.Millisecond)
	l.tick()
	p.wantSealed(t)
}

// A consumer whose AckWait is shorter than blocks stay open delivers what is held again and again.
func TestACaptureIsCaughtUpThoughWhatItHoldsKeepsComing(t *testing.T) {
	p := newTrack(t, AtLeastOnce)
	l := p.loop
	l.o.UntilCaughtUp = true
	held := p.messages(10, 10)
	p.take(held)
	l.clocks.now = l.clocks.now.Add(caughtUpSilent)
	p.take(held)
	l.intake.pending = 0
	l.tick()
	p.wantSealed(t)
}

// An AckWait so short that the server has no time for new messages between those that are held.
func TestBlocksSealWhenOnlyWhatTheyHoldComesThoughMoreIsPending(t *testing.T) {
	p := newTrack(t, AtLeastOnce)
	l := p.loop
	held := p.messages(10, 10) // each says that many more are pending
	p.take(held)
	l.clocks.now = l.clocks.now.Add(idleAfter)
	l.tick()
	if len(l.queue.waiting) > 0 {
		t.Error("a block was sealed though nothing came again")
	}
	p.take(held[:1])
	l.tick()
	p.wantSealed(t)
}

// wantSealed checks that the one open block was sealed.
func (p *track) wantSealed(t *testing.T) {
	t.Helper()
	if n := len(p.loop.queue.waiting); n != 1 {
		t.Errorf("%d blocks are sealed, want the one that is open", n)
	}
}

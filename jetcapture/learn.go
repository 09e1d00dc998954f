package jetcapture

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"
)

// askLookout puts a question, about the stream too if that is due.
func (l *loop[P, K]) askLookout(stream bool) {
	h := l.history
	if h.behind > 0 && h.epochTop.Seq >= h.behind {
		h.behind = 0 // they come
	}
	q := lookoutAsk{stream: stream || h.due(l.clocks.now), epoch: h.epoch, behind: h.behind}
	if q.stream {
		q.known = slices.Clone(h.marks.messages)
		if n := len(q.known); h.top.Seq > 0 && (n == 0 || q.known[n-1].Seq < h.top.Seq) {
			q.known = append(q.known, h.top)
		}
	}
	if l.lookout.ask(q) && q.stream {
		h.dueSoon, h.looked, h.asked = false, l.clocks.now, true
	}
}

// look asks for the state of the consumer where it matters.
func (l *loop[P, K]) look(silent time.Duration) {
	var every time.Duration
	stream := false
	switch {
	case l.unsure:
		every, stream = time.Second, true
	case l.o.UntilCaughtUp && (l.held.Len() == 0 || l.pending > 0) && silent >= caughtUpSilent:
		every = 2 * caughtUpSilent
		stream = l.held.Len() == 0
	case l.pause == "" && l.openMessages > 0 && silent >= idleAfter:
		// Others may hold so much that the server has stopped. That nothing was pending at the latest message does not
		// tell, as more may have been published since; but then the longer the silence, the rarer the looks.
		every = time.Second
		if l.pending == 0 {
			every = min(max(every, silent/2), quietLook) // half, as the last look may have been in the silence
		}
	case l.history.due(l.clocks.now) && l.nc.IsConnected():
		every = time.Second
	case len(l.waiting) > 0 && silent >= idleAfter: // the store is slow: others may be given what waits, and acknowledge it
		every = min(max(time.Second, silent/2), quietLook)
	default:
		return
	}
	if l.clocks.now.Sub(l.lastLook) >= every {
		l.lastLook = l.clocks.now
		l.askLookout(stream)
	}
}

// finishLook waits a moment for what is being looked up of the stream, so that a fork is told of though the capture ends.
func (l *loop[P, K]) finishLook() {
	enough := time.NewTimer(finishLookIn)
	defer enough.Stop()
	for h := l.history; (h.asked || h.dueSoon) && l.nc.IsConnected() && l.stop == nil; {
		if !h.asked {
			l.askLookout(true)
		}
		select {
		case a := <-l.lookout.answers:
			l.clocks.now = time.Now()
			if l.learn(a); a.err != nil {
				time.Sleep(tickEvery)
			}
		case <-enough.C:
			return
		}
	}
}

const finishLookIn = 3 * time.Second

// learn draws conclusions from the state of the consumer.
func (l *loop[P, K]) learn(a lookoutAnswer) {
	if a.stream {
		if since, tell := l.history.unseen.note(a.unseen, l.clocks.now); tell {
			l.log.Warn("the stream does not answer which messages it has, so nobody sees whether it has lost its end: a consumer ahead of it waits, will retry",
				zap.Duration("since", since))
		}
		l.history.asked = false
		l.history.dueSoon = l.history.dueSoon || a.unseen || a.epoch != l.history.epoch // it may be of before pulling started again
	}
	if a.err != nil {
		l.history.dueSoon = l.history.dueSoon || a.stream
		if !isGone(a.err) {
			return // not reachable: reconnecting, or electing a leader
		}
		l.unsure = true
		if l.gone.note(l.clocks.now) {
			l.stop = lookupError(a.err, l.o.NATSStreamName, l.o.NATSConsumerName)
		}
		return
	}
	l.unsure, l.gone = false, gone{}
	silent := l.clocks.now.Sub(l.clocks.lastMessage)
	if silent >= caughtUpSilent {
		l.pending = a.info.NumPending // what was pending at our latest message went to other captures
	}
	if limit := a.info.Config.MaxAckPending; limit > 0 && a.info.NumAckPending >= limit && silent >= idleAfter {
		l.sealAll(always[K](SealInFlight)) // together with others we hold all that the consumer allows
	}
	l.learnOfStream(a)
	if l.o.UntilCaughtUp && a.stream && a.ahead == nil && l.held.Len() == 0 && l.storing == 0 && len(l.puller.Messages()) == 0 &&
		a.info.NumPending == 0 && a.info.NumAckPending == 0 {
		l.done = true
	}
}

// gone counts looks in a row that did not find the consumer. The application may be about to make it again.
type gone struct {
	looks int
	since time.Time
}

// note counts a look, and reports whether the consumer is gone for good.
func (g *gone) note(now time.Time) bool {
	if g.looks++; g.looks == 1 {
		g.since = now
	}
	return g.looks >= goneLooks && now.Sub(g.since) >= goneAfter
}

// learnOfStream draws conclusions from what the stream has, and the consumer has delivered and taken acks for.
func (l *loop[P, K]) learnOfStream(a lookoutAnswer) {
	h := l.history
	if a.state != nil && a.epoch == h.epoch && l.once != nil && h.before == allBefore {
		h.before = a.state.LastSeq
	}
	if a.forked != nil && (h.latest.Seq == 0 || a.forked.Seq < h.latest.Seq || a.forked.New.After(h.latest.New)) {
		h.latest = *a.forked
		l.tellOfFork(h.latest, max(h.latest.Seq, l.once.book.Top()))
	}
	if a.loss != nil && a.loss.Seq < h.evidence.lostFrom(a.loss.epoch) {
		h.evidence.lose(*a.loss)
		l.forked(*a.loss)
	}
	if a.behind > 0 && a.ahead == nil && a.info.Delivered.Stream < a.behind {
		h.behind = 0 // what is new will come
	} else if a.behind > 0 && (a.ahead == nil || a.ahead.err != nil) {
		h.behind, h.dueSoon = a.behind, true
	}
	if a.ahead != nil {
		if l.warnOfAhead(a.ahead); a.ahead.err == nil {
			l.resetCause, h.behind = errAhead, 0
		}
		return
	}
	if lowest := l.lowestHeld(); lowest == 0 || a.info.AckFloor.Stream < lowest {
		return
	}
	if !a.stream {
		h.dueSoon = true // to see what of it was deleted
	}
	l.noticeForeignAcks(a)
}

var errAhead = errors.New("the consumer is ahead of its stream")

func (l *loop[P, K]) warnOfAhead(a *aheadOfStream) {
	fields := []zap.Field{zap.Uint64("delivered", a.delivered), zap.Uint64("last_seq", a.lastSeq), zap.Uint64("reset_to", a.resetTo)}
	const message = "the consumer is ahead of its stream: messages would never come"
	byHand := fmt.Sprintf("create a consumer that starts at sequence %d, and let the capture use it", a.resetTo)
	switch {
	case a.err != nil:
		l.log.Error(message, append(fields, zap.String("change", byHand), zap.Error(a.err))...)
	case !a.sure:
		l.log.Warn(message, append(fields, zap.String("why", "it was reset, but nobody knows here whether messages before that are new, too"))...)
	default:
		l.log.Warn(message, append(fields, zap.String("why", "the stream lost messages: it was reset to before those that are new"))...)
	}
}

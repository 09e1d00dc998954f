package jetcapture

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/held"
	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
)

// A watch has the consumer and its stream polled where their state matters, and draws conclusions.
type watch[P Payload, K DestKey] struct {
	pipe   *pipe[P, K]
	poller *poller

	polled       time.Time // when the consumer was polled last
	unsure       bool      // the consumer may be gone
	gone         gone
	streamPolled time.Time // when the stream was polled last
	streamDue    bool      // it is to be polled soon
	asked        bool      // and is being polled
	unseen       unseen
	behind       uint64 // from which on the stream has other messages, until the consumer is seen to deliver them; 0 without a fork
	foreign      foreignAcks
	caughtUp     bool // Options.UntilCaughtUp, and nothing is left
}

const (
	streamPollEvery   = 30 * time.Second
	quietPoll         = 30 * time.Second       // at most, between two polls of the consumer of a stream that seems at rest
	caughtUpSilent    = 100 * time.Millisecond // before a capture that runs until caught up finds out whether it is
	goneAfter         = 5 * time.Second        // a consumer is gone when it was not found for so long,
	gonePolls         = 5                      // so many times in a row
	unseenAfter       = 10 * time.Second       // a person is told that the stream does not answer
	unseenEvery       = time.Minute            // and again
	foreignAcksWarned = 10 * time.Second       // at most so often
)

var errAhead = errors.New("the consumer is ahead of its stream")

func newWatch[P Payload, K DestKey](p *pipe[P, K], poller *poller) watch[P, K] {
	return watch[P, K]{pipe: p, poller: poller, streamDue: true}
}

// heed takes up what the pipe has met.
func (w *watch[P, K]) heed() {
	d := w.pipe.doubts
	w.pipe.doubts = doubts{}
	w.unsure, w.streamDue = w.unsure || d.unsure, w.streamDue || d.streamDue
}

// ask has the consumer polled, and the stream too if that is due.
func (w *watch[P, K]) ask(stream bool) {
	h, now := w.pipe.history, w.pipe.clocks.now
	if w.behind > 0 && h.epochTop.Seq >= w.behind {
		w.behind = 0 // they come
	}
	q := pollAsk{stream: stream || w.isDue(now), epoch: h.epoch, forks: h.forks, behind: w.behind}
	if q.stream {
		q.known = h.known()
	}
	if w.poller.ask(q) && q.stream {
		w.streamDue, w.streamPolled, w.asked = false, now, true
	}
}

// isDue reports whether the stream is to be polled.
func (w *watch[P, K]) isDue(now time.Time) bool {
	return w.streamDue || now.Sub(w.streamPolled) >= streamPollEvery
}

// tick has the consumer polled where its state matters.
func (w *watch[P, K]) tick(connected bool) {
	p := w.pipe
	s := situation{
		unsure: w.unsure, untilCaughtUp: p.o.UntilCaughtUp, paused: p.brake.cause != "", streamDue: w.isDue(p.clocks.now) && connected,
		silent: p.clocks.silent(), pending: p.intake.pending, held: p.intake.held.Len(), open: p.open.messages, waiting: len(p.queue.waiting),
	}
	every, stream := s.pollEvery()
	if every > 0 && p.clocks.now.Sub(w.polled) >= every {
		w.polled = p.clocks.now
		w.ask(stream)
	}
}

// A situation is what decides how often the consumer is polled.
type situation struct {
	unsure        bool // the consumer may be gone
	untilCaughtUp bool
	paused        bool
	streamDue     bool
	silent        time.Duration // since the latest new message
	pending       uint64        // at the latest message
	held          int           // messages
	open          int           // of these, in open blocks
	waiting       int           // blocks
}

// pollEvery returns how often the consumer is to be polled, and whether the stream is, too; 0 if it need not be.
func (s situation) pollEvery() (every time.Duration, stream bool) {
	switch {
	case s.unsure:
		return time.Second, true
	case s.untilCaughtUp && (s.held == 0 || s.pending > 0) && s.silent >= caughtUpSilent:
		return 2 * caughtUpSilent, s.held == 0
	case !s.paused && s.open > 0 && s.silent >= idleAfter:
		// Others may hold so much that the server has stopped. That nothing was pending at the latest message does not
		// tell, as more may have been published since; but then the longer the silence, the rarer the polls.
		if s.pending > 0 {
			return time.Second, false
		}
		return s.quiet(), false
	case s.streamDue:
		return time.Second, false
	case s.waiting > 0 && s.silent >= idleAfter: // the store is slow: others may be given what waits, and acknowledge it
		return s.quiet(), false
	default:
		return 0, false
	}
}

// quiet is half the silence, since the last poll may have been in it.
func (s situation) quiet() time.Duration { return min(max(time.Second, s.silent/2), quietPoll) }

// learn draws conclusions from the state of the consumer.
func (w *watch[P, K]) learn(a pollAnswer) {
	p := w.pipe
	if a.stream {
		if since, tell := w.unseen.note(a.unseen, p.clocks.now); tell {
			p.log.Warn("the stream does not answer which messages it has, so nobody sees whether it has lost its end: a consumer ahead of it waits, will retry",
				zap.Duration("since", since))
		}
		w.asked = false
		w.streamDue = w.streamDue || a.unseen || a.epoch != p.history.epoch // it may be of before pulling started again
	}
	if a.err != nil {
		w.streamDue = w.streamDue || a.stream
		if !jsapi.IsGone(a.err) {
			return // not reachable: reconnecting, or electing a leader
		}
		w.unsure = true
		if w.gone.note(p.clocks.now) {
			p.stop = jsapi.LookupError(a.err, p.o.NATSStreamName, p.o.NATSConsumerName)
		}
		return
	}
	w.unsure, w.gone = false, gone{}
	silent := p.clocks.silent()
	if silent >= caughtUpSilent {
		p.intake.pending = a.info.NumPending // the messages that were pending at the latest delivery went to other captures
	}
	if limit := a.info.Config.MaxAckPending; limit > 0 && a.info.NumAckPending >= limit && silent >= idleAfter {
		p.sealAll(always[K](SealInFlight)) // together with others we hold all that the consumer allows
	}
	w.learnOfStream(a)
	w.caughtUp = w.caughtUp || p.o.UntilCaughtUp && a.stream && a.ahead == nil && p.intake.isEmpty() && p.queue.size() == 0 &&
		a.info.NumPending == 0 && a.info.NumAckPending == 0
}

// learnOfStream draws conclusions from what the stream has, and the consumer has delivered and taken acks for.
func (w *watch[P, K]) learnOfStream(a pollAnswer) {
	p, h := w.pipe, w.pipe.history
	if a.state != nil && a.epoch == h.epoch && p.once != nil && h.before == allBefore {
		h.before = a.state.LastSeq
	}
	if a.forked != nil && h.told(*a.forked) {
		p.tellOfFork(h.latest, max(h.latest.Seq, p.once.book.Top()))
	}
	switch {
	case a.loss == nil:
	case a.forks != h.forks:
		w.streamDue = true // a loss was met meanwhile, perhaps the same: the next poll is about what came since
	case a.loss.Seq < h.evidence.LostFrom(a.loss.Epoch):
		h.evidence.Lose(*a.loss)
		p.forked(*a.loss)
	}
	if a.behind > 0 && a.ahead == nil && a.info.Delivered.Stream < a.behind {
		w.behind = 0 // new messages will come
	} else if a.behind > 0 && (a.ahead == nil || a.ahead.err != nil) {
		w.behind, w.streamDue = a.behind, true
	}
	if a.ahead != nil {
		if a.ahead.warn(p.log); a.ahead.err == nil {
			p.intake.restart, w.behind = errAhead, 0
		}
		return
	}
	if lowest := w.lowestKept(); lowest == 0 || a.info.AckFloor.Stream < lowest {
		return
	}
	if !a.stream {
		w.streamDue = true // to see what of it was deleted
	}
	w.noticeForeignAcks(a)
}

// takeForks does what forks call for that the committer has found.
func (w *watch[P, K]) takeForks() {
	for _, f := range w.pipe.history.evidence.TakeFound() {
		w.pipe.forked(f)
	}
}

// kept calls each with the messages of all blocks that the committer does not have. These do not count as held back, since they may be
// acknowledged at any time.
func (w *watch[P, K]) kept(each func(*acks.Refs, *extent)) {
	for b := range w.pipe.open.all() {
		each(&b.Refs, &b.extent)
	}
	for r := range w.pipe.queue.kept() {
		each(&r.Refs, &r.extent)
	}
}

// lowestKept returns the lowest sequence in blocks that the committer does not have, 0 if there is none.
func (w *watch[P, K]) lowestKept() (seq uint64) {
	w.kept(func(m *acks.Refs, e *extent) {
		if m.Count() > 0 && (seq == 0 || e.firstSeq < seq) {
			seq = e.firstSeq
		}
	})
	return seq
}

// noticeForeignAcks compares the ack floor with what is held, except for blocks that the committer has, and messages that the stream
// has deleted, which counts as an ack of theirs.
func (w *watch[P, K]) noticeForeignAcks(a pollAnswer) {
	p, floor := w.pipe, a.info.AckFloor.Stream
	if a.state == nil {
		return
	}
	if floor < w.foreign.seen {
		w.foreign.seen = 0 // the consumer was reset
	}
	first := max(w.foreign.seen+1, a.state.FirstSeq)
	from, to, n := uint64(0), uint64(0), 0
	w.kept(func(m *acks.Refs, e *extent) {
		if m.Count() == 0 || e.firstSeq > floor || e.lastSeq < first {
			return
		}
		for reader := m.Reader(); reader.Next(); {
			seq := reader.Ref.StreamSeq
			if seq > floor || seq < first || p.intake.held.State(reader.Ref.Message()) != held.Present {
				continue // or it is lost
			}
			if n == 0 {
				from, to = seq, seq
			}
			n, from, to = n+1, min(from, seq), max(to, seq)
		}
	})
	if n > 0 && w.foreign.note(n, floor, p.clocks.now) {
		p.log.Warn("messages that this capture holds were acknowledged by another client", zap.Uint64("from", from), zap.Uint64("to", to),
			zap.Int("messages", n))
	}
}

// foreignAcks are acks of messages that this capture holds and has not acknowledged: of another capture that had them before and
// was slow, or of another client of the consumer, or of one of the same names in another JetStream domain of the account.
type foreignAcks struct {
	messages int    // since the capture began
	seen     uint64 // up to which sequence they are counted
	warned   time.Time
}

// note counts messages up to a sequence, and reports whether to warn of them.
func (f *foreignAcks) note(messages int, seen uint64, now time.Time) bool {
	f.seen = seen
	f.messages += messages
	if now.Sub(f.warned) < foreignAcksWarned {
		return false
	}
	f.warned = now
	return true
}

// gone counts polls in a row that did not find the consumer. The application may be about to make it again.
type gone struct {
	polls int
	since time.Time
}

// note counts a poll, and reports whether the consumer is gone for good.
func (g *gone) note(now time.Time) bool {
	if g.polls++; g.polls == 1 {
		g.since = now
	}
	return g.polls >= gonePolls && now.Sub(g.since) >= goneAfter
}

// unseen says since when the stream has not answered what it has.
type unseen struct {
	since time.Time // zero while it answers
	told  time.Time // when a person was told last
}

// note counts a poll of the stream. It reports since when the stream has not answered, and whether a person is to be told.
func (u *unseen) note(failed bool, now time.Time) (since time.Duration, tell bool) {
	switch {
	case !failed:
		*u = unseen{}
		return 0, false
	case u.since.IsZero():
		u.since = now
	}
	since = now.Sub(u.since)
	if since < unseenAfter || !u.told.IsZero() && now.Sub(u.told) < unseenEvery {
		return since, false
	}
	u.told = now
	return since, true
}

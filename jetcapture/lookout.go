package jetcapture

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

// A lookout answers questions about the consumer and its stream, off the loop, one at a time. It resets a consumer that is ahead
// of its stream.
type lookout struct {
	js       jetstream.JetStream // nil: it cannot reset
	consumer jetstream.Consumer
	evidence *evidence
	claimed  func() []ledger.Message // that all captures have claimed, as ledger.Book.Anchors has it; nil without a ledger
	asks     chan lookoutAsk
	answers  chan lookoutAnswer
}

// A lookoutAsk is a question.
type lookoutAsk struct {
	stream bool             // about the stream, too
	epoch  uint64           // when it was asked
	known  []ledger.Message // messages that were delivered before, the highest last
	behind uint64           // from which on the stream has other messages, of which none has come since; 0 if it has not forked
}

type lookoutAnswer struct {
	info *jetstream.ConsumerInfo
	err  error

	stream bool                   // the stream was asked for
	state  *jetstream.StreamState // as it was after info; nil if it is not known
	loss   *loss                  // of what was known
	epoch  uint64                 // when it was asked
	forked *Fork                  // of what is claimed
	ahead  *aheadOfStream
	behind uint64 // of the ask, or of what was found
	unseen bool   // the stream did not answer: it is to be asked again
}

// aheadOfStream is a consumer that has delivered what its stream does not have: the stream has lost its end, and messages that are
// new, up to where the consumer stands, would never be delivered.
type aheadOfStream struct {
	delivered uint64
	lastSeq   uint64
	sure      bool   // that nothing new is before where it was reset to
	resetTo   uint64 // the next to be delivered
	err       error  // why it could not be reset
}

func newLookout(js jetstream.JetStream, consumer jetstream.Consumer, e *evidence) *lookout {
	return &lookout{js: js, consumer: consumer, evidence: e, asks: make(chan lookoutAsk, 1), answers: make(chan lookoutAnswer, 1)}
}

// ask puts the question, unless one is waiting already.
func (l *lookout) ask(q lookoutAsk) bool {
	select {
	case l.asks <- q:
		return true
	default:
		return false
	}
}

func (l *lookout) run(ctx context.Context) {
	for {
		var q lookoutAsk
		select {
		case <-ctx.Done():
			return
		case q = <-l.asks:
		}
		a := l.look(ctx, q)
		select {
		case <-ctx.Done():
			return
		case l.answers <- a:
		}
	}
}

func (l *lookout) look(ctx context.Context, q lookoutAsk) (a lookoutAnswer) {
	a.epoch = q.epoch
	if a.info, a.err = l.info(ctx); a.err != nil || !q.stream {
		return a
	}
	a.stream = true
	a.state, _ = l.evidence.look.state(ctx) // whoever may not look has no evidence
	a.unseen = a.state == nil && l.evidence.mayLook()
	if n := len(q.known); n > 0 {
		switch l.evidence.compare(ctx, q.known[n-1]).state {
		case wasLost:
			first, c, whole := l.searchKnown(ctx, q.known, func(ledger.Message) {})
			if first < n {
				found := lossOf(q.epoch, q.known[first], c.is, q.known[n-1].Seq)
				a.loss = &found
			}
			a.unseen = a.unseen || !whole
		case cannotLook:
			a.unseen = a.unseen || l.evidence.mayLook()
		}
	}
	if l.claimed != nil {
		a.forked = l.lookForFork(ctx, l.claimed())
	}
	a.behind = q.behind
	for _, from := range []uint64{lossFrom(a.loss), forkFrom(a.forked)} {
		if from > 0 && (a.behind == 0 || from < a.behind) {
			a.behind = from
		}
	}
	if a.behind > 0 && a.info.Delivered.Stream >= a.behind && !isAhead(a.info, a.state) && !a.unseen {
		// What is new may have come to nobody: the consumer may have stood above it when it came into the stream.
		// A reset stands for an ack of all before, so it must not be above the ack floor.
		a.ahead = &aheadOfStream{delivered: a.info.Delivered.Stream, sure: true, resetTo: min(q.forkedFrom(a.behind), a.info.AckFloor.Stream+1)}
		if a.state != nil {
			a.ahead.lastSeq = a.state.LastSeq
		}
		l.reset(ctx, &a)
		return a
	}
	if isAhead(a.info, a.state) && sleep(ctx, leaderLag) { // a leader that was elected just now may not have all that others have
		a.info, a.err = l.info(ctx)
		a.state, _ = l.evidence.look.state(ctx)
		if a.err == nil && isAhead(a.info, a.state) {
			l.goBack(ctx, q, &a)
		}
	}
	return a
}

// searchKnown is evidence.search among all messages. It is whole if the stream answered for all that it was asked for, or will not.
func (l *lookout) searchKnown(ctx context.Context, known []ledger.Message, confirm func(ledger.Message)) (first int, lost comparison, whole bool) {
	highest := uint64(0)
	first, lost = l.evidence.search(ctx, known, 0, func(m ledger.Message) {
		highest = m.Seq
		confirm(m)
	})
	return first, lost, first == 0 || highest == known[first-1].Seq || !l.evidence.mayLook()
}

// forkedFrom returns the first sequence that may be of another message, if that is known of the sequence behind: only some of the
// messages before are known.
func (q lookoutAsk) forkedFrom(behind uint64) uint64 {
	if i := firstFrom(q.known, behind); i > 0 {
		return q.known[i-1].Seq + 1
	}
	return behind
}

// lookForFork compares what captures have claimed with what the stream has. The fork begins behind the last message that is still
// there.
func (l *lookout) lookForFork(ctx context.Context, claimed []ledger.Message) *Fork {
	n := len(claimed)
	if n == 0 || l.evidence.compare(ctx, claimed[n-1]).state != wasLost {
		return nil
	}
	first, c := l.evidence.search(ctx, claimed, 0, func(ledger.Message) {})
	if first == n {
		return nil
	}
	f := &Fork{Seq: 1, Old: time.Unix(0, claimed[first].Time).UTC(), New: c.is}
	if first > 0 {
		f.Seq = claimed[first-1].Seq + 1
	}
	return f
}

func (l *lookout) info(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	for attempt := 1; ; attempt++ {
		info, err := l.tryInfo(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || attempt == infoAttempts || ctx.Err() != nil {
			return info, err
		}
	}
}

// tryInfo asks once. A server that has just started does not answer what it was asked too early.
func (l *lookout) tryInfo(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout/infoAttempts)
	defer cancel()
	return l.consumer.Info(ctx)
}

const infoAttempts = 5

// isAhead reports whether a consumer has delivered more than its stream had afterwards. One that begins at a sequence that is to
// come counts as if it had delivered what is before that.
func isAhead(info *jetstream.ConsumerInfo, after *jetstream.StreamState) bool {
	return after != nil && info.Delivered.Stream > after.LastSeq && info.Delivered.Stream >= info.Config.OptStartSeq
}

// goBack resets the consumer to before what is new, as far as that is known, and not above its ack floor. The stream may have grown
// since it lost its end, so that its last message does not tell. If it does not answer where it forked, the consumer waits.
func (l *lookout) goBack(ctx context.Context, q lookoutAsk, a *lookoutAnswer) {
	back := &aheadOfStream{delivered: a.info.Delivered.Stream, lastSeq: a.state.LastSeq}
	back.resetTo = min(a.info.AckFloor.Stream, a.state.LastSeq) + 1
	if a.behind > 0 {
		back.resetTo = min(back.resetTo, q.forkedFrom(a.behind))
	}
	highest := uint64(0)
	first, _, whole := l.searchKnown(ctx, q.known, func(m ledger.Message) {
		back.sure, highest = true, m.Seq
	})
	switch {
	case !whole:
		a.unseen = true
		return
	case back.sure:
		back.resetTo = min(back.resetTo, highest+1)
	case first < len(q.known):
		back.resetTo = min(back.resetTo, q.known[first].Seq)
	}
	a.ahead = back
	l.reset(ctx, a)
}

// reset lets the consumer deliver from where the answer says.
func (l *lookout) reset(ctx context.Context, a *lookoutAnswer) {
	if l.js == nil {
		a.ahead.err = errors.New("no JetStream API")
		return
	}
	a.ahead.err = resetConsumer(ctx, l.js, a.info, a.ahead.resetTo)
}

func lossFrom(l *loss) uint64 {
	if l == nil {
		return 0
	}
	return l.Seq
}

func forkFrom(f *Fork) uint64 {
	if f == nil {
		return 0
	}
	return f.Seq
}

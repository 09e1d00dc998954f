package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/evidence"
	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/retry"
)

// A poller asks the server, beside the loop, for the state of the consumer and its stream, once for each ask. It resets a consumer
// that is ahead of its stream.
type poller struct {
	js       jetstream.JetStream // nil: it cannot reset
	consumer jetstream.Consumer
	evidence *evidence.Evidence
	claimed  func() []ledger.Message // that all captures have claimed, as ledger.Book.Anchors has it; nil without a ledger
	asks     chan pollAsk
	answers  chan pollAnswer
}

// A pollAsk says what to ask for.
type pollAsk struct {
	stream bool             // about the stream, too
	epoch  uint64           // when it was asked
	forks  int              // that had been met then
	known  []ledger.Message // messages that were delivered before, the highest last
	behind uint64           // from which on the stream has other messages, of which none has come since; 0 if it has not forked
}

type pollAnswer struct {
	info *jetstream.ConsumerInfo
	err  error

	stream bool                   // the stream was asked for
	state  *jetstream.StreamState // as it was after info; nil if it is not known
	loss   *evidence.Loss         // of what was known
	epoch  uint64                 // when it was asked
	forks  int                    // that had been met then
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

func newPoller(js jetstream.JetStream, consumer jetstream.Consumer, e *evidence.Evidence) *poller {
	return &poller{js: js, consumer: consumer, evidence: e, asks: make(chan pollAsk, 1), answers: make(chan pollAnswer, 1)}
}

// ask has the state polled, and reports false if another ask still waits.
func (p *poller) ask(q pollAsk) bool {
	select {
	case p.asks <- q:
		return true
	default:
		return false
	}
}

func (p *poller) run(ctx context.Context) {
	for {
		var q pollAsk
		select {
		case <-ctx.Done():
			return
		case q = <-p.asks:
		}
		a := p.poll(ctx, q)
		select {
		case <-ctx.Done():
			return
		case p.answers <- a:
		}
	}
}

func (p *poller) poll(ctx context.Context, q pollAsk) (a pollAnswer) {
	a.epoch, a.forks = q.epoch, q.forks
	if a.info, a.err = p.info(ctx); a.err != nil || !q.stream {
		return a
	}
	a.stream = true
	a.state, _ = p.evidence.State(ctx) // a client that may not read the stream has no evidence
	a.unseen = a.state == nil && p.evidence.MayLook()
	if n := len(q.known); n > 0 {
		switch p.evidence.Compare(ctx, q.known[n-1]).State {
		case evidence.WasLost:
			first, c, whole := p.searchKnown(ctx, q.known, func(ledger.Message) {})
			if first < n {
				found := evidence.LossOf(q.epoch, q.known[first], c.Is, q.known[n-1].Seq)
				a.loss = &found
			}
			a.unseen = a.unseen || !whole
		case evidence.CannotLook:
			a.unseen = a.unseen || p.evidence.MayLook()
		}
	}
	if p.claimed != nil {
		a.forked = p.findFork(ctx, p.claimed())
	}
	a.behind = q.behind
	for _, from := range []uint64{lossFrom(a.loss), forkFrom(a.forked)} {
		if from > 0 && (a.behind == 0 || from < a.behind) {
			a.behind = from
		}
	}
	if a.behind > 0 && a.info.Delivered.Stream >= a.behind && !jsapi.IsAhead(a.info, a.state) && !a.unseen {
		// New messages may have come to nobody: the consumer may have stood above them when they came into the stream.
		// A reset stands for an ack of all before, so it must not be above the ack floor.
		a.ahead = &aheadOfStream{delivered: a.info.Delivered.Stream, sure: true, resetTo: min(q.forkedFrom(a.behind), a.info.AckFloor.Stream+1)}
		if a.state != nil {
			a.ahead.lastSeq = a.state.LastSeq
		}
		p.reset(ctx, &a)
		return a
	}
	if jsapi.IsAhead(a.info, a.state) && retry.Sleep(ctx, evidence.LeaderLag) { // a leader that was elected just now may not have all that others have
		a.info, a.err = p.info(ctx)
		a.state, _ = p.evidence.State(ctx)
		if a.err == nil && jsapi.IsAhead(a.info, a.state) {
			p.goBack(ctx, q, &a)
		}
	}
	return a
}

// searchKnown is evidence.search among all messages. It is whole if the stream answered for all that it was asked for, or will not.
func (p *poller) searchKnown(ctx context.Context, known []ledger.Message, confirm func(ledger.Message)) (first int, lost evidence.Comparison, whole bool) {
	highest := uint64(0)
	first, lost = p.evidence.Search(ctx, known, 0, func(m ledger.Message) {
		highest = m.Seq
		confirm(m)
	})
	return first, lost, first == 0 || highest == known[first-1].Seq || !p.evidence.MayLook()
}

// forkedFrom returns the first sequence that may be of another message, if that is known of the sequence behind: only some of the
// messages before are known.
func (q pollAsk) forkedFrom(behind uint64) uint64 {
	if i := evidence.FirstFrom(q.known, behind); i > 0 {
		return q.known[i-1].Seq + 1
	}
	return behind
}

// findFork compares what captures have claimed with what the stream has. The fork begins behind the last message that is still
// there.
func (p *poller) findFork(ctx context.Context, claimed []ledger.Message) *Fork {
	n := len(claimed)
	if n == 0 || p.evidence.Compare(ctx, claimed[n-1]).State != evidence.WasLost {
		return nil
	}
	first, c := p.evidence.Search(ctx, claimed, 0, func(ledger.Message) {})
	if first == n {
		return nil
	}
	f := &Fork{Seq: 1, Old: time.Unix(0, claimed[first].Time).UTC(), New: c.Is}
	if first > 0 {
		f.Seq = claimed[first-1].Seq + 1
	}
	return f
}

func (p *poller) info(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	for attempt := 1; ; attempt++ {
		info, err := p.tryInfo(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || attempt == infoAttempts || ctx.Err() != nil {
			return info, err
		}
	}
}

// tryInfo asks once. A server that has just started does not answer what it was asked too early.
func (p *poller) tryInfo(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, jsapi.Timeout/infoAttempts)
	defer cancel()
	return p.consumer.Info(ctx)
}

const infoAttempts = 5

// goBack resets the consumer to before the new messages, as far as these are known, and not above its ack floor. The stream may have
// grown since it lost its end, so that its last message does not tell. If it does not answer where it forked, the consumer waits.
func (p *poller) goBack(ctx context.Context, q pollAsk, a *pollAnswer) {
	back := &aheadOfStream{delivered: a.info.Delivered.Stream, lastSeq: a.state.LastSeq}
	back.resetTo = min(a.info.AckFloor.Stream, a.state.LastSeq) + 1
	if a.behind > 0 {
		back.resetTo = min(back.resetTo, q.forkedFrom(a.behind))
	}
	highest := uint64(0)
	first, _, whole := p.searchKnown(ctx, q.known, func(m ledger.Message) {
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
	p.reset(ctx, a)
}

// reset lets the consumer deliver from where the answer says.
func (p *poller) reset(ctx context.Context, a *pollAnswer) {
	if p.js == nil {
		a.ahead.err = errors.New("no JetStream API")
		return
	}
	a.ahead.err = jsapi.Reset(ctx, p.js, a.info, a.ahead.resetTo)
}

func lossFrom(l *evidence.Loss) uint64 {
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

// warn tells people of it.
func (a *aheadOfStream) warn(log logger) {
	fields := []zap.Field{zap.Uint64("delivered", a.delivered), zap.Uint64("last_seq", a.lastSeq), zap.Uint64("reset_to", a.resetTo)}
	const message = "the consumer is ahead of its stream: messages would never come"
	change := fmt.Sprintf("create a consumer that starts at sequence %d, and let the capture use it", a.resetTo)
	switch {
	case a.err != nil:
		log.Error(message, append(fields, zap.String("change", change), zap.Error(a.err))...)
	case !a.sure:
		log.Warn(message, append(fields, zap.String("why", "it was reset, but nobody knows here whether messages before that are new, too"))...)
	default:
		log.Warn(message, append(fields, zap.String("why", "the stream lost messages: it was reset to before those that are new"))...)
	}
}

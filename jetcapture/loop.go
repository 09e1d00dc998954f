package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/elapsed"
	"github.com/jetcapture/lake/jetcapture/internal/evidence"
	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/pull"
	"github.com/jetcapture/lake/jetcapture/internal/rawheaders"
)

const (
	tickEvery    = 100 * time.Millisecond
	handleAtOnce = 256         // messages, before the loop turns to anything else
	checkAtOnce  = 1000        // open blocks, at each tick; if there are more, all are checked less often
	checkEvery   = time.Second // at the latest
	sampleEvery  = time.Second
)

// The loop lets one thing happen after the other: a message comes, a block is sent to the committer or comes back, the server or the
// ledger answers, time passes. It waits for none of them alone, and takes no lock. It owns the pipe and all that its parts own:
// see queue for who owns a block.
type loop[P Payload, K DestKey] struct {
	pipe[P, K]
	pulling[P, K]
	watch watch[P, K]
	lost  chan error // why the ledger cannot be used any more

	lastSealing   time.Time // when all open blocks were checked
	lastSample    time.Time
	alreadyStored uint64 // messages that were in a file before, since the capture began
	startReconns  uint64
}

func newLoop[P Payload, K DestKey](o *Options[P, K], nc *nats.Conn, consumer jetstream.Consumer, clock *elapsed.Clock) *loop[P, K] {
	known := evidence.New(evidence.NewReader(nc, o.JetStreamDomain, o.NATSStreamName), func() uint64 { return nc.Stats().Reconnects })
	js, err := jsapi.New(nc, o.JetStreamDomain)
	if err != nil {
		js = nil // bad names, which bind has refused
	}
	log := newLogger(o.Logger.With(zap.String("stream", o.NATSStreamName), zap.String("consumer", o.NATSConsumerName)))
	l := &loop[P, K]{lost: make(chan error, 1), startReconns: nc.Stats().Reconnects}
	p := &l.pipe
	*p = pipe[P, K]{
		o: o, log: log, acker: acks.New(nc, known), headers: rawheaders.New(nc, o.JetStreamDomain, o.NATSStreamName),
		budget: newBudget(o, consumer.CachedInfo().Config), clocks: clocks{now: time.Now(), lastMessage: time.Now()},
		history: newHistory(known), queue: newQueue[K](o.StoreConcurrency, o.MaxSealedBlocks), brake: brake{observer: &o.Observer, log: log},
	}
	requests := jsapi.Prefix(o.JetStreamDomain) + ".CONSUMER.MSG.NEXT." + o.NATSStreamName + "." + o.NATSConsumerName
	p.intake = newIntake(pull.New(nc, clock, requests, p.budget.batch, o.PullBytes, p.budget.request), &p.budget)
	p.open = newOpenBlocks(o, newBlockSpecs(o, log.often), &p.budget, &p.clocks)
	l.watch = newWatch(p, newPoller(js, consumer, known))
	p.poll = func() { l.watch.ask(true) }
	l.pulling = pulling[P, K]{pipe: p, watch: &l.watch, nc: nc}
	return l
}

// run takes messages until ctx ends, the capture is caught up, or an error ends it.
func (l *loop[P, K]) run(ctx context.Context) error {
	l.clocks.now = time.Now() // the loop was made before the ledger was read
	l.intake.puller.Start(l.clocks.now)
	l.history.cut(l.intake.puller.Connection())
	if l.once != nil {
		l.open.lineage = l.once.book.Lineage()
	}
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for l.stop == nil && !l.watch.caughtUp {
		l.pull()
		l.watch.heed()
		sealed, next := l.queue.next()
		select {
		case <-ctx.Done():
			return nil
		case msg := <-l.messages():
			l.clocks.now = time.Now()
			l.take(msg)
		case sealed <- next:
			l.queue.sent()
		case o := <-l.queue.outcomes:
			l.clocks.now = time.Now()
			l.settle(o)
		case err := <-l.lost:
			l.stop = err
		case a := <-l.watch.poller.answers:
			l.clocks.now = time.Now()
			l.watch.learn(a)
		case a := <-l.answers():
			l.clocks.now = time.Now()
			l.lookedUp(a)
		case a := <-l.fenceAnswers():
			l.clocks.now = time.Now()
			l.learnFence(a)
		case l.clocks.now = <-ticker.C:
			l.tick()
		}
	}
	return l.stop
}

// take handles a message, and others that have come.
func (l *loop[P, K]) take(msg *nats.Msg) {
	l.handle(msg)
	for range handleAtOnce {
		select {
		case msg := <-l.messages():
			l.handle(msg)
		default:
			return
		}
	}
}

// tick does what time brings.
func (l *loop[P, K]) tick() {
	now, in := l.clocks.now, &l.intake
	if l.nc.IsClosed() {
		l.stop = fmt.Errorf("capture stream %q: %w", l.o.NATSStreamName, ErrConnectionClosed)
		return
	}
	if now.Sub(l.lastSealing) >= min(tickEvery*time.Duration(len(l.open.payloads)/checkAtOnce), checkEvery) {
		l.lastSealing = now
		l.sealAll(l.open.reason)
	}
	switch {
	case in.puller.Reconnected(), in.watermark.isVoid(in.puller.Connection()):
		in.restart = errors.New("the connection was restored")
	case l.nc.IsConnected() && in.puller.Silent(now):
		in.restart, l.watch.unsure = errors.New("the server is silent"), true
	}
	silent := l.clocks.silent()
	if l.o.UntilCaughtUp && in.pending == 0 && in.waits == nil && silent >= caughtUpSilent {
		l.sealAll(always[K](SealCaughtUp))
	}
	if in.pending > 0 && in.repeats > 0 && in.waits == nil && silent >= idleAfter {
		// AckWait is so short that held messages come again before new ones, and no block would ever fill.
		l.sealAll(always[K](SealInFlight))
	}
	l.watch.takeForks()
	l.watch.tick(l.nc.IsConnected())
	l.ackUpTo()
	if now.Sub(l.lastSample) >= sampleEvery {
		l.lastSample = now
		l.report()
	}
}

// report tells the observer what has changed.
func (l *loop[P, K]) report() {
	ob, counts := l.o.Observer, l.intake.counts
	if ob.Pulled != nil && counts.pulled > 0 {
		ob.Pulled(counts.pulled, counts.bytes)
	}
	if ob.Repeated != nil && counts.dropped+counts.repeated > 0 {
		ob.Repeated(counts.dropped, counts.repeated)
	}
	l.alreadyStored += uint64(counts.repeated)
	if more := counts.rejected - rejectedLogged; more > 0 {
		l.log.Warn("more messages went to the dead letters", zap.Int("messages", more))
	}
	l.intake.counts = intakeCounts{}
	if ob.Sampled != nil {
		ob.Sampled(l.stats())
	}
}

func (l *loop[P, K]) stats() Stats {
	s := Stats{
		OpenBlocks: l.open.count(), SealedBlocks: l.queue.size(), OpenMessages: l.open.messages, HeldMessages: l.intake.held.Len(),
		Memory: l.memory(), Outstanding: l.intake.puller.Outstanding(), Pending: l.intake.pending, StreamTime: l.clocks.stream,
		HeldSince: l.open.oldest(), Reconnections: l.nc.Stats().Reconnects - l.startReconns,
		StoredNotAcked: l.acker.Lost(), AckedElsewhere: uint64(l.watch.foreign.messages), AlreadyStored: l.alreadyStored,
	}
	if l.intake.timestamp > 0 {
		s.Lag = l.clocks.lastMessage.Sub(time.Unix(0, l.intake.timestamp))
	}
	return s
}

package jetcapture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/elapsed"
	"github.com/jetcapture/lake/jetcapture/internal/held"
	"github.com/jetcapture/lake/jetcapture/internal/pull"
	"github.com/jetcapture/lake/jetcapture/internal/suspects"
	"github.com/jetcapture/lake/jetcapture/ledger"
)

const (
	tickEvery      = 100 * time.Millisecond
	handleAtOnce   = 256         // messages, before the loop looks at anything else
	lookAtOnce     = 1000        // open blocks, at each tick; of more, all are looked at less often
	lookEvery      = time.Second // at the latest
	sampleEvery    = time.Second
	caughtUpSilent = 100 * time.Millisecond // before a capture that runs until caught up looks whether it is
	rejectedLogged = 5                      // dead letters between two samples; the others are counted
	quietLook      = 30 * time.Second       // at most, between two looks at the consumer of a stream that seems at rest
	goneLooks      = 5                      // a consumer is gone when so many looks in a row did not find it,
	goneAfter      = 5 * time.Second        // for so long
	nakDelay       = 2 * time.Second
	giveBackDelay  = 100 * time.Millisecond
	pendingDelay   = time.Second            // until a message is delivered once more that another block may hold
	lookTimeout    = time.Second            // to read the ledger for a message that was delivered again
	drainQuiet     = 100 * time.Millisecond // of no message, when stopping: no more of those asked for will come
	drainReceive   = time.Second            // at most, to receive what was asked for
)

// The loop owns the open blocks and all that is counted about them, and takes no lock. It receives messages, opens and
// seals blocks, hands sealed ones to the committer and settles what became of them. It never waits for any of that
// alone.
type loop[P Payload, K DestKey] struct {
	o         *Options[P, K]
	log       logger
	nc        *nats.Conn
	puller    *pull.Puller
	acker     *acker
	headers   *rawHeaders
	lookout   *lookout
	history   *history
	once      *exactlyOnce[K] // nil: at least once
	watermark *watermark      // nil: each message is acknowledged by itself
	sealed    chan *block[K]  // to the committer; sending gives the block away
	outcomes  chan outcome[K] // back from them
	lost      chan error      // why the ledger cannot be used any more

	limits   sealLimits
	specs    *blockSpecs
	inFlight int   // the most un-acknowledged messages to hold
	openMost int   // of these in open blocks, as other captures share what the consumer allows
	memHard  int64 // with so much memory held, pulling pauses

	open     map[openKey[K]]*openBlock[P, K]
	recent   *openBlock[P, K]                     // the one that was found last, if it is still there
	latest   map[K]*openBlock[P, K]               // of each destination key, those that may take messages of later intervals
	letters  map[int64]*openBlock[*DeadLetter, K] // by interval start
	waiting  []*block[K]                          // sealed, for the committer
	storing  int                                  // blocks in the hands of the committer
	backlog  backlog                              // limits both together
	inStore  map[*block[K]]struct{}               // these
	held     *held.Set
	suspects *suspects.Set

	recentKey    openKey[K] // of recent
	openMessages int
	fullest      int   // the most messages that an open block has, or had
	memory       int64 // of blocks
	openMemory   int64 // of this, in open blocks
	heaviest     int64 // the most memory that an open block has, or had
	clocks       clocks
	requested    elapsed.Moment // when the message at hand was asked for
	pending      uint64
	stop         error // why to end
	done         bool  // to end without an error

	resetCause  error // pull requests are void
	unsure      bool  // the consumer may be gone
	gone        gone
	lastLook    time.Time
	lastSealing time.Time // when all open blocks were looked at
	lastSample  time.Time

	setbacks   int       // blocks lost to a full disk and the like, since one was stored
	retryAt    time.Time // no message is taken before
	pause      string    // why pulling pauses
	pauseSince time.Time

	repeats       int // held messages that came again since the latest that was new
	pulled        int // since the last Observer call
	pulledBytes   int64
	dropped       int
	repeated      int    // in a file before, since the last Observer call
	alreadyStored uint64 // the same, since run began
	rejected      int
	lastTimestamp int64
	startReconns  uint64
}

// An openKey tells open blocks apart.
type openKey[K DestKey] struct {
	destKey K
	start   int64 // of the interval, in nanoseconds since 1970
	failed  int   // how often blocks of its messages failed
}

func newLoop[P Payload, K DestKey](o *Options[P, K], nc *nats.Conn, consumer jetstream.Consumer, clock *elapsed.Clock) *loop[P, K] {
	config := consumer.CachedInfo().Config
	l := &loop[P, K]{
		o:        o,
		log:      newLogger(o.Logger.With(zap.String("stream", o.NATSStreamName), zap.String("consumer", o.NATSConsumerName))),
		nc:       nc,
		headers:  newRawHeaders(nc, o.JetStreamDomain, o.NATSStreamName),
		sealed:   make(chan *block[K]),
		outcomes: make(chan outcome[K], o.StoreConcurrency),
		lost:     make(chan error, 1),
		limits:   o.sealLimits(),
		backlog:  newBacklog(o.MaxSealedBlocks),
		open:     make(map[openKey[K]]*openBlock[P, K]),
		latest:   make(map[K]*openBlock[P, K]),
		letters:  make(map[int64]*openBlock[*DeadLetter, K]),
		held:     held.New(),
		suspects: suspects.New(2*o.MaxInFlight, o.MemoryLimit/16),
		inStore:  make(map[*block[K]]struct{}),
		clocks:   clocks{now: time.Now(), lastMessage: time.Now()},

		startReconns: nc.Stats().Reconnects,
	}
	l.specs = newBlockSpecs(o, l.log.often)
	known := newEvidence(newStreamReader(nc, o.JetStreamDomain, o.NATSStreamName), func() uint64 { return nc.Stats().Reconnects })
	js, err := newJetStream(nc, o.JetStreamDomain)
	if err != nil {
		js = nil // bad names, which bind has refused
	}
	l.acker, l.history, l.lookout = &acker{nc: nc, evidence: known}, newHistory(known), newLookout(js, consumer, known)
	l.inFlight, l.openMost = o.MaxInFlight, o.MaxInFlight
	if config.MaxAckPending > 0 {
		l.inFlight = min(l.inFlight, config.MaxAckPending)
		l.openMost = min(l.openMost, max(1, config.MaxAckPending/2))
	}
	mostBytes := int(o.MemoryLimit / 16) // of each of two requests
	if config.MaxRequestMaxBytes > 0 {
		mostBytes = min(mostBytes, config.MaxRequestMaxBytes)
	}
	l.memHard = o.MemoryLimit / 8 * 5 // the rest is for two requests, for encoding, and for the garbage collector to be at ease
	batch := max(1, min(o.PullMessages, l.inFlight/2))
	limits := pull.Limits{Batch: config.MaxRequestBatch, Bytes: mostBytes, Expires: config.MaxRequestExpires}
	if o.Delivery == ExactlyOnce { // which takes a message for as old as the request for it, and gives up what is old
		most := ledgerRetention(o.LedgerRetention, o.openTime(), o.Grace, config.AckWait) / 8
		limits.Expires = min(cmp.Or(limits.Expires, most), most)
	}
	l.puller = pull.New(nc, clock, apiPrefix(o.JetStreamDomain)+".CONSUMER.MSG.NEXT."+o.NATSStreamName+"."+o.NATSConsumerName, batch, o.PullBytes, limits)
	return l
}

// run takes messages until ctx ends, the capture is done, or an error ends it.
func (l *loop[P, K]) run(ctx context.Context) error {
	l.clocks.now = time.Now() // the loop was made before the ledger was read
	l.puller.Start(l.clocks.now)
	l.history.cut(l.puller.Connection())
	if l.once != nil {
		l.history.lineage = l.once.book.Lineage()
	}
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for l.stop == nil && !l.done {
		l.pull()
		var sealed chan<- *block[K]
		var next *block[K]
		if len(l.waiting) > 0 {
			sealed, next = l.sealed, l.waiting[0]
		}
		messages := l.puller.Messages()
		if l.clocks.now.Before(l.retryAt) {
			messages = nil
		}
		select {
		case <-ctx.Done():
			l.finishLook()
			return nil
		case msg := <-messages:
			l.clocks.now = time.Now()
			l.handle(msg)
			l.handleMore(messages)
		case sealed <- next:
			l.handedOver()
		case o := <-l.outcomes:
			l.clocks.now = time.Now()
			l.settle(o)
		case err := <-l.lost:
			l.stop = err
		case a := <-l.lookout.answers:
			l.clocks.now = time.Now()
			l.learn(a)
		case a := <-l.fenced():
			l.learnOwner(a)
		case l.clocks.now = <-ticker.C:
			l.tick()
		}
	}
	return l.stop
}

// pull asks for more messages, or notes why not.
func (l *loop[P, K]) pull() {
	if l.resetCause != nil {
		l.resetPull()
	}
	room := l.inFlight - l.held.Len()
	cause := ""
	switch {
	case l.clocks.now.Before(l.retryAt):
		cause = "spool"
	case l.backlog.full(len(l.waiting) + l.storing):
		cause = "sealed-blocks"
	case l.memory+l.held.Bytes() >= l.memHard:
		cause = "memory"
	case room <= 0:
		cause = "in-flight"
	}
	l.setPause(cause)
	if cause != "" {
		return
	}
	if err := l.puller.Request(l.clocks.now, room); err != nil && !l.nc.IsClosed() {
		l.log.often.Warn("asking for messages failed, will retry", zap.Error(err))
	}
}

func (l *loop[P, K]) setPause(cause string) {
	if cause == l.pause {
		return
	}
	if l.pause != "" {
		took := l.clocks.now.Sub(l.pauseSince)
		l.log.Debug("pulling goes on", zap.String("cause", l.pause), zap.Duration("paused", took))
		if l.o.Observer.Resumed != nil {
			l.o.Observer.Resumed(l.pause, took)
		}
	}
	l.pause, l.pauseSince = cause, l.clocks.now
	if cause != "" {
		l.log.Debug("pulling pauses", zap.String("cause", cause))
		if l.o.Observer.Paused != nil {
			l.o.Observer.Paused(cause)
		}
	}
}

// resetPull starts pulling anew, after taking what has come already.
func (l *loop[P, K]) resetPull() {
	if l.watermark != nil && l.puller.Delayed(l.clocks.now) {
		return // it was tried just now
	}
	cause := l.resetCause
	l.log.Info("pulling starts again", zap.NamedError("cause", cause))
	if l.o.Observer.PullReset != nil {
		l.o.Observer.PullReset(cause)
	}
	old := l.puller.Messages()
	l.puller.Stop()
	l.takeReceived(old)
	if w := l.watermark; w != nil {
		w.broken = cause // what was on its way may be lost, the last of all too
		err := l.resetWatermark(context.Background())
		if errors.Is(err, ledger.ErrTaken) {
			l.stop = l.errTaken(err)
			return
		}
		if err != nil {
			l.log.often.Warn("resetting the consumer failed, will retry", zap.Error(err))
			l.puller.Delay(l.clocks.now.Add(time.Second))
			return
		}
	}
	l.resetCause = nil
	l.puller.Start(l.clocks.now)
	l.history.cut(l.puller.Connection())
	if l.once != nil {
		l.history.before, l.history.lineage = allBefore, l.once.book.Lineage()
	}
	l.history.dueSoon = true
	l.askLookout(true)
}

// takeReceived handles what is in the channel of subscriptions that have ended.
func (l *loop[P, K]) takeReceived(messages <-chan *nats.Msg) {
	for {
		select {
		case msg := <-messages:
			l.handle(msg)
		default:
			return
		}
	}
}

func (l *loop[P, K]) handleMore(messages <-chan *nats.Msg) {
	for range handleAtOnce {
		if l.clocks.now.Before(l.retryAt) {
			return
		}
		select {
		case msg := <-messages:
			l.handle(msg)
		default:
			return
		}
	}
}

// tick does what time brings.
func (l *loop[P, K]) tick() {
	now := l.clocks.now
	if l.nc.IsClosed() {
		l.stop = fmt.Errorf("capture stream %q: %w", l.o.NATSStreamName, ErrConnectionClosed)
		return
	}
	if now.Sub(l.lastSealing) >= min(tickEvery*time.Duration(len(l.open)/lookAtOnce), lookEvery) {
		l.lastSealing = now
		l.sealAll(l.sealReason)
	}
	switch {
	case l.puller.Reconnected():
		l.resetCause = errors.New("the connection was restored")
	case l.nc.IsConnected() && l.puller.Silent(now):
		l.resetCause, l.unsure = errors.New("the server is silent"), true
	}
	silent := now.Sub(l.clocks.lastMessage)
	if l.o.UntilCaughtUp && l.pending == 0 && silent >= caughtUpSilent {
		l.sealAll(always[K](SealCaughtUp))
	}
	if l.pending > 0 && l.repeats > 0 && silent >= idleAfter {
		// AckWait is so short that what is held comes again before what is new, and no block would ever fill.
		l.sealAll(always[K](SealInFlight))
	}
	l.takeForks()
	l.look(silent)
	l.ackUpTo()
	if now.Sub(l.lastSample) >= sampleEvery {
		l.lastSample = now
		l.report()
	}
}

// report tells the observer what has changed.
func (l *loop[P, K]) report() {
	ob := l.o.Observer
	if ob.Pulled != nil && l.pulled > 0 {
		ob.Pulled(l.pulled, l.pulledBytes)
	}
	if ob.Dropped != nil && l.dropped > 0 {
		ob.Dropped(l.dropped)
	}
	if ob.AlreadyStored != nil && l.repeated > 0 {
		ob.AlreadyStored(l.repeated)
	}
	l.alreadyStored += uint64(l.repeated)
	if more := l.rejected - rejectedLogged; more > 0 {
		l.log.Warn("more messages went to the dead letters", zap.Int("messages", more))
	}
	l.pulled, l.pulledBytes, l.dropped, l.repeated, l.rejected = 0, 0, 0, 0, 0
	if ob.Sampled == nil {
		return
	}
	s := Stats{
		OpenBlocks: len(l.open) + len(l.letters), SealedBlocks: len(l.waiting) + l.storing,
		OpenMessages: l.openMessages, HeldMessages: l.held.Len(), Memory: l.memory + l.held.Bytes(),
		Outstanding: l.puller.Outstanding(), Pending: l.pending, StreamTime: l.clocks.stream,
		Reconnections:  l.nc.Stats().Reconnects - l.startReconns,
		StoredNotAcked: l.history.evidence.lost.Load(), AckedElsewhere: uint64(l.history.foreign.messages), AlreadyStored: l.alreadyStored,
	}
	if l.lastTimestamp > 0 {
		s.Lag = l.clocks.lastMessage.Sub(time.Unix(0, l.lastTimestamp))
	}
	for _, b := range l.open {
		if s.HeldSince.IsZero() || b.opened.Before(s.HeldSince) {
			s.HeldSince = b.opened
		}
	}
	ob.Sampled(s)
}

package jetcapture

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture/internal/held"
	"github.com/jetcapture/lake/jetcapture/internal/pull"
	"github.com/jetcapture/lake/jetcapture/internal/suspects"
	"github.com/jetcapture/lake/jetcapture/ledger"
	"github.com/jetcapture/lake/store"
)

// handle takes one message of the subscription to its block.
func (l *loop[P, K]) handle(msg *nats.Msg) {
	if msg.Reply == "" {
		l.handleStatus(msg)
		return
	}
	d, ok := parseDelivery(msg.Reply)
	if !ok {
		l.log.Warn("a message that JetStream did not deliver came to the inbox of the capture: it is ignored",
			zap.String("reply", msg.Reply))
		return
	}
	l.requested = l.puller.Received(msg, l.clocks.now)
	l.history.receive(&d)
	if l.watermark != nil && !l.watermark.receive(&d) {
		l.resetCause = l.watermark.broken
	}
	l.pulled++
	l.pulledBytes += int64(len(msg.Data))
	l.pending = d.numPending
	if t := time.Unix(0, d.timestamp); t.After(l.clocks.stream) {
		l.clocks.stream = t
	}
	switch l.held.State(d.message()) { // numDelivered does not tell: a consumer that is reset counts from the start
	case held.Present:
		l.dropped++
		l.repeats++
		return
	case held.Another:
		l.collides(&d)
	}
	if l.known(msg, &d) {
		return
	}
	l.repeats = 0
	l.lastTimestamp, l.clocks.lastMessage = d.timestamp, l.clocks.now
	l.archive(msg, &d)
}

// known says whether a message is in a file, or may be in a block of somebody else, and sees to it then: it needs no block.
func (l *loop[P, K]) known(msg *nats.Msg, d *delivery) bool {
	if l.once == nil {
		return false
	}
	switch l.once.lookUp(d.message()) {
	case ledger.Archived:
		if l.watermark == nil {
			l.acker.ackUnconfirmed(msg.Reply, l.puller.Connection())
		}
		l.repeated++
		return true
	case ledger.Pending:
		if l.watermark != nil {
			return false // an ack of later ones would stand for it: it must be held, and its claim settles who has it
		}
		l.acker.nak(d.alone(), pendingDelay)
		l.dropped++
		return true
	case ledger.Reused:
		l.reused(d)
		return false
	default:
		return false
	}
}

func (l *loop[P, K]) handleStatus(msg *nats.Msg) {
	switch event, cause := l.puller.Status(msg, l.clocks.now); event {
	case pull.Lost:
		l.resetCause = cause
	case pull.Unsure:
		l.resetCause, l.unsure = cause, true
		l.askLookout(true)
	}
}

// archive decodes a message and writes it to the block of its destination key and interval.
func (l *loop[P, K]) archive(msg *nats.Msg, d *delivery) {
	if !l.hasHeaders(msg, d) {
		return
	}
	payload, destKey, err := decode(l.o.MessageDecoder, msg)
	if err != nil {
		l.reject(msg, d, "decode", err)
		return
	}
	failed := l.suspects.Failures(d.message())
	if failed > 0 {
		err := l.try(payload)
		if err == nil && suspects.IsDeadLetter(failed) {
			err = errChokes
		}
		if err != nil {
			l.reject(msg, d, "write", err)
			return
		}
	}
	b, err := l.blockFor(destKey, d, failed)
	if errors.Is(err, store.ErrDestKey) {
		l.reject(msg, d, "destination key", err)
		return
	}
	if err != nil {
		l.setback(err)
		l.nak(d)
		return
	}
	rows, err := write(b.writer, payload)
	switch {
	case b.spool.err != nil:
		l.abandonOpen(b, b.spool.err)
		l.nak(d)
	case errors.Is(err, format.ErrBroken):
		l.suspects.Add(b.messages())
		one := d.alone()
		l.suspects.Add(one.messages())
		l.close(b.block)
		l.abandon(b.block, err)
		l.nak(d)
	case err != nil:
		l.account(b.block)
		l.reject(msg, d, "write", err)
	default:
		l.hold(b.block, d, rows)
		if reason := l.sealReason(b.block); reason != "" {
			l.seal(b.block, reason)
		}
		l.relieve()
	}
}

// errChokes says why a message that fits alone is a dead letter.
var errChokes = errors.New("the writer fails in each block that has the message, even in one of its own")

// try writes a payload alone, to see whether it was what made a block's writer fail.
func (l *loop[P, K]) try(payload P) error {
	w := l.o.WriterFactory()
	if err := noPanic("InitNew", func() error { return w.InitNew(io.Discard) }); err != nil {
		return nil //nolint:nilerr // no fault of the payload
	}
	if _, err := write(w, payload); err != nil {
		return err
	}
	return noPanic("Flush", w.Flush)
}

// reject puts a message that cannot be archived into a dead-letter block.
func (l *loop[P, K]) reject(msg *nats.Msg, d *delivery, stage string, reason error) {
	if l.rejected++; l.rejected <= rejectedLogged {
		l.log.Warn("a message goes to the dead letters", zap.String("subject", msg.Subject),
			zap.Uint64("stream_seq", d.streamSeq), zap.String("stage", stage), zap.Error(reason))
	}
	if l.o.Observer.DeadLettered != nil {
		l.o.Observer.DeadLettered(msg.Subject, reason)
	}
	b, err := l.letterBlock(d)
	if err == nil {
		letter := newDeadLetter(msg, d, l.o.NATSStreamName, l.o.NATSConsumerName, stage, reason)
		if _, err = write(b.writer, letter); err == nil {
			l.hold(b.block, d, 1)
			if reason := l.sealReason(b.block); reason != "" {
				l.seal(b.block, reason)
			}
			l.relieve()
			return
		}
		l.close(b.block)
		l.abandon(b.block, err)
	}
	l.setback(err)
	l.nak(d)
}

// blockFor returns the open block of a destination key and a message's interval, with others that were as often in blocks that failed.
func (l *loop[P, K]) blockFor(destKey K, d *delivery, failed int) (*openBlock[P, K], error) {
	start := l.interval(d)
	key := openKey[K]{destKey, start.UnixNano(), failed}
	if l.recent != nil && key == l.recentKey {
		return l.recent, nil
	}
	if b := l.open[key]; b != nil {
		l.recent, l.recentKey = b, key
		return b, nil
	}
	if b := l.lingering(key, start); b != nil {
		return b, nil
	}
	if err := l.hasPlace(destKey, start); err != nil {
		return nil, err
	}
	b := &openBlock[P, K]{block: l.newBlock(start)}
	b.destKey, b.failed = destKey, failed
	if err := noPanic("WriterFactory", func() error { b.writer = l.o.WriterFactory(); return nil }); err != nil {
		return nil, err
	}
	if err := b.openEncoder(b.writer, l.specs.blocks); err != nil {
		return nil, err
	}
	l.open[key] = b
	if latest := l.latest[destKey]; l.limits.minMessages > 0 && failed == 0 && (latest == nil || latest.start.Before(start)) {
		l.latest[destKey] = b
	}
	l.opened(b.block)
	return b, nil
}

// hasPlace checks that the store has a place for a destination key, where it can be asked. Otherwise the block could never be
// stored, and its messages would come again and again. Other errors show when it is stored.
func (l *loop[P, K]) hasPlace(destKey K, start time.Time) (err error) {
	locator, ok := l.o.Store.(store.Locator[K])
	if !ok {
		return nil
	}
	err = noPanic("the store", func() error {
		_, err := locator.Locate(context.Background(), destKey, l.o.Layout(start), deadLetterSuffix)
		return err
	})
	if !errors.Is(err, store.ErrDestKey) {
		return nil
	}
	return err
}

func (l *loop[P, K]) letterBlock(d *delivery) (*openBlock[*DeadLetter, K], error) {
	start := l.interval(d)
	if b := l.letters[start.UnixNano()]; b != nil {
		return b, nil
	}
	b := &openBlock[*DeadLetter, K]{block: l.newBlock(start), writer: newDeadLetterWriter()}
	b.deadLetter = true
	if err := b.openEncoder(b.writer, l.specs.letters); err != nil {
		return nil, err
	}
	l.letters[start.UnixNano()] = b
	l.opened(b.block)
	return b, nil
}

// interval returns the start of a message's interval. Intervals are aligned to midnight UTC of the year 1.
func (l *loop[P, K]) interval(d *delivery) time.Time {
	return time.Unix(0, d.timestamp).UTC().Truncate(l.limits.interval)
}

func (l *loop[P, K]) newBlock(start time.Time) *block[K] {
	end := start.Add(l.limits.interval)
	return &block[K]{
		id: newBlockID(l.specs.idPrefix), lineage: l.history.lineage, start: start, end: end, last: start, opened: l.clocks.now,
		late: !l.clocks.stream.Before(end.Add(l.limits.grace)),
	}
}

func (l *loop[P, K]) opened(b *block[K]) {
	l.account(b)
	if l.o.Observer.BlockOpened != nil {
		l.o.Observer.BlockOpened(b.describe())
	}
}

// hold counts a message that was written to an open block.
func (l *loop[P, K]) hold(b *block[K], d *delivery, rows int) {
	b.add(d, rows)
	if d.numDelivered > 1 || d.streamSeq <= l.history.before {
		b.heldBefore(d.streamSeq)
	}
	if requested := l.requested; b.oldest.IsZero() || requested.Before(b.oldest) {
		b.oldest = requested
	}
	l.held.Add(d.message())
	l.openMessages++
	l.fullest = max(l.fullest, b.count())
	l.account(b)
}

// account brings the memory count up to date with an open block.
func (l *loop[P, K]) account(b *block[K]) {
	n := b.measure()
	l.memory += n - b.memory
	l.openMemory += n - b.memory
	l.heaviest = max(l.heaviest, n)
	b.memory = n
}

// nak asks for a message again that no block took.
func (l *loop[P, K]) nak(d *delivery) {
	l.askAgain(d.alone(), nakDelay)
}

// askAgain asks for messages again that no block has any more.
func (l *loop[P, K]) askAgain(m messageRefs, delay time.Duration) {
	if m.count() == 0 {
		return
	}
	if l.watermark == nil {
		l.acker.nak(m, delay)
		return
	}
	if l.watermark.broken == nil {
		l.watermark.broken = errGivenUp
	}
	l.resetCause = l.watermark.broken
}

package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Run applies the log to the Book until ctx ends, which is no error.
func (s *Stream) Run(ctx context.Context) error {
	for {
		err := s.follow(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to end
		}
		switch {
		case errors.Is(err, jetstream.ErrStreamNotFound):
			return s.end(fmt.Errorf("%w: %s: %w", ErrLost, s.name, err))
		case errors.Is(err, ErrLost):
			return s.end(err)
		case errors.Is(err, ErrNewer):
			return s.end(fmt.Errorf("ledger %s: %w", s.name, err))
		case errors.Is(err, errRewound):
			s.setLast(followed{})
			s.known.Store(0)
			s.book.Rewind(time.Now())
			continue
		}
		if s.Retrying != nil && !errors.Is(err, context.Canceled) && s.js.Conn().IsConnected() { // or it was told to begin again
			s.Retrying(err)
		}
		if !(realClock{}).Sleep(ctx, followPause) {
			return nil
		}
		s.book.Doubt(time.Now())
	}
}

// end lets all who wait know why the log is read no further.
func (s *Stream) end(err error) error {
	s.err = err
	close(s.lost)
	return err
}

// Suspect implements Log: follow begins again, which shows whether the log is still the same.
func (s *Stream) Suspect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unfollow != nil {
		s.unfollow()
	}
}

func (s *Stream) setUnfollow(f context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unfollow = f
}

// follow reads entries until something is wrong. Its consumer is its own, and the server's to remove: an ordered one of the
// client would wait for a stream that was deleted, whatever ctx says. It begins with the last entry that was read before, and
// returns errRewound if another one has its place: the log has lost its end, and may have grown again.
func (s *Stream) follow(ctx context.Context) error {
	ctx, cancel := s.untilReconnected(ctx)
	defer cancel()
	s.setUnfollow(cancel)
	defer s.setUnfollow(nil)
	known := s.reached() // before the log is asked: entries may be appended meanwhile
	state, err := s.state(ctx)
	if err != nil {
		return err
	}
	if state.LastSeq < known {
		return fmt.Errorf("%w: its last entry is %d and was %d", errRewound, state.LastSeq, known)
	}
	s.book.Skip(state.FirstSeq)
	creating, created := context.WithTimeout(ctx, opTimeout)
	defer created()
	consumer, err := s.js.CreateConsumer(creating, s.name, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       max(s.last.seq, 1),
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: followKept,
	})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullExpiry(10*time.Second), jetstream.PullHeartbeat(followBeat))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for expected := uint64(1); ; expected++ {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			_, there := s.state(ctx)
			return errors.Join(err, there)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != expected {
			return fmt.Errorf("message %d of the consumer came instead of %d", meta.Sequence.Consumer, expected)
		}
		if err := s.take(ctx, meta, msg); err != nil {
			return err
		}
	}
}

// take applies one message of the log.
func (s *Stream) take(ctx context.Context, meta *jetstream.MsgMetadata, msg jetstream.Msg) error {
	seq := meta.Sequence.Stream
	this := followed{seq, msg.Subject(), meta.Timestamp}
	if seq == s.last.seq {
		if this.subject != s.last.subject || !this.at.Equal(s.last.at) {
			return fmt.Errorf("%w: entry %d is another one", errRewound, seq)
		}
		return nil
	}
	e, err := s.decode(msg.Subject(), msg.Headers(), msg.Data())
	switch {
	case errors.Is(err, ErrNewer):
		return fmt.Errorf("entry %d: %w", seq, err)
	case err != nil:
		s.skipped.Add(1)
		if s.Skipped != nil {
			s.Skipped(seq, msg.Subject(), err)
		}
	}
	if s.last.seq > 0 && seq > s.last.seq+1 {
		if err := s.skipRemoved(ctx, seq); err != nil {
			return err
		}
	}
	s.setLast(this)
	s.read.Add(uint64(len(msg.Data()) + headerBytes(msg.Headers())))
	s.book.Apply(seq, meta.Timestamp, e)
	return nil
}

// untilReconnected returns a context that ends when the connection is restored. An entry may have been on its way when it was
// lost. The consumer does not send it again, and only a later one would show that it is missing: none comes if all wait for it.
func (s *Stream) untilReconnected(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	nc := s.js.Conn()
	connected := nc.StatusChanged(nats.CONNECTED)
	s.reconnects.Store(nc.Stats().Reconnects)
	s.book.wake() // for those who wait to hear that the log is read on this connection
	go func() {
		defer nc.RemoveStatusListener(connected)
		select {
		case <-connected:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// skipRemoved tells the Book what others have forgotten, after a gap before the entry that is next. Single messages may have
// been removed too, as people do with what is no entry: then the entries before the gap are still there.
func (s *Stream) skipRemoved(ctx context.Context, next uint64) error {
	first, err := s.firstBefore(ctx, next)
	if err == nil {
		s.book.Skip(first)
	}
	return err
}

// firstBefore returns the sequence of the first entry about a block, next if there is none before that.
func (s *Stream) firstBefore(ctx context.Context, next uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	first, err := s.stream.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(s.subject+blockToken+">"))
	switch {
	case err == nil:
		return min(next, first.Sequence), nil
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return next, nil
	}
	return 0, err
}

package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	subjectPrefix = "JC_LEDGER."
	opTimeout     = 5 * time.Second
	followPause   = 200 * time.Millisecond
	lookEvery     = 2 * time.Second // at the beginning of the log, by those who wait
	followBeat    = time.Second     // two missed ones mean that the server does not know our consumer any more
	followKept    = time.Minute     // that the server keeps a consumer which nobody reads
)

// ErrLost is returned by Stream.Run, and by all who wait for it, when the ledger's stream was deleted or cannot be read: what
// is archived is not known any more.
var ErrLost = errors.New("the ledger is lost")

// A Stream is the Log on a JetStream stream. Run must be running for Await to return.
type Stream struct {
	js      jetstream.JetStream
	stream  jetstream.Stream
	name    string
	subject string // of all entries, ending in a dot
	book    *Book
	payload int // the largest message that the server takes
	target  uint64
	read    atomic.Uint64 // bytes of entries
	lost    chan struct{} // closed when Run ends with an error
	err     error         // why
}

// StreamName is the default name of the ledger for a consumer.
func StreamName(stream, consumer string) string { return "JC_" + stream + "_" + consumer }

// OpenStream opens the ledger of a consumer, which is made on first use: on file storage, with the replicas and placement
// of source, the stream that is captured. name is that of the ledger's stream, "" for StreamName.
//
// Nothing removes entries but Forget, and nothing may: a ledger must not have limits.
func OpenStream(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, source *jetstream.StreamInfo, consumer, name string, book *Book) (*Stream, error) {
	if name == "" {
		name = StreamName(source.Config.Name, consumer)
	}
	s := &Stream{
		js: js, name: name, subject: subjectPrefix + source.Config.Name + "." + consumer + ".", book: book,
		payload: int(nc.MaxPayload()), lost: make(chan struct{}),
	}
	config := jetstream.StreamConfig{
		Name:        name,
		Description: "which messages of stream " + source.Config.Name + " its consumer " + consumer + " has archived, by jetcapture: do not change",
		Subjects:    []string{s.subject + "*"},
		Storage:     jetstream.FileStorage,
		Replicas:    source.Config.Replicas,
		Placement:   source.Config.Placement,
		Discard:     jetstream.DiscardNew, // and no direct gets: a replica that lags would say that an entry is not there
	}
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	stream, err := js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = js.CreateStream(ctx, config)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another capture was faster
			stream, err = js.Stream(ctx, name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open the ledger %s: %w", name, err)
	}
	if err := fit(stream.CachedInfo(), config); err != nil {
		return nil, fmt.Errorf("open the ledger %s: %w", name, err)
	}
	s.stream = stream
	if state := stream.CachedInfo().State; state.FirstSeq <= state.LastSeq {
		s.target = state.LastSeq
	}
	return s, nil
}

// fit checks that a stream is the ledger it is taken for, and will not drop entries.
func fit(info *jetstream.StreamInfo, want jetstream.StreamConfig) error {
	got := info.Config
	switch {
	case !slices.Equal(got.Subjects, want.Subjects):
		return fmt.Errorf("a stream of that name has the subjects %q, want %q: name another ledger", got.Subjects, want.Subjects)
	case got.Retention != jetstream.LimitsPolicy, got.MaxAge > 0, got.MaxMsgs > 0, got.MaxBytes > 0, got.MaxMsgsPerSubject > 0:
		return errors.New("it has limits, by which it would forget what is archived: remove them")
	case got.DenyPurge, got.Sealed:
		return errors.New("it is sealed or denies purging, so it would grow for ever: allow it")
	}
	return nil
}

// Name returns the name of the ledger's stream.
func (s *Stream) Name() string { return s.name }

// MaxEntry returns the size of the largest entry that the server takes.
func (s *Stream) MaxEntry() int { return s.payload }

// Run applies the log to the Book until ctx ends, which is no error.
func (s *Stream) Run(ctx context.Context) error {
	for {
		err := s.follow(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to end
		}
		if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, errMalformed) {
			s.err = fmt.Errorf("%w: %s: %w", ErrLost, s.name, err)
			close(s.lost)
			return s.err
		}
		if !(realClock{}).Sleep(ctx, followPause) {
			return nil
		}
	}
}

// follow reads entries until something is wrong. Its consumer is its own, and the server's to remove: an ordered one of the
// client would wait for a stream that was deleted for ever, whatever ctx says.
func (s *Stream) follow(ctx context.Context) error {
	ctx, cancel := s.untilReconnected(ctx)
	defer cancel()
	if err := s.skip(ctx); err != nil {
		return err
	}
	creating, created := context.WithTimeout(ctx, opTimeout)
	defer created()
	consumer, err := s.js.CreateConsumer(creating, s.name, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       s.book.Stats().Applied + 1,
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
			return errors.Join(err, s.there(ctx))
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != expected {
			return fmt.Errorf("message %d of the consumer came instead of %d", meta.Sequence.Consumer, expected)
		}
		e, err := s.decode(msg.Subject(), msg.Headers(), msg.Data())
		if err != nil {
			return fmt.Errorf("entry %d: %w", meta.Sequence.Stream, err)
		}
		s.read.Add(uint64(len(msg.Data()) + headerBytes(msg.Headers())))
		s.book.Apply(meta.Sequence.Stream, meta.Timestamp, e)
	}
}

// untilReconnected returns a context that ends when the connection is restored. An entry may have been on its way when it was
// lost. The consumer does not send it again, and only a later one would show that it is missing: none comes if all wait for it.
func (s *Stream) untilReconnected(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	nc := s.js.Conn()
	connected := nc.StatusChanged(nats.CONNECTED)
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

// BytesRead returns how many bytes of entries Run has read.
func (s *Stream) BytesRead() uint64 { return s.read.Load() }

func headerBytes(header nats.Header) (n int) {
	for name, values := range header {
		for _, value := range values {
			n += len(name) + len(value) + len(": \r\n")
		}
	}
	return n
}

// skip tells the Book where the log begins.
func (s *Stream) skip(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	stream, err := s.js.Stream(ctx, s.name)
	if err != nil {
		return err
	}
	s.book.Skip(stream.CachedInfo().State.FirstSeq)
	return nil
}

// there returns an error if the stream is not there any more.
func (s *Stream) there(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	_, err := s.js.Stream(ctx, s.name)
	return err
}

func (s *Stream) decode(subject string, header nats.Header, body []byte) (*Entry, error) {
	if len(subject) <= len(s.subject) {
		return nil, fmt.Errorf("%w: subject %q", errMalformed, subject)
	}
	return decode(subject[len(s.subject):], header, body)
}

// Ready returns once the Book has what was in the log when it was opened.
func (s *Stream) Ready(ctx context.Context) error {
	return s.Await(ctx, func() bool { return s.book.Stats().Applied >= s.target })
}

// Append implements Log.
func (s *Stream) Append(ctx context.Context, e *Entry, after uint64) (uint64, error) {
	msg, err := e.encode()
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnfit, err)
	}
	msg.Subject = s.subject + e.Block
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	ack, err := s.js.PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(after), jetstream.WithExpectStream(s.name))
	var api *jetstream.APIError
	switch {
	case err == nil:
		return ack.Sequence, nil
	case errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jsErrWrongLastSequenceConstant):
		return 0, fmt.Errorf("append to ledger %s: %w", s.name, ErrChanged)
	case errors.Is(err, nats.ErrMaxPayload):
		return 0, fmt.Errorf("append to ledger %s: %w: %w", s.name, ErrUnfit, err)
	}
	return 0, fmt.Errorf("append to ledger %s: %w", s.name, err)
}

// jsErrWrongLastSequenceConstant is what servers since 2.12 may answer for JSErrCodeStreamWrongLastSequence.
const jsErrWrongLastSequenceConstant = 10164

// Await implements Log.
func (s *Stream) Await(ctx context.Context, until func() bool) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		changed := s.book.waiter()
		if until() {
			return nil
		}
		select {
		case <-changed:
		case <-look.C: // what is waited for may have been removed by others, before it was read
			_ = s.skip(ctx) // the next look may work
		case <-s.lost:
			return s.err
		case <-ctx.Done():
			return fmt.Errorf("read ledger %s: %w", s.name, ctx.Err())
		}
	}
}

// Fetch implements Log.
func (s *Stream) Fetch(ctx context.Context, seq uint64) (*Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	msg, err := s.stream.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, fmt.Errorf("read entry %d of ledger %s: %w", seq, s.name, ErrForgotten)
	}
	if err != nil {
		return nil, fmt.Errorf("read entry %d of ledger %s: %w", seq, s.name, err)
	}
	return s.decode(msg.Subject, msg.Header, msg.Data)
}

// Forget implements Log.
func (s *Stream) Forget(ctx context.Context, upTo uint64) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	return s.stream.Purge(ctx, jetstream.WithPurgeSequence(upTo+1))
}

package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	opTimeout   = 5 * time.Second
	followPause = 200 * time.Millisecond
	lookEvery   = 2 * time.Second // at the state of the log, by those who wait
	followBeat  = time.Second     // two missed ones mean that the server does not know our consumer any more
	syncTries   = 25
	followKept  = time.Minute // that the server keeps a consumer without readers

	// metadataToken is the key of a stream's metadata under which the ledger keeps the token of its subjects. Names of streams
	// and consumers are the same in several domains of one account, and what one ledger is told must not reach the other.
	metadataToken    = "jetcapture.ledger"
	metadataVersion  = "jetcapture.ledger.version"
	metadataStream   = "jetcapture.ledger.stream" // for people and reset
	metadataConsumer = "jetcapture.ledger.consumer"
	tokenLength      = 16
)

// ErrLost is returned by Stream.Run, and by all calls that wait for it, when the ledger's stream was deleted: it is not known any more which
// messages are archived.
var ErrLost = errors.New("the ledger is lost")

// A Stream is the Log on a JetStream stream. Run must be running for Await to return.
type Stream struct {
	// Skipped, if it is set before Run, is called for messages in the ledger that are no entries, and for entries of later versions
	// that need not be understood. Both are passed over.
	Skipped func(seq uint64, subject string, err error)

	// Retrying, if it is set before Run, is called when the log could not be read, and will be tried again.
	Retrying func(err error)

	js      jetstream.JetStream
	stream  jetstream.Stream
	name    string
	subject string // of all entries, ending in a dot
	book    *Book
	created bool
	payload int // the largest message that the server takes
	target  uint64
	read    atomic.Uint64 // bytes of entries
	skipped atomic.Uint64
	domain  atomic.Pointer[string] // that took the first entry of ours
	known   atomic.Uint64          // the highest sequence that the log is known to have had, read or not
	lost    chan struct{}          // closed when Run ends with an error
	err     error                  // why

	reconnects atomic.Uint64 // of the connection, that Run has noticed

	mu       sync.Mutex
	last     followed           // only Run changes it
	unfollow context.CancelFunc // makes follow begin again; nil while it does not run
}

// followed is the last message of the log that was read. What has its sequence when the log is read on must be the same.
type followed struct {
	seq     uint64
	subject string
	at      time.Time
}

// Name returns the name of the ledger's stream.
func (s *Stream) Name() string { return s.name }

// Created reports whether OpenStream made the ledger. Then no file can be of an earlier claim.
func (s *Stream) Created() bool { return s.created }

// Token returns the random part of the ledger's subjects. It tells the ledger from all others, also from one of the same name in
// another JetStream domain, or from one that was removed.
func (s *Stream) Token() string {
	prefix := strings.TrimSuffix(s.subject, ".")
	return prefix[strings.LastIndexByte(prefix, '.')+1:]
}

// MaxEntry returns the size of the largest entry that the server takes.
func (s *Stream) MaxEntry() int { return s.payload }

// Skips returns how many messages were passed over, see Skipped.
func (s *Stream) Skips() uint64 { return s.skipped.Load() }

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

// state returns the bounds of the log. An error that wraps jetstream.ErrStreamNotFound says that it is gone, and one that wraps ErrLost that
// it was made again.
func (s *Stream) state(ctx context.Context) (jetstream.StreamState, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	stream, err := s.js.Stream(ctx, s.name)
	if err != nil {
		return jetstream.StreamState{}, err
	}
	info := stream.CachedInfo()
	if token := info.Config.Metadata[metadataToken]; token != s.Token() {
		return jetstream.StreamState{}, fmt.Errorf("%w: stream %s was removed and made again, with the token %q instead of %q", ErrLost, s.name, token, s.Token())
	}
	return info.State, nil
}

func (s *Stream) decode(subject string, header nats.Header, body []byte) (*Entry, error) {
	if !strings.HasPrefix(subject, s.subject) {
		return nil, fmt.Errorf("%w: subject %.80q", errMalformed, subject)
	}
	return decode(subject[len(s.subject):], header, body)
}

// Ready returns once the Book has what was in the log when it was opened.
func (s *Stream) Ready(ctx context.Context) error {
	return s.Await(ctx, func() bool { return s.book.Applied() >= s.target || s.book.Generation() > 0 })
}

// Sync implements Log. What was read must be what the log has: a log that has lost its end may not be longer than what was read of
// it before, and the Book looks complete then.
func (s *Stream) Sync(ctx context.Context) error {
	generation := s.book.Generation()
	for tries := 0; ; tries++ {
		known := s.reached()
		state, err := s.state(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("read ledger %s: %w", s.name, err)
		case state.LastSeq >= known && s.fits(state):
			s.know(state.LastSeq)
			reconnects := s.js.Conn().Stats().Reconnects // a server that has restarted answers before the Book knows that it has
			return s.Await(ctx, func() bool {
				return s.book.Applied() >= state.LastSeq && s.reconnects.Load() >= reconnects || s.book.Generation() != generation
			})
		case s.book.Generation() != generation:
			return nil
		case tries == syncTries:
			return fmt.Errorf("read ledger %s: its last entry is %d, and is not what it was", s.name, state.LastSeq)
		}
		s.Suspect()
		if !(realClock{}).Sleep(ctx, followPause) {
			return fmt.Errorf("read ledger %s: %w", s.name, ctx.Err())
		}
	}
}

// reached returns the highest sequence that the log is known to have had.
func (s *Stream) reached() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.last.seq, s.known.Load())
}

// fits reports whether a state of the log can be that of the log which was read.
func (s *Stream) fits(state jetstream.StreamState) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return state.LastSeq != s.last.seq || state.LastSeq == 0 || state.LastTime.Equal(s.last.at)
}

// setLast notes the last message that was read.
func (s *Stream) setLast(last followed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = last
}

// Append implements Log. What the server says of where the entry is must fit what was read before: a sequence that was
// given to another entry shows that the log has lost its end.
func (s *Stream) Append(ctx context.Context, e *Entry, after uint64) (uint64, error) {
	msg, err := e.encode()
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnfit, err)
	}
	msg.Subject = s.subject + e.Subject()
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	applied := s.book.Applied()
	generation := s.book.Generation()
	ack, err := s.js.PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(after), jetstream.WithExpectStream(s.name))
	var api *jetstream.APIError
	switch {
	case err == nil:
		if err := s.accept(ack); err != nil {
			return 0, fmt.Errorf("append to ledger %s: %w", s.name, err)
		}
		if ack.Sequence <= applied && s.book.Generation() == generation {
			s.Suspect()
			return 0, fmt.Errorf("append to ledger %s: entry %d was there before: %w", s.name, ack.Sequence, errRewound)
		}
		s.know(ack.Sequence)
		return ack.Sequence, nil
	case errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jsErrWrongLastSequenceConstant):
		return 0, fmt.Errorf("append to ledger %s: %w", s.name, ErrChanged)
	case errors.Is(err, nats.ErrMaxPayload):
		return 0, fmt.Errorf("append to ledger %s: %w: %w", s.name, ErrUnfit, err)
	case errors.As(err, &api) && api.ErrorCode == jsErrExpectedStream: // the ledger may have it too, so its claim is settled by others
		return 0, fmt.Errorf("append to ledger %s: %w: another stream listens on its subjects %s> and answers for it, as a stream that copies everything does: "+
			"remove these subjects from that stream, or make it a mirror of the ledger", s.name, ErrUnfit, s.subject)
	}
	return 0, fmt.Errorf("append to ledger %s: %w", s.name, err)
}

// accept checks that the ledger's own stream has taken an entry.
func (s *Stream) accept(ack *jetstream.PubAck) error {
	if !s.domain.CompareAndSwap(nil, &ack.Domain) && *s.domain.Load() != ack.Domain {
		return fmt.Errorf("%w: JetStream domain %q took the entry instead of %q: do two ledgers share their subjects, as by a mirror?", ErrUnfit, ack.Domain, *s.domain.Load())
	}
	if ack.Stream != s.name {
		return fmt.Errorf("%w: stream %s took the entry: does another stream listen on its subjects?", ErrUnfit, ack.Stream)
	}
	return nil
}

// know takes note that the log has a sequence. If it loses it before it is read nothing else tells.
func (s *Stream) know(seq uint64) {
	for known := s.known.Load(); known < seq && !s.known.CompareAndSwap(known, seq); known = s.known.Load() {
	}
}

// jsErrWrongLastSequenceConstant is what servers since 2.12 may answer for JSErrCodeStreamWrongLastSequence.
const jsErrWrongLastSequenceConstant = 10164

// jsErrExpectedStream is what a stream answers to a message for another one.
const jsErrExpectedStream = 10060

// Await implements Log. It looks for gaps beside, as a server that has just restarted may leave a question without an answer: who
// waits to hear that the log has lost its end must hear it within Options.RewindGrace.
func (s *Stream) Await(ctx context.Context, until func() bool) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	looking := make(chan struct{}, 1) // has room while nobody looks
	lookCtx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		looking <- struct{}{}
	}()
	for {
		changed := s.book.waiter()
		if until() {
			return nil
		}
		select {
		case <-changed:
		case <-look.C: // what is waited for may have been removed by others, before it was read
			select {
			case looking <- struct{}{}:
				go func() {
					s.lookForGaps(lookCtx)
					<-looking
				}()
			default:
			}
		case <-s.lost:
			return s.err
		case <-ctx.Done():
			return fmt.Errorf("read ledger %s: %w", s.name, ctx.Err())
		}
	}
}

// lookForGaps tells the Book that what it has not read was removed, if so. Errors do not matter: it is called again.
func (s *Stream) lookForGaps(ctx context.Context) {
	known, generation, applied := s.reached(), s.book.Generation(), s.book.Applied()
	state, err := s.state(ctx)
	if err != nil {
		return
	}
	switch {
	case state.LastSeq < known:
		s.Suspect()
	case state.FirstSeq > applied+1:
		s.book.inGeneration(generation, func() { s.book.skip(state.FirstSeq) })
	case state.LastSeq > applied:
		ctx, cancel := context.WithTimeout(ctx, opTimeout)
		defer cancel()
		_, err := s.stream.GetMsg(ctx, applied+1, jetstream.WithGetMsgSubject(s.subject+">"))
		if errors.Is(err, jetstream.ErrMsgNotFound) { // somebody removed the last ones, one by one
			if first, err := s.firstBefore(ctx, state.LastSeq+1); err == nil {
				s.book.inGeneration(generation, func() {
					s.book.skip(first)
					s.book.passOver(state.LastSeq)
				})
			}
		}
	}
}

// Fetch implements Log.
func (s *Stream) Fetch(ctx context.Context, seq uint64) (*Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	msg, err := s.stream.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		err = s.missing(ctx, seq)
	}
	if err != nil {
		return nil, fmt.Errorf("read entry %d of ledger %s: %w", seq, s.name, err)
	}
	return s.decode(msg.Subject, msg.Header, msg.Data)
}

// missing says why the log does not have an entry that it had: ErrForgotten, or errRewound if it has lost its end.
func (s *Stream) missing(ctx context.Context, seq uint64) error {
	state, err := s.state(ctx)
	switch {
	case err != nil:
		return err
	case state.LastSeq < seq:
		s.Suspect()
		return fmt.Errorf("%w: its last entry is %d", errRewound, state.LastSeq)
	}
	return ErrForgotten
}

// Forget implements Log. Settings, forks, and the last that captures have said of themselves stay.
func (s *Stream) Forget(ctx context.Context, upTo uint64) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	if err := s.stream.Purge(ctx, jetstream.WithPurgeSequence(upTo+1), jetstream.WithPurgeSubject(s.subject+blockToken+">")); err != nil {
		return err
	}
	settled := s.book.present().settled
	if settled == 0 {
		return nil
	}
	return s.stream.Purge(ctx, jetstream.WithPurgeSequence(settled), jetstream.WithPurgeSubject(s.subject+(&Entry{State: presenceEntry}).Subject()))
}

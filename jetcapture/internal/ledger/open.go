package ledger

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// StreamName is the default name of the ledger for a consumer.
func StreamName(stream, consumer string) string { return "JC_" + stream + "_" + consumer }

// DefaultMaxBytes is what a ledger is made with in an account that requires each stream to have a limit: room for the claims of
// some hundred thousand blocks that are not forgotten yet.
const DefaultMaxBytes = 256 << 20

// DefaultSubject is the start of a ledger's subjects. A random token follows, which tells it from other ledgers.
const DefaultSubject = "JC_LEDGER"

// StreamOptions are the options with which a ledger's stream is created.
type StreamOptions struct {
	Name    string // default StreamName
	Subject string // start of its subjects; default DefaultSubject. An existing ledger keeps its subjects

	// MaxBytes is how much room the server keeps for the ledger. When it is used up, nothing is stored until the ledger has
	// forgotten something, or is given more. Default: no limit, or DefaultMaxBytes in an account that requires one.
	MaxBytes int64
}

// OpenStream opens the ledger of a consumer, which is made on first use: on file storage, with the replicas and placement
// of source, the stream that is captured.
//
// Nothing removes entries but Forget, and nothing may: a ledger must not have limits by which it would drop entries.
func OpenStream(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, source *jetstream.StreamInfo, consumer string, o StreamOptions, book *Book) (*Stream, error) {
	name := cmp.Or(o.Name, StreamName(source.Config.Name, consumer))
	token := strings.ToLower(rand.Text()[:tokenLength])
	config := jetstream.StreamConfig{
		Name:        name,
		Description: "which messages of stream " + source.Config.Name + " its consumer " + consumer + " has archived, by jetcapture: do not change",
		Subjects:    []string{cmp.Or(o.Subject, DefaultSubject) + "." + token + ".>"},
		Storage:     jetstream.FileStorage,
		Replicas:    source.Config.Replicas,
		Placement:   source.Config.Placement,
		MaxBytes:    cmp.Or(o.MaxBytes, -1),
		Discard:     jetstream.DiscardNew, // and no direct gets: a replica that lags would say that an entry is not there
		Metadata: map[string]string{
			metadataToken: token, metadataVersion: strconv.Itoa(Version), metadataStream: source.Config.Name, metadataConsumer: consumer,
		},
	}
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	stream, err := js.Stream(ctx, name)
	created := errors.Is(err, jetstream.ErrStreamNotFound)
	if created {
		stream, err = createStream(ctx, js, config)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another capture was faster
			created = false
			stream, err = js.Stream(ctx, name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open the ledger %s: %w", name, err)
	}
	s, err := newStream(nc, js, stream, book)
	if err != nil {
		return nil, fmt.Errorf("open the ledger %s: %w", name, err)
	}
	s.created = created
	return s, nil
}

// newStream returns the ledger that a stream is, if it can be one.
func newStream(nc *nats.Conn, js jetstream.JetStream, stream jetstream.Stream, book *Book) (*Stream, error) {
	info := stream.CachedInfo()
	subject, err := fit(info)
	if err != nil {
		return nil, err
	}
	s := &Stream{
		js: js, stream: stream, name: info.Config.Name, subject: subject, book: book, payload: int(nc.MaxPayload()), lost: make(chan struct{}),
	}
	s.reconnects.Store(nc.Stats().Reconnects)
	if state := info.State; state.FirstSeq <= state.LastSeq {
		s.target = state.LastSeq
	}
	return s, nil
}

// createStream gives the stream a limit if the account requires one.
func createStream(ctx context.Context, js jetstream.JetStream, config jetstream.StreamConfig) (jetstream.Stream, error) {
	stream, err := js.CreateStream(ctx, config)
	if isAPIError(err, jsErrMaxBytesRequired) {
		config.MaxBytes = DefaultMaxBytes
		stream, err = js.CreateStream(ctx, config)
	}
	if isAPIError(err, jsErrSubjectOverlap) {
		return nil, fmt.Errorf("%w: another stream listens on %s, as one of very wide subjects does: give that stream narrower subjects, or the ledger other ones (Options.LedgerSubject), "+
			"or set Options.Delivery to at-least-once", err, config.Subjects[0])
	}
	if isAPIError(err, jsErrMaxStreams) {
		return nil, fmt.Errorf("%w: allow the account one more for the ledger, or set Options.Delivery to at-least-once", err)
	}
	if isAPIError(err, jsErrAccountExceeded) || isAPIError(err, jsErrStorageExceeded) || isAPIError(err, jsErrMaxBytesTooLarge) {
		return nil, fmt.Errorf("%w: the account has no room for a ledger of %d bytes: allow it more, or set another limit for the ledger", err, config.MaxBytes)
	}
	return stream, err
}

func isAPIError(err error, code jetstream.ErrorCode) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == code
}

// What the server answers to a stream whose limit or subjects the account does not allow.
const (
	jsErrMaxBytesRequired = 10113
	jsErrAccountExceeded  = 10002 // the account has not so much left
	jsErrStorageExceeded  = 10047 // nor has the server
	jsErrMaxBytesTooLarge = 10122 // a stream may not have so much
	jsErrSubjectOverlap   = 10065
	jsErrMaxStreams       = 10027
)

var errForgetful = errors.New("its limits would drop entries: remove them, or set its discard policy to new if they are limits of bytes or messages")

// Unlimit takes from the configuration of a ledger the limits by which it forgets, and reports whether Inspect finds nothing else wrong
// with it. Limits of bytes and messages stay: a ledger that has reached them takes nothing.
func Unlimit(config *jetstream.StreamConfig) bool {
	config.MaxAge, config.MaxMsgsPerSubject, config.Discard = 0, -1, jetstream.DiscardNew
	_, err := fit(&jetstream.StreamInfo{Config: *config})
	return err == nil
}

// fit checks that a stream is the ledger it is taken for, and will not drop entries. It returns what the subjects of entries
// begin with.
func fit(info *jetstream.StreamInfo) (subject string, err error) {
	got := info.Config
	token := got.Metadata[metadataToken]
	if len(got.Subjects) == 1 {
		subject = strings.TrimSuffix(got.Subjects[0], ">")
	}
	switch {
	case token == "" && strings.HasPrefix(subject, DefaultSubject+"."):
		return "", fmt.Errorf("it was made by an earlier version, and cannot be read: let the captures of that version store what they hold and stop them, "+
			"then remove it (nats stream rm %s) and start again: the consumer's acknowledged messages are archived and do not come again", got.Name)
	case token == "" || len(got.Subjects) != 1 || !strings.HasSuffix(got.Subjects[0], "."+token+".>"):
		return "", fmt.Errorf("a stream of that name has the subjects %q and is no ledger: name another", got.Subjects)
	case got.Retention != jetstream.LimitsPolicy, got.MaxAge > 0, got.MaxMsgsPerSubject > 0, got.Discard != jetstream.DiscardNew && (got.MaxMsgs > 0 || got.MaxBytes > 0):
		return "", errForgetful
	case got.DenyPurge, got.Sealed:
		return "", errors.New("it is sealed or denies purging, so it would grow without end: allow it")
	}
	return subject, nil
}

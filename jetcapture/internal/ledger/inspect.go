package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Inspect looks up the stream of a consumer's ledger without making it, and checks that it can be used as one, as
// OpenStream does. It returns nil if it is not there yet. name is that of the stream, "" for StreamName.
func Inspect(ctx context.Context, js jetstream.JetStream, source, consumer, name string) (*jetstream.StreamInfo, error) {
	if name == "" {
		name = StreamName(source, consumer)
	}
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	stream, err := js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up the ledger %s: %w", name, err)
	}
	info := stream.CachedInfo()
	if _, err := fit(info); err != nil {
		return info, fmt.Errorf("%w: %w", ErrMisfit, err)
	}
	return info, nil
}

// ErrMisfit is returned by Inspect for a stream that cannot be the ledger.
var ErrMisfit = errors.New("the stream cannot be a ledger")

// LastFork reads the latest fork that a ledger knows of its stream, and when it was appended, by the server's clock. It
// returns nil if there was none. info is what Inspect has returned. The error wraps ErrNewer if a later version wrote the fork.
func LastFork(ctx context.Context, js jetstream.JetStream, info *jetstream.StreamInfo) (f *Fork, noted time.Time, err error) {
	subject, err := fit(info)
	if err != nil {
		return nil, noted, fmt.Errorf("%w: %w", ErrMisfit, err)
	}
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	stream, err := js.Stream(ctx, info.Config.Name)
	if err != nil {
		return nil, noted, fmt.Errorf("look up the ledger %s: %w", info.Config.Name, err)
	}
	msg, err := stream.GetLastMsgForSubject(ctx, subject+(&Entry{State: lineageEntry}).Subject())
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil, noted, nil
	case err != nil:
		return nil, noted, fmt.Errorf("read the forks in ledger %s: %w", info.Config.Name, err)
	}
	e, err := decode(strings.TrimPrefix(msg.Subject, subject), msg.Header, msg.Data)
	switch {
	case errors.Is(err, ErrNewer):
		return nil, noted, fmt.Errorf("read the forks in ledger %s: %w", info.Config.Name, err)
	case err != nil || e.Fork == nil: // no entry, or one that need not be understood
		return nil, noted, nil
	}
	return e.Fork, msg.Time, nil
}

package ledger

import (
	"context"
	"errors"
	"fmt"

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
	if err := fit(info, jetstream.StreamConfig{Subjects: []string{subjectPrefix + source + "." + consumer + ".*"}}); err != nil {
		return info, fmt.Errorf("%w: %w", ErrMisfit, err)
	}
	return info, nil
}

// ErrMisfit is returned by Inspect for a stream that cannot be the ledger.
var ErrMisfit = errors.New("it cannot be the ledger")

package jsapi

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/permission"
)

// Reset makes a consumer deliver again from a sequence on, from its ack floor if seq is 0.
func Reset(ctx context.Context, js jetstream.JetStream, info *jetstream.ConsumerInfo, seq uint64) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	subject := Prefix(js.Options().Domain) + ".CONSUMER.RESET." + info.Stream + "." + info.Name
	_, err := permission.Ask(ctx, js.Conn(), subject, func(ctx context.Context) (*jetstream.ConsumerResetResponse, error) {
		return js.ResetConsumerToSequence(ctx, info.Stream, info.Name, seq)
	})
	if err == nil {
		return nil
	}
	return fmt.Errorf("reset consumer %q of stream %q: %w", info.Name, info.Stream, whyNoReset(js.Conn(), info, err))
}

// whyNoReset explains an error of a reset. A server that does not know the request does not answer it.
func whyNoReset(nc *nats.Conn, info *jetstream.ConsumerInfo, err error) error {
	version := info.Config.Metadata["_nats.ver"]
	if version == "" {
		version = nc.ConnectedServerVersion()
	}
	if AtLeast(version, 2, 14) {
		return err
	}
	return fmt.Errorf("nats-server %s cannot, 2.14 and later can: %w", version, err)
}

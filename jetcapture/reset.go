package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const resetSubject = ".CONSUMER.RESET."

// resetConsumer lets a consumer deliver again from a sequence on, from its ack floor if that is 0. Its errors say why it could not.
func resetConsumer(ctx context.Context, js jetstream.JetStream, info *jetstream.ConsumerInfo, seq uint64) error {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	var err error
	if seq == 0 {
		_, err = js.ResetConsumer(ctx, info.Stream, info.Name)
	} else {
		_, err = js.ResetConsumerToSequence(ctx, info.Stream, info.Name, seq)
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("reset consumer %q of stream %q: %w", info.Name, info.Stream, whyNoReset(js.Conn(), info, err))
}

// whyNoReset explains an error of a reset. A server that refuses a request for want of a right leaves it without an answer, and so does
// one that does not know it.
func whyNoReset(nc *nats.Conn, info *jetstream.ConsumerInfo, err error) error {
	version := info.Config.Metadata["_nats.ver"]
	if version == "" {
		version = nc.ConnectedServerVersion()
	}
	subject := resetSubject + info.Stream + "." + info.Name
	last := nc.LastError()
	switch {
	case !atLeast(version, 2, 14):
		return fmt.Errorf("nats-server %s cannot, 2.14 and later can: %w", version, err)
	case errors.Is(last, nats.ErrPermissionViolation) && strings.Contains(last.Error(), subject):
		return fmt.Errorf("the connection may not: allow it to publish on $JS.API%s: %w", subject, err)
	default:
		return err
	}
}

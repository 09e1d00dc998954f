package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// neverLast is a sequence that no entry has.
const neverLast = 1 << 62

// TryAppend publishes an entry that the ledger's stream has to refuse, because of the entry that it is to follow. So it adds nothing, and
// shows that the connection may publish entries and that the ledger answers. It does not show that there is room for one. info is
// what Inspect has returned.
func TryAppend(ctx context.Context, js jetstream.JetStream, info *jetstream.StreamInfo) error {
	subject, err := fit(info)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMisfit, err)
	}
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	msg := nats.NewMsg(subject + settingToken + "try")
	_, err = js.PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(neverLast), jetstream.WithExpectStream(info.Config.Name))
	var api *jetstream.APIError
	switch {
	case errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jsErrWrongLastSequenceConstant):
		return nil
	case err == nil:
		return fmt.Errorf("ledger %s takes entries that it should refuse", info.Config.Name)
	}
	return fmt.Errorf("append to ledger %s: %w", info.Config.Name, err)
}

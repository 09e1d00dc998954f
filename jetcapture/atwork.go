package jetcapture

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

const (
	resumeFrom   = 1_000           // messages that nobody acknowledges; less are not worth it
	othersAnswer = 2 * time.Second // in which captures that are there answer
	leaveTimeout = 2 * time.Second
)

// answer tells other captures that this one is at work, if they ask.
func (k *keeper[K]) answer(ctx context.Context) {
	if err := k.once.Answer(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, ledger.ErrLost) { // follow tells
		k.log.Warn("other captures that ask whether this one is at work get no answer", zap.Error(err))
	}
}

// leave says that the consumer is free again.
func (k *keeper[K]) leave(ctx context.Context) {
	if !k.js.Conn().IsConnected() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if err := k.once.Leave(ctx); err != nil {
		k.log.Debug("the ledger was not told that this capture has ended: the next one will wait for its answer", zap.Error(err))
	}
}

// resume lets the consumer deliver at once what a crashed capture held, if nobody else is at work on it. Otherwise these
// messages would come when AckWait is over, and if they are many, slowly: the server's queue for them costs the square of
// their number. What was acknowledged out of order comes again, too: the ledger knows it.
func (k *keeper[K]) resume(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	info, err := k.consumer.Info(ctx)
	if err != nil || info.NumAckPending == 0 || info.NumWaiting > 0 {
		return
	}
	if info.NumAckPending < resumeFrom {
		k.log.Info("messages are un-acknowledged: unless a capture that is at work has them, they are delivered again when AckWait is over",
			zap.Int("messages", info.NumAckPending), zap.Duration("ack_wait", info.Config.AckWait))
		return
	}
	fields := []zap.Field{zap.Int("messages", info.NumAckPending)}
	switch other, err := k.once.Others(ctx, othersAnswer); { // a capture that waits for its store does not pull
	case err != nil:
		k.log.Warn("messages that a capture held before are delivered again only after AckWait: nobody knows whether one is at work", append(fields, zap.Error(err))...)
		return
	case other != "":
		k.log.Info("another capture is at work", zap.String("instance", other))
		return
	}
	if err := resetConsumer(ctx, k.js, info, 0); err != nil {
		k.log.Warn("messages that a capture held before are delivered again only after AckWait", append(fields, zap.Error(err))...)
		return
	}
	k.log.Info("the consumer was reset: what a capture held before is delivered again at once", fields...)
}

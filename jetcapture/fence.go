package jetcapture

import "context"

// A fence finds out, beside the loop, up to which delivery a watermark may acknowledge: all that came while the ledger named this
// capture as the consumer's owner. A capture that takes the consumer tells the ledger first, and then resets the consumer. The numbers
// begin at 1 again, and each of the two captures may get part of the messages.
type fence struct {
	owns    func(context.Context) (bool, error)
	asks    chan fenceAsk
	answers chan fenceAnswer
}

// A fenceAsk asks for what had been received.
type fenceAsk struct {
	received ackRef
	reset    int // how often the consumer had been reset by this capture
}

type fenceAnswer struct {
	fenceAsk
	owned bool
	err   error // another capture has the consumer, or the ledger does not answer
}

func newFence(owns func(context.Context) (bool, error)) *fence {
	return &fence{owns: owns, asks: make(chan fenceAsk, 1), answers: make(chan fenceAnswer, 1)}
}

func (f *fence) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-f.asks:
			a := f.look(ctx, q)
			select {
			case <-ctx.Done():
				return
			case f.answers <- a:
			}
		}
	}
}

// check returns why the consumer is not known to be owned, nil if it is.
func (f *fence) check(ctx context.Context) error {
	owned, err := f.owns(ctx)
	if err == nil && !owned {
		return errNotOwned
	}
	return err
}

func (f *fence) look(ctx context.Context, q fenceAsk) fenceAnswer {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	owned, err := f.owns(ctx)
	return fenceAnswer{q, owned, err}
}

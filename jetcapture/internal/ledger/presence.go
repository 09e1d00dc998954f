package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Presence tells the other captures of the consumer what a capture does. A consumer from which no capture pulls may be in use all the same:
// a capture that waits for its store does not pull.
type Presence struct {
	Does Doing `json:"does"`
}

// A Doing is what a capture does.
type Doing string

// What captures do.
const (
	asks  Doing = "asks"  // it wants to know whether others are at work
	works Doing = "works" // it is at work, and owns the consumer if only one may
	left  Doing = "left"  // it owned the consumer, and has ended
)

// presence is the fold of what captures have said.
type presence struct {
	last     uint64 // entry in the log, 0 without one
	instance string // whose that is
	does     Doing
	owner    string // the instance that was the last to say that it works, "" if it has left
	settled  uint64 // the last entry that is no question

	// When the last entry, and the first question since the last answer, were appended, by the server's clock. A capture that asked may
	// have ended before it could be answered, any number of times.
	at, asked time.Time
}

func (p *presence) apply(seq uint64, at time.Time, e *Entry) {
	if p.does != asks || e.Presence.Does != asks {
		p.asked = at
	}
	p.last, p.at, p.instance, p.does = seq, at, e.Instance, e.Presence.Does
	if p.does != asks {
		p.settled = seq
	}
	switch {
	case p.does == works:
		p.owner = e.Instance
	case p.does == left && p.owner == e.Instance:
		p.owner = ""
	}
}

func (b *Book) present() presence {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.presence
}

// ErrTaken is returned if a consumer that only one capture may use is another's.
var ErrTaken = errors.New("another capture is at work on the consumer")

// ownership is whether this capture has taken the consumer. Take sets it, before anything else of this capture looks at it.
type ownership struct {
	taken  bool
	before string // the owner before, which was gone
}

// present reads the log to its end, and returns what captures have said, in a generation of the Book.
func (l *Ledger) present(ctx context.Context) (presence, uint64, error) {
	for {
		generation := l.book.Generation()
		if err := l.log.Sync(ctx); err != nil {
			return presence{}, 0, err
		}
		if p := l.book.present(); l.book.Generation() == generation {
			return p, generation, nil
		}
	}
}

// Others asks whether other captures are at work on the consumer, and returns the name of one that has answered in time, "" if none has.
// They answer if they call Answer. Afterwards this one counts as at work.
func (l *Ledger) Others(ctx context.Context, inTime time.Duration) (string, error) {
	answered := func(p presence) bool { return p.does == works }
	p, err := l.ask(ctx, inTime, answered)
	for err == nil && !answered(p) {
		_, err = l.say(ctx, works, p.last, l.book.Generation())
		if !isOutdated(err) {
			break
		}
		p, _, err = l.present(ctx)
	}
	if err != nil || p.does != works {
		return "", err
	}
	return p.instance, nil
}

// isOutdated reports whether something was not said because the log has changed.
func isOutdated(err error) bool { return errors.Is(err, ErrChanged) || errors.Is(err, errRewound) }

// ask asks whether others are at work, and returns what captures have said when that is an answer, or when there was none in time.
func (l *Ledger) ask(ctx context.Context, inTime time.Duration, isAnswer func(presence) bool) (presence, error) {
	for {
		before, generation, err := l.present(ctx)
		if err != nil {
			return presence{}, err
		}
		asked, err := l.say(ctx, asks, before.last, generation)
		if err == nil {
			p := l.book.present()
			waiting, cancel := context.WithTimeout(ctx, inTime-min(max(0, p.at.Sub(p.asked)), inTime))
			err = l.await(waiting, generation, func() bool {
				p = l.book.present()
				return p.last > asked && isAnswer(p)
			})
			cancel()
			if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
				err = nil
			}
			if err == nil {
				return p, nil
			}
		}
		if !isOutdated(err) {
			return presence{}, fmt.Errorf("ask whether other captures are at work: %w", err)
		}
	}
}

// Take makes this capture the owner of the consumer. If there was another that has not left, it is asked whether it is at work, and
// gone if it does not answer in time. The error wraps ErrTaken if it does, or if a third one wants the consumer too.
func (l *Ledger) Take(ctx context.Context, inTime time.Duration) error {
	for {
		p, generation, err := l.present(ctx)
		if err != nil {
			return err
		}
		owner := p.owner
		if owner != "" {
			if p, err = l.ask(ctx, inTime, func(presence) bool { return true }); err != nil {
				return err
			}
			if p.does != left && p.instance != l.o.Instance {
				return fmt.Errorf("%w: %s", ErrTaken, p.instance)
			}
		}
		_, err = l.say(ctx, works, p.last, generation)
		switch {
		case err == nil:
			l.ownership = ownership{taken: true, before: owner}
			return nil
		case !isOutdated(err):
			return fmt.Errorf("take the consumer: %w", err)
		}
	}
}

// Owns reads the log to its end, and reports whether this capture owned the consumer when it was called. If it has not lost it for good
// but the log has lost that it did, it does not. The error wraps ErrTaken if another capture has taken the consumer.
func (l *Ledger) Owns(ctx context.Context) (bool, error) {
	p, _, err := l.present(ctx)
	switch {
	case err != nil:
		return false, err
	case l.isAnothers(p):
		return false, fmt.Errorf("%w: %s", ErrTaken, p.owner)
	}
	return p.owner == l.o.Instance, nil
}

// isAnothers reports whether another capture has taken the consumer from this one.
func (l *Ledger) isAnothers(p presence) bool {
	return l.ownership.taken && p.owner != "" && p.owner != l.o.Instance && p.owner != l.ownership.before
}

// Leave says that this capture, which owned the consumer, has ended. Answer must have ended before.
func (l *Ledger) Leave(ctx context.Context) error {
	for {
		p := l.book.present()
		if p.owner != l.o.Instance {
			return nil
		}
		_, err := l.log.Append(ctx, &Entry{State: presenceEntry, Instance: l.o.Instance, Presence: &Presence{Does: left}}, p.last)
		if !errors.Is(err, ErrChanged) {
			return err
		}
		if err := l.log.Sync(ctx); err != nil { // another has asked
			return err
		}
	}
}

// retake says again that this capture owns the consumer, after the log has lost its end, unless another has taken it.
func (l *Ledger) retake(ctx context.Context) error {
	for l.ownership.taken {
		p, generation, err := l.present(ctx)
		if err != nil || p.owner == l.o.Instance || l.isAnothers(p) {
			return err
		}
		if _, err = l.say(ctx, works, p.last, generation); !errors.Is(err, ErrChanged) {
			return err
		}
	}
	return nil
}

// Answer says that this capture is at work whenever another asks, until ctx ends or the consumer is another's. One answer does for all.
func (l *Ledger) Answer(ctx context.Context) error {
	isQuestion := func(p presence) bool { return p.does == asks && p.instance != l.o.Instance }
	for {
		if err := l.log.Await(ctx, func() bool { return isQuestion(l.book.present()) }); err != nil {
			return err
		}
		p, generation, err := l.present(ctx)
		switch {
		case err != nil:
			return err
		case !isQuestion(p):
			continue
		case l.isAnothers(p):
			return nil
		}
		if _, err := l.say(ctx, works, p.last, generation); err != nil && !isOutdated(err) {
			return err
		}
	}
}

// say appends what this capture does, if the last entry of that kind is after, and waits until the Book has it. The error wraps
// ErrChanged if somebody else has said something since.
func (l *Ledger) say(ctx context.Context, does Doing, after, generation uint64) (uint64, error) {
	e := &Entry{State: presenceEntry, Instance: l.o.Instance, Presence: &Presence{Does: does}}
	seq, err := l.append(ctx, e, after, generation,
		func() bool { return l.book.present().last > after },
		func() (uint64, bool) {
			p := l.book.present()
			return p.last, p.instance == l.o.Instance && p.does == does
		})
	if err != nil {
		return 0, err
	}
	err = l.awaitEntry(ctx, generation, seq, func() bool { return l.book.present().last >= seq })
	if err == nil && l.book.present().last < seq {
		err = errRewound
	}
	return seq, err
}

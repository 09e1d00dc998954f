package jetcapture

import (
	"context"
	"errors"
	"math"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

// evidence says which of the messages that came in earlier epochs may be acknowledged.
//
// The server matches an ack by its stream sequence alone. So if the stream has lost its end and used the sequences again, the
// ack of a message that was lost would stand for a new one, which nobody has stored. Messages of the present epoch came over
// the present connection. Those of earlier ones are compared with what the stream has now: a stream only ever loses its end, so
// if the highest of an epoch is still there, with its time, all others of that epoch are.
//
// If the stream cannot be read, for want of a right or of an answer, that is no evidence of a loss, and messages are acknowledged
// unless a loss is known already.
//
// What remains: a stream that loses its end between the look and the ack, or without the connection being lost and before the
// capture notices that its requests are void. Then an ack may stand for a new message, and on a work queue delete it. To rule
// that out, let the stream be written to disk before it is acknowledged (sync_interval: always), or have three replicas of it.
//
// It is safe for concurrent use.
type evidence struct {
	look       streamLook
	connection func() uint64 // the number of reconnects
	now        func() time.Time

	looking sync.Mutex // held by whoever looks, so that others use what it finds

	mu       sync.Mutex
	epoch    uint64 // the present one
	since    uint64 // the connection when it began
	looked   uint64 // the connection for which verdicts count
	verdicts map[uint64]*verdict
	losses   []loss
	blind    time.Time // no look before, as the last one failed
	denied   bool      // because it was not allowed
	found    []loss    // that the loop does not know yet

	lost atomic.Uint64 // messages that were stored and not acknowledged
}

// A verdict is what is known of the messages of one epoch.
type verdict struct {
	top       ledger.Message // the highest that was delivered in it
	tried     bool           // top was compared, in the present epoch
	confirmed uint64         // messages up to that sequence are still there
}

// A loss is that the stream has lost all messages of an epoch and those before it from a sequence on.
type loss struct {
	epoch uint64
	Fork
	to uint64 // the highest that is known to be lost
}

const (
	blindFor    = 10 * time.Second // after the stream did not answer
	deniedFor   = 10 * time.Minute // after it was not allowed to be read
	lookMost    = 3                // attempts to read it
	epochsKnown = 64
	deletedMost = 16 // deleted messages in a row to look below for one that is there
	leaderLag   = 500 * time.Millisecond
)

func newEvidence(look streamLook, connection func() uint64) *evidence {
	return &evidence{look: look, connection: connection, now: time.Now, verdicts: make(map[uint64]*verdict)}
}

// begin starts an epoch, on a connection. top is the highest message of the one before.
func (e *evidence) begin(epoch, connection uint64, top ledger.Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.verdicts) >= epochsKnown {
		least := uint64(math.MaxUint64)
		for known := range e.verdicts {
			least = min(least, known)
		}
		delete(e.verdicts, least)
	}
	e.verdicts[e.epoch] = &verdict{top: top}
	e.epoch, e.since = epoch, connection
	e.forget(connection)
}

// forget makes that what earlier epochs have is looked up again. e.mu is held.
func (e *evidence) forget(connection uint64) {
	for _, v := range e.verdicts {
		v.tried, v.confirmed = false, 0
	}
	e.looked, e.blind = connection, time.Time{}
}

// lose takes note that messages are lost.
func (e *evidence) lose(l loss) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.losses = append(e.losses, l)
}

// lostFrom returns the sequence from which on the messages of an epoch are known to be lost.
func (e *evidence) lostFrom(epoch uint64) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	from := uint64(math.MaxUint64)
	for _, l := range e.losses {
		if epoch <= l.epoch {
			from = min(from, l.Seq)
		}
	}
	return from
}

// takeFound returns losses that were found here, each once.
func (e *evidence) takeFound() []loss {
	e.mu.Lock()
	defer e.mu.Unlock()
	found := e.found
	e.found = nil
	return found
}

// known returns the messages without those that are known to be lost.
func (e *evidence) known(m messageRefs) messageRefs {
	e.mu.Lock()
	none := len(e.losses) == 0
	e.mu.Unlock()
	if none {
		return m
	}
	in, _ := m.part(func(epoch uint64, ref ackRef) bool { return ref.streamSeq < e.lostFrom(epoch) })
	return in
}

// allowed returns the messages that may be acknowledged on the present connection, and how many others there are. unsure
// makes it look for those of the present epoch too.
func (e *evidence) allowed(ctx context.Context, m messageRefs, unsure bool) (messageRefs, int) {
	connection := e.connection()
	e.mu.Lock()
	present, current := e.epoch, e.since == connection && !unsure
	if e.looked != connection || unsure {
		e.forget(connection)
	}
	e.mu.Unlock()
	if current && len(m.runs) > 0 && m.firstEpoch() == present {
		return m, 0 // epochs rise
	}
	groups := make(map[uint64][]ledger.Message)
	for reader := m.reader(); reader.next(); {
		if epoch := reader.run.epoch; !current || epoch != present {
			groups[epoch] = append(groups[epoch], reader.ref.message())
		}
	}
	bounds := make(map[uint64]uint64, len(groups))
	for epoch, messages := range groups {
		slices.SortFunc(messages, func(a, b ledger.Message) int { return compareSeqs(a, b) })
		bounds[epoch] = e.bound(ctx, epoch, messages)
	}
	in, out := m.part(func(epoch uint64, ref ackRef) bool {
		bound, old := bounds[epoch]
		return !old || ref.streamSeq < bound
	})
	return in, out.count()
}

func compareSeqs(a, b ledger.Message) int {
	switch {
	case a.Seq < b.Seq:
		return -1
	case a.Seq > b.Seq:
		return 1
	default:
		return 0
	}
}

// bound returns the sequence from which on messages of an epoch must not be acknowledged. The messages are in the order of their
// sequences.
func (e *evidence) bound(ctx context.Context, epoch uint64, messages []ledger.Message) uint64 {
	e.looking.Lock()
	defer e.looking.Unlock()
	from := e.lostFrom(epoch)
	e.mu.Lock()
	v := e.verdicts[epoch]
	if v == nil {
		v = new(verdict)
		e.verdicts[epoch] = v
	}
	now := *v
	e.mu.Unlock()

	messages = messages[:firstFrom(messages, from)]
	if len(messages) == 0 || messages[len(messages)-1].Seq <= now.confirmed {
		return from
	}
	if last := messages[len(messages)-1]; !now.tried && now.top.Seq > last.Seq && now.top.Seq < from {
		found := e.compare(ctx, now.top)
		e.note(func() {
			v.tried = true
			if found.state == stillThere {
				v.confirmed = now.top.Seq
			}
		})
		switch found.state {
		case stillThere, cannotLook:
			return from
		}
	}
	high, lost := e.search(ctx, messages, firstFrom(messages, now.confirmed+1), func(confirmed ledger.Message) {
		v.confirmed = max(v.confirmed, confirmed.Seq)
	})
	if high == len(messages) {
		return from
	}
	l := lossOf(epoch, messages[high], lost.is, max(now.top.Seq, messages[len(messages)-1].Seq))
	e.note(func() {
		e.losses = append(e.losses, l)
		e.found = append(e.found, l)
	})
	return l.Seq
}

func lossOf(epoch uint64, old ledger.Message, is time.Time, to uint64) loss {
	return loss{epoch: epoch, Fork: Fork{Seq: old.Seq, Old: time.Unix(0, old.Time).UTC(), New: is}, to: to}
}

// search returns the place of the first message that is known to be lost, len(messages) if there is none, and what is there now.
// Those below low are known to be there. The messages are of one history of the stream, in the order of their sequences, so
// that none above a lost one is there.
func (e *evidence) search(ctx context.Context, messages []ledger.Message, low int, confirm func(ledger.Message)) (high int, lost comparison) {
	high = len(messages)
	for middle := high - 1; low < high; middle = (low + high) / 2 {
		c, at := e.compareOrBelow(ctx, messages[low:middle+1])
		switch c.state {
		case stillThere, wasDeleted:
			low = middle + 1
			e.note(func() { confirm(messages[middle]) })
		case wasLost:
			high, lost = low+at, c
		case cannotLook:
			return high, lost // no evidence below
		}
	}
	return high, lost
}

// firstFrom returns the place of the first message that has a sequence or a higher one.
func firstFrom(messages []ledger.Message, seq uint64) int {
	return sort.Search(len(messages), func(i int) bool { return messages[i].Seq >= seq })
}

func (e *evidence) note(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

// A comparison is what became of a message.
type comparison struct {
	state messageState
	is    time.Time // of the one that has its sequence now, if that is another
}

type messageState int

const (
	cannotLook messageState = iota
	stillThere
	wasDeleted // an ack does neither good nor harm
	wasLost    // from the end of the stream
)

// compareOrBelow compares the last of some messages, or if that was deleted the next that was not. It returns which it was.
func (e *evidence) compareOrBelow(ctx context.Context, messages []ledger.Message) (c comparison, at int) {
	at = len(messages) - 1
	for tried := 0; at >= 0 && tried < deletedMost; tried++ {
		if c = e.compare(ctx, messages[at]); c.state != wasDeleted {
			return c, at
		}
		at--
	}
	return comparison{state: wasDeleted}, 0
}

// compare looks what the stream has with the sequence of a message.
func (e *evidence) compare(ctx context.Context, m ledger.Message) comparison {
	if e.isBlind() {
		return comparison{state: cannotLook}
	}
	for attempt := 1; ; attempt++ {
		is, err := e.look.timeOf(ctx, m.Seq)
		switch {
		case err == nil:
			return compareTimes(m, is)
		case errors.Is(err, errNoMessage):
			return e.compareWithEnd(ctx, m)
		}
		// A server that has just restarted may need a moment, and that is when a stream has lost its end.
		if errors.Is(err, errMayNotLook) || attempt == lookMost || !sleep(ctx, leaderLag) {
			return e.cannotLook(err)
		}
	}
}

// compareTimes compares a message with the time of the one that has its sequence now.
func compareTimes(m ledger.Message, is int64) comparison {
	if is == m.Time {
		return comparison{state: stillThere}
	}
	return comparison{state: wasLost, is: time.Unix(0, is).UTC()}
}

func (e *evidence) isBlind() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now().Before(e.blind)
}

// mayLook reports whether the stream may be read, as far as is known, though it may not have answered.
func (e *evidence) mayLook() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.denied
}

// compareWithEnd tells a message that was deleted from one that is above the stream's end. A leader that was elected just now may
// not have all that others have, so it is asked twice. If the stream ends at or behind the message, it is looked for once more: it may
// have been above the end before.
func (e *evidence) compareWithEnd(ctx context.Context, m ledger.Message) comparison {
	for attempt := 0; ; attempt++ {
		state, err := e.look.state(ctx)
		switch {
		case err != nil:
			return e.cannotLook(err)
		case state.LastSeq >= m.Seq:
			is, err := e.look.timeOf(ctx, m.Seq)
			switch {
			case errors.Is(err, errNoMessage):
				return comparison{state: wasDeleted}
			case err != nil:
				return e.cannotLook(err)
			}
			return compareTimes(m, is)
		case attempt > 0:
			return comparison{state: wasLost}
		}
		if !sleep(ctx, leaderLag) {
			return e.cannotLook(ctx.Err())
		}
	}
}

func (e *evidence) cannotLook(err error) comparison {
	wait, denied := blindFor, errors.Is(err, errMayNotLook)
	if denied {
		wait = deniedFor
	}
	e.note(func() { e.blind, e.denied = e.now().Add(wait), denied })
	return comparison{state: cannotLook}
}

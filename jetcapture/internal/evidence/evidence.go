// Package evidence finds out which of the delivered messages a stream still has. A stream that has lost its end gives the same sequences
// to new messages.
package evidence

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/retry"
)

// Evidence says which messages of earlier epochs may be acknowledged. It is safe for concurrent use.
//
// The server matches an ack by its stream sequence alone. If the stream has lost its end and used the sequences again, the ack of a
// lost message counts for a new one, which is not stored. Messages of the present epoch came over the present connection. Messages of
// earlier epochs are compared with the stream: a stream loses messages only from its end, so if it still has the highest message of an
// epoch, with its time, it has all others of that epoch.
//
// If the stream cannot be read, because a permission or the answer is missing, that is no evidence of a loss: messages are acknowledged
// unless a loss is known already.
//
// A stream may lose its end between the look and the ack, or while the connection stays up and before the capture notices that its
// requests are void. Then an ack may count for a new message, and delete it from a work queue. To prevent that, let the server write the
// stream to disk before it confirms messages (sync_interval: always), or give the stream three replicas.
type Evidence struct {
	look       Stream
	connection func() uint64 // number of reconnects

	looking sync.Mutex // held while the stream is read, so that other goroutines use the result

	mu       sync.Mutex
	epoch    uint64              // the present one
	since    uint64              // the connection when it began
	looked   uint64              // the connection for which the verdicts count
	verdicts map[uint64]*verdict // by epoch
	losses   []Loss
	blind    time.Time // the stream is not read before, because it did not answer
	denied   bool      // the last answer was that it may not be read
	found    []Loss    // losses that TakeFound has not returned
}

// A verdict is what is known of the messages of one epoch.
type verdict struct {
	top       ledger.Message // the highest that was delivered
	tried     bool           // top was compared, in the present epoch
	confirmed uint64         // the stream has all messages up to this sequence
}

// A Fork says that a stream has lost messages from its end, and gives their sequences to new messages.
type Fork struct {
	Seq uint64    // the first sequence known to be of another message; those before it may be too
	Old time.Time // of the message that had this sequence; zero if it is not known
	New time.Time // of the message that has it now; zero if there is none yet, or it is not known
}

// A Loss says that the stream has lost all messages of an epoch, and of epochs before it, from a sequence on.
type Loss struct {
	Epoch uint64
	Fork
	To uint64 // the highest sequence that is known to be lost
}

const (
	blindFor    = 10 * time.Second // without reading the stream, after it did not answer
	deniedFor   = 10 * time.Minute // the same, after the permission was missing
	lookMost    = 3                // attempts to read a message
	epochsKnown = 64
	deletedMost = 16 // deleted messages in a row below which an existing one is looked for
)

// LeaderLag is how long a leader that was just elected may lack entries that other servers have.
const LeaderLag = 500 * time.Millisecond

// New returns the Evidence of a stream. connection returns the number of reconnects.
func New(look Stream, connection func() uint64) *Evidence {
	return &Evidence{look: look, connection: connection, verdicts: make(map[uint64]*verdict)}
}

// Start begins the first epoch, on the present connection.
func (e *Evidence) Start(epoch uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.epoch, e.since = epoch, e.connection()
	e.looked = e.since
}

// Since returns the connection on which the present epoch began.
func (e *Evidence) Since() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.since
}

// Begin begins an epoch, on a connection. top is the highest message of the epoch before.
func (e *Evidence) Begin(epoch, connection uint64, top ledger.Message) {
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

// forget makes the messages of earlier epochs be looked up again. e.mu is held.
func (e *Evidence) forget(connection uint64) {
	for _, v := range e.verdicts {
		v.tried, v.confirmed = false, 0
	}
	e.looked, e.blind = connection, time.Time{}
}

// Lose notes a loss.
func (e *Evidence) Lose(l Loss) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.losses = append(e.losses, l)
}

// LostFrom returns the sequence from which on the messages of an epoch are known to be lost.
func (e *Evidence) LostFrom(epoch uint64) uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	from := uint64(math.MaxUint64)
	for _, l := range e.losses {
		if epoch <= l.Epoch {
			from = min(from, l.Seq)
		}
	}
	return from
}

// TakeFound returns the losses that Allowed has found, each of them once.
func (e *Evidence) TakeFound() []Loss {
	e.mu.Lock()
	defer e.mu.Unlock()
	found := e.found
	e.found = nil
	return found
}

// Known returns the messages without those that are known to be lost.
func (e *Evidence) Known(m acks.Refs) acks.Refs {
	e.mu.Lock()
	none := len(e.losses) == 0
	e.mu.Unlock()
	if none {
		return m
	}
	in, _ := m.Part(func(epoch uint64, ref acks.Ref) bool { return ref.StreamSeq < e.LostFrom(epoch) })
	return in
}

// Allowed returns the messages that may be acknowledged on the present connection, and how many others there are. If unsure is set, it
// compares messages of the present epoch too.
func (e *Evidence) Allowed(ctx context.Context, m acks.Refs, unsure bool) (acks.Refs, int) {
	connection := e.connection()
	e.mu.Lock()
	present, current := e.epoch, e.since == connection && !unsure
	if e.looked != connection || unsure {
		e.forget(connection)
	}
	e.mu.Unlock()
	if current && m.Count() > 0 && m.FirstEpoch() == present {
		return m, 0 // epochs rise
	}
	groups := make(map[uint64][]ledger.Message)
	for reader := m.Reader(); reader.Next(); {
		if epoch := reader.Epoch(); !current || epoch != present {
			groups[epoch] = append(groups[epoch], reader.Ref.Message())
		}
	}
	bounds := make(map[uint64]uint64, len(groups))
	for epoch, messages := range groups {
		slices.SortFunc(messages, compareSeqs)
		bounds[epoch] = e.bound(ctx, epoch, messages)
	}
	in, out := m.Part(func(epoch uint64, ref acks.Ref) bool {
		bound, old := bounds[epoch]
		return !old || ref.StreamSeq < bound
	})
	return in, out.Count()
}

func compareSeqs(a, b ledger.Message) int { return cmp.Compare(a.Seq, b.Seq) }

// bound returns the sequence from which on messages of an epoch must not be acknowledged. The messages are sorted by sequence.
func (e *Evidence) bound(ctx context.Context, epoch uint64, messages []ledger.Message) uint64 {
	e.looking.Lock()
	defer e.looking.Unlock()
	from := e.LostFrom(epoch)
	e.mu.Lock()
	v := e.verdicts[epoch]
	if v == nil {
		v = new(verdict)
		e.verdicts[epoch] = v
	}
	now := *v
	e.mu.Unlock()

	messages = messages[:FirstFrom(messages, from)]
	if len(messages) == 0 || messages[len(messages)-1].Seq <= now.confirmed {
		return from
	}
	if last := messages[len(messages)-1]; !now.tried && now.top.Seq > last.Seq && now.top.Seq < from {
		found := e.Compare(ctx, now.top)
		e.note(func() {
			v.tried = true
			if found.State == StillThere {
				v.confirmed = now.top.Seq
			}
		})
		switch found.State {
		case StillThere, CannotLook:
			return from
		}
	}
	high, lost := e.Search(ctx, messages, FirstFrom(messages, now.confirmed+1), func(confirmed ledger.Message) {
		v.confirmed = max(v.confirmed, confirmed.Seq)
	})
	if high == len(messages) {
		return from
	}
	l := LossOf(epoch, messages[high], lost.Is, max(now.top.Seq, messages[len(messages)-1].Seq))
	e.note(func() {
		e.losses = append(e.losses, l)
		e.found = append(e.found, l)
	})
	return l.Seq
}

// LossOf returns the loss of a message and those after it, up to the sequence to. is is the time of the message that has its sequence
// now.
func LossOf(epoch uint64, old ledger.Message, is time.Time, to uint64) Loss {
	return Loss{Epoch: epoch, Fork: Fork{Seq: old.Seq, Old: time.Unix(0, old.Time).UTC(), New: is}, To: to}
}

// Search returns the index of the first message that is known to be lost, len(messages) if there is none, and what the stream has in its
// place. Those below low are known to exist. The messages are of one history of the stream and sorted by sequence, so none above a lost
// one exists. It calls confirm with messages that exist.
func (e *Evidence) Search(ctx context.Context, messages []ledger.Message, low int, confirm func(ledger.Message)) (high int, lost Comparison) {
	high = len(messages)
	for middle := high - 1; low < high; middle = (low + high) / 2 {
		c, at := e.compareOrBelow(ctx, messages[low:middle+1])
		switch c.State {
		case StillThere, WasDeleted:
			low = middle + 1
			e.note(func() { confirm(messages[middle]) })
		case WasLost:
			high, lost = low+at, c
		case CannotLook:
			return high, lost // nothing is known below
		}
	}
	return high, lost
}

// FirstFrom returns the index of the first message with this sequence or a higher one.
func FirstFrom(messages []ledger.Message, seq uint64) int {
	return sort.Search(len(messages), func(i int) bool { return messages[i].Seq >= seq })
}

func (e *Evidence) note(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

// A Comparison says whether the stream still has a message.
type Comparison struct {
	State State
	Is    time.Time // of the message that has its sequence now, if that is another one
}

// A State is the result of a Comparison.
type State int

// The states of a message.
const (
	CannotLook State = iota
	StillThere
	WasDeleted // an ack of it changes nothing
	WasLost    // from the end of the stream
)

// compareOrBelow compares the last of some messages, or if that was deleted the next one below that was not. It returns the index of the
// message that was compared.
func (e *Evidence) compareOrBelow(ctx context.Context, messages []ledger.Message) (c Comparison, at int) {
	at = len(messages) - 1
	for tried := 0; at >= 0 && tried < deletedMost; tried++ {
		if c = e.Compare(ctx, messages[at]); c.State != WasDeleted {
			return c, at
		}
		at--
	}
	return Comparison{State: WasDeleted}, 0
}

// Compare compares a message with the one that the stream has with its sequence.
func (e *Evidence) Compare(ctx context.Context, m ledger.Message) Comparison {
	if e.isBlind() {
		return Comparison{State: CannotLook}
	}
	for attempt := 1; ; attempt++ {
		is, err := e.look.TimeOf(ctx, m.Seq)
		switch {
		case err == nil:
			return compareTimes(m, is)
		case errors.Is(err, ErrNoMessage):
			return e.compareWithEnd(ctx, m)
		}
		// A server that has just restarted may not answer yet, and may have lost the end of the stream.
		if errors.Is(err, ErrMayNotLook) || attempt == lookMost || !retry.Sleep(ctx, LeaderLag) {
			return e.cannotLook(err)
		}
	}
}

// compareTimes compares a message with the time of the one that has its sequence now.
func compareTimes(m ledger.Message, is int64) Comparison {
	if is == m.Time {
		return Comparison{State: StillThere}
	}
	return Comparison{State: WasLost, Is: time.Unix(0, is).UTC()}
}

func (e *Evidence) isBlind() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Now().Before(e.blind)
}

// State returns the state of the stream.
func (e *Evidence) State(ctx context.Context) (*jetstream.StreamState, error) {
	return e.look.State(ctx)
}

// MayLook reports whether the stream may be read, as far as is known. It may not answer all the same.
func (e *Evidence) MayLook() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.denied
}

// compareWithEnd tells a message that was deleted from one that is above the end of the stream. It asks twice, because a leader that was
// just elected may lack the latest messages. If the stream ends at or after the message, it reads the message once more: it may have been
// above the end at the first time.
func (e *Evidence) compareWithEnd(ctx context.Context, m ledger.Message) Comparison {
	for attempt := 0; ; attempt++ {
		state, err := e.look.State(ctx)
		switch {
		case err != nil:
			return e.cannotLook(err)
		case state.LastSeq >= m.Seq:
			is, err := e.look.TimeOf(ctx, m.Seq)
			switch {
			case errors.Is(err, ErrNoMessage):
				return Comparison{State: WasDeleted}
			case err != nil:
				return e.cannotLook(err)
			}
			return compareTimes(m, is)
		case attempt > 0:
			return Comparison{State: WasLost}
		}
		if !retry.Sleep(ctx, LeaderLag) {
			return e.cannotLook(ctx.Err())
		}
	}
}

func (e *Evidence) cannotLook(err error) Comparison {
	wait, denied := blindFor, errors.Is(err, ErrMayNotLook)
	if denied {
		wait = deniedFor
	}
	e.note(func() { e.blind, e.denied = time.Now().Add(wait), denied })
	return Comparison{State: CannotLook}
}

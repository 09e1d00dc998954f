package jetcapture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

// The simulation drives the real committer and the real ledger, each capture with a Book of its own, against a world of
// one log, one store and one consumer that do everything that real ones may do: answers get lost, writes arrive late, any
// message that is not acknowledged is delivered again to anybody, captures crash at any step and come back, clocks run
// on. All of it is decided by one seed, so a schedule that fails can be run again.
//
// Every call out of a capture is a step: the code that makes it stands still until the world picks it.

// A sabotage breaks one ingredient of the protocol, to see that the simulation notices.
type sabotage string

const (
	overwrites      sabotage = "the store overwrites"
	headForCreate   sabotage = "claims are settled by a look instead of a tombstone"
	unordered       sabotage = "a claim is checked without reading the log up to it"
	ackBeforeStored sabotage = "messages are acknowledged before they are stored"
	forgetful       sabotage = "claims are forgotten though their messages are not acknowledged"
	ageless         sabotage = "blocks are claimed however old they are"
)

const (
	simRetention = time.Hour
	simSettle    = 30 * time.Second
)

// A world is what the captures of one schedule share.
type world struct {
	rng      *rand.Rand
	sabotage sabotage
	fair     bool // no more faults
	now      time.Time
	violated error

	messages  int
	acked     []bool
	delivered []int

	log      []logged
	lastSeq  map[string]uint64 // of a block
	purged   uint64
	files    map[string][]byte
	wire     []put // on their way to the store though nobody waits any more
	captures []*simCapture
	blocks   int
	tracing  bool
	trace    []string
}

type logged struct {
	at    time.Time
	entry *ledger.Entry
}

type put struct {
	name    string
	content []byte
}

func newWorld(seed uint64, s sabotage) *world {
	w := &world{
		rng: rand.New(rand.NewPCG(seed, 1)), sabotage: s, now: time.Unix(1_700_000_000, 0),
		lastSeq: map[string]uint64{}, files: map[string][]byte{},
	}
	w.messages = 2 + w.rng.IntN(5)
	w.acked, w.delivered = make([]bool, w.messages+1), make([]int, w.messages+1)
	for range 2 + w.rng.IntN(3) {
		w.captures = append(w.captures, newSimCapture(w))
	}
	return w
}

func (w *world) note(format string, args ...any) {
	if w.tracing {
		w.trace = append(w.trace, fmt.Sprintf(format, args...))
	}
}

func (w *world) violate(format string, args ...any) {
	if w.violated == nil {
		w.violated = fmt.Errorf(format, args...)
		w.note("VIOLATION: %v", w.violated)
	}
}

// chance is true once in n times, and never in a fair world.
func (w *world) chance(n int) bool { return !w.fair && w.rng.IntN(n) == 0 }

// create is the store: it never overwrites, unless it is sabotaged.
func (w *world) create(name string, content []byte) error {
	there, taken := w.files[name]
	if taken && w.sabotage != overwrites {
		if bytes.Equal(there, content) {
			return nil
		}
		return fmt.Errorf("other content is there: %w", fs.ErrExist)
	}
	w.files[name] = content
	w.note("file %s is %q", name, content)
	for seq := range w.messages {
		if n := w.holding(seq + 1); n > 1 {
			w.violate("message %d is in %d files", seq+1, n)
		}
	}
	return nil
}

// holding counts the files that have a message.
func (w *world) holding(seq int) (n int) {
	line := []byte(strconv.Itoa(seq) + "\n")
	for _, content := range w.files {
		if bytes.HasPrefix(content, line) || bytes.Contains(content, append([]byte("\n"), line...)) {
			n++
		}
	}
	return n
}

func (w *world) ack(seq int) {
	w.note("ack %d", seq)
	w.acked[seq] = true
	if n := w.holding(seq); n != 1 {
		w.violate("message %d is acknowledged and in %d files", seq, n)
	}
}

// floor is the sequence up to which all messages are acknowledged.
func (w *world) floor() (floor uint64) {
	for seq := 1; seq <= w.messages && w.acked[seq]; seq++ {
		floor = uint64(seq)
	}
	return floor
}

var errSim = errors.New("no answer")

// append is the log.
func (w *world) append(e *ledger.Entry, after uint64) (uint64, error) {
	if w.lastSeq[e.Block] != after {
		return 0, ledger.ErrChanged
	}
	w.log = append(w.log, logged{w.now, e})
	seq := uint64(len(w.log))
	w.lastSeq[e.Block] = seq
	w.note("log %d: %s %s by %s", seq, e.Block, e.State, e.Instance)
	return seq, nil
}

func (w *world) purge(upTo uint64) {
	for ; w.purged < upTo; w.purged++ {
		block := w.log[w.purged].entry.Block
		if w.lastSeq[block] == w.purged+1 {
			delete(w.lastSeq, block)
		}
	}
}

// land lets the writes that are on their way arrive, or get lost.
func (w *world) land(all bool) {
	var still []put
	for _, late := range w.wire {
		switch {
		case !all && w.rng.IntN(2) == 0:
			still = append(still, late)
		case w.rng.IntN(4) > 0:
			w.note("late write of %s", late.name)
			_ = w.create(late.name, late.content) // nobody hears the answer
		}
	}
	w.wire = still
}

// simStore is the store as a capture has it.
type simStore struct{ c *simCapture }

func (s simStore) Write(ctx context.Context, block io.Reader, _, dir, fileName string) (string, int64, time.Duration, error) {
	content, err := io.ReadAll(block)
	if err != nil {
		return "", 0, 0, err
	}
	name := dir + "/" + fileName
	err = s.c.do(ctx, step{what: "write " + name, write: &put{name, content}})
	return name, int64(len(content)), 1, err
}

// simFiles are the store as the ledger has it.
type simFiles struct{ c *simCapture }

func (f simFiles) CreateTombstone(ctx context.Context, at ledger.Place, content []byte) error {
	name := at.Dir + "/" + at.File
	if f.c.w.sabotage == headForCreate {
		if f.c.w.files[name] != nil {
			return fs.ErrExist
		}
		return nil
	}
	return f.c.do(ctx, step{what: "tombstone " + name, write: &put{name, content}})
}

func (f simFiles) RemoveTombstone(_ context.Context, at ledger.Place, content []byte) error {
	name := at.Dir + "/" + at.File
	if bytes.Equal(f.c.w.files[name], content) {
		f.c.w.note("tombstone %s is removed", name)
		delete(f.c.w.files, name)
	}
	return nil
}

// simLog is the log as a capture has it.
type simLog struct{ c *simCapture }

func (l simLog) Append(ctx context.Context, e *ledger.Entry, after uint64) (seq uint64, err error) {
	err = l.c.do(ctx, step{what: "append " + e.Block + " " + string(e.State), append: func() (err error) {
		seq, err = l.c.w.append(e, after)
		return err
	}})
	return seq, err
}

func (l simLog) Await(ctx context.Context, until func() bool) error {
	if l.c.w.sabotage == unordered {
		if mine := l.c.w.log[len(l.c.w.log)-1]; !until() {
			l.c.book.Apply(uint64(len(l.c.w.log)), mine.at, mine.entry)
		}
		return nil
	}
	return l.c.do(ctx, step{what: "await", until: until})
}

func (l simLog) Fetch(_ context.Context, seq uint64) (*ledger.Entry, error) {
	if seq <= l.c.w.purged {
		return nil, ledger.ErrForgotten
	}
	return l.c.w.log[seq-1].entry, nil
}

func (l simLog) Forget(_ context.Context, upTo uint64) error {
	l.c.w.note("the log is purged up to %d", upTo)
	l.c.w.purge(upTo)
	return nil
}

// simClock is the time as a capture has it.
type simClock struct{ c *simCapture }

func (k simClock) Now() time.Time { return k.c.w.now }

func (k simClock) Sleep(ctx context.Context, _ time.Duration) bool {
	return k.c.do(ctx, step{what: "sleep", sleep: true}) == nil
}

// simAcks are the acks as a capture has them.
type simAcks struct{ c *simCapture }

func (a simAcks) ack(ctx context.Context, m messageRefs) error {
	if m.count() == 0 {
		return nil
	}
	return a.c.do(ctx, step{what: "ack", ack: &m})
}

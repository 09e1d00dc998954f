package jetcapture

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go"
)

// A thousand keys share what may be in flight: their files are to be as large as that allows.
func TestManyKeysMakeFewFiles(t *testing.T) {
	const keys, messages, inFlight = 250, 100_000, 12_500
	p := newTrack(t, AtLeastOnce)
	p.loop.budget.inFlight, p.loop.budget.open = inFlight, inFlight
	key := 0
	p.loop.o.MessageDecoder = NatsToNats(func(*nats.Msg) string { return strconv.Itoa(key) })
	one := p.messages(messages, 10)
	files, rows := 0, 0
	for i, m := range one {
		key = i % keys
		p.loop.handle(m)
		if open := p.loop.open.messages; open > inFlight*7/8 {
			t.Fatalf("%d messages are in open blocks: there is no room for more while blocks are stored", open)
		}
		p.drop(func(b *block[string]) { files, rows = files+1, rows+b.Count() })
	}
	t.Logf("%d files of %d rows each", files, rows/files)
	if mean := rows / files; mean < inFlight/keys {
		t.Errorf("%d files have %d rows each, and %d could be in flight for each key", files, mean, inFlight/keys)
	}
}

func TestOneKeySealsAtHalfOfWhatMayBeInFlight(t *testing.T) {
	const inFlight = 10_000
	p := newTrack(t, AtLeastOnce)
	p.loop.budget.inFlight, p.loop.budget.open = inFlight, inFlight
	p.take(p.messages(inFlight/2, 10))
	if len(p.loop.queue.waiting) != 1 || p.loop.queue.waiting[0].Count() != inFlight/2 || p.loop.open.messages != 0 {
		t.Errorf("%d blocks are sealed, %d messages are open", len(p.loop.queue.waiting), p.loop.open.messages)
	}
}

func TestWhatTheConsumerAllowsIsLeftToOthersByHalf(t *testing.T) {
	p := newTrack(t, AtLeastOnce)
	p.loop.budget.inFlight, p.loop.budget.open = 1_000, 250 // of a MaxAckPending of 500
	key := 0
	p.loop.o.MessageDecoder = NatsToNats(func(*nats.Msg) string { key++; return strconv.Itoa(key) })
	p.take(p.messages(1_000, 10))
	if p.loop.open.messages > 250 {
		t.Errorf("%d messages are in open blocks", p.loop.open.messages)
	}
}

// Nothing is stored for a while: sealing what is open would free no memory.
func TestASlowStoreMakesNoSmallFiles(t *testing.T) {
	const keys, messages, memory = 100, 20_000, 8 << 20
	p := newTrack(t, AtLeastOnce)
	p.loop.budget.memory = memory
	key := 0
	p.loop.o.MessageDecoder = NatsToNats(func(*nats.Msg) string { return strconv.Itoa(key) })
	most := int64(0)
	noise := rand.NewChaCha8([32]byte{1}) // what is held is compressed
	for i, m := range p.messages(messages, 1_000) {
		key = i % keys
		_, _ = noise.Read(m.Data)
		p.loop.handle(m)
		most = max(most, p.loop.open.memory)
	}
	var open int64
	for b := range p.loop.open.all() {
		open += b.budgeted
	}
	if open != p.loop.open.memory {
		t.Errorf("open blocks have %d bytes, counted are %d", open, p.loop.open.memory)
	}
	if most > memory*7/8+64<<10 {
		t.Errorf("open blocks had %d bytes of %d", most, memory)
	}
	rows := 0
	for _, b := range p.loop.queue.waiting {
		rows += b.Count()
	}
	if mean := rows / len(p.loop.queue.waiting); mean < 30 {
		t.Errorf("%d files of %d rows each", len(p.loop.queue.waiting), mean)
	}
}

// The times of messages take as much memory as small messages do, and more if a filter leaves few of a stream's sequences.
func TestTheTimesOfHeldMessagesCountAgainstTheMemoryLimit(t *testing.T) {
	const memory, messages = 1 << 20, 20_000
	p := newTrack(t, AtLeastOnce)
	p.loop.budget.memory = memory
	key := 0
	p.loop.o.MessageDecoder = NatsToNats(func(*nats.Msg) string { return strconv.Itoa(key) })
	most, sealed := int64(0), 0
	for i := range messages {
		key = i % 20
		p.loop.handle(p.messages(1, 10)[0])
		p.next += 999 // of other subjects
		most = max(most, p.loop.open.memory+p.loop.intake.held.Bytes())
		p.drop(func(b *block[string]) { sealed += b.Count() })
	}
	if most > memory*7/8+64<<10 {
		t.Errorf("open blocks and the times of their messages had %d bytes of %d", most, memory)
	}
	if sealed == 0 {
		t.Errorf("no block was sealed: the times of %d messages take no more than %d bytes", messages, most)
	}
}

// What sealed blocks hold is given back when they are stored, and by sealing nothing more.
func TestASlowStoreMakesNoSmallFilesOfSparseMessages(t *testing.T) {
	const memory, messages, keys = 1 << 20, 30_000, 20
	p := newTrack(t, AtLeastOnce)
	p.loop.budget.memory = memory
	key := 0
	p.loop.o.MessageDecoder = NatsToNats(func(*nats.Msg) string { return strconv.Itoa(key) })
	for i := range messages {
		key = i % keys
		p.loop.handle(p.messages(1, 10)[0])
		p.next += 999 // of other subjects
	}
	if p.loop.intake.held.Bytes() < memory*7/8 {
		t.Errorf("the times of the messages take %d bytes: this test shows nothing", p.loop.intake.held.Bytes())
	}
	rows := 0
	for _, b := range p.loop.queue.waiting {
		rows += b.Count()
	}
	if mean := rows / max(1, len(p.loop.queue.waiting)); mean < 100 {
		t.Errorf("%d files of %d rows each", len(p.loop.queue.waiting), mean)
	}
}

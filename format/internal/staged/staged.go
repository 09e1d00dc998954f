// Package staged holds the raw messages of a block that is still small, as rows and compressed. That takes a quarter of the memory
// that columns take, which have room for growth, and a message touches one place of memory instead of forty. With thousands of open
// blocks, each of which gets a message now and then, these accesses are most of the cost of appending, and the memory for each
// message limits the size of the files.
package staged

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/klauspost/compress/s2"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema/columns"
)

const (
	// MaxBytes is the most that Messages hold, before compression.
	MaxBytes = 256 << 10

	maxMessage = 16 << 10 // of bytes; larger messages go to columns
	frameBytes = 4 << 10  // of messages are compressed together, or more
	maxScratch = 2 * MaxBytes
)

// Messages holds raw messages in their order. The zero value has none. It is for one goroutine at a time.
type Messages struct {
	frames chain // of messages that are compressed, each behind its length
	tail   chain // of those that are not yet
	n      int
	bytes  int // of the messages

	stream, consumer string // of the last
	last             numbers
}

// numbers has the numbers of a message, which change little from one message of a block to the next.
type numbers struct {
	timestamp                                        int64 // in nanoseconds
	streamSeq, consumerSeq, numDelivered, numPending uint64
}

func numbersOf(m *format.RawMessage) numbers {
	return numbers{m.Timestamp.UnixNano(), m.StreamSeq, m.ConsumerSeq, m.NumDelivered, m.NumPending}
}

// since returns the differences from the numbers before. The two sequences usually grow by the same amount, and the pending count
// shrinks by it: their differences are from that expectation.
func (n numbers) since(before numbers) [5]int64 {
	passed := n.streamSeq - before.streamSeq
	return [...]int64{
		n.timestamp - before.timestamp, int64(passed), int64(n.consumerSeq - before.consumerSeq - passed),
		int64(n.numDelivered - before.numDelivered), int64(n.numPending - before.numPending + passed),
	}
}

// plus returns the numbers that have these differences from n.
func (n numbers) plus(d [5]int64) numbers {
	passed := uint64(d[1])
	return numbers{
		n.timestamp + d[0], n.streamSeq + passed, n.consumerSeq + uint64(d[2]) + passed,
		n.numDelivered + uint64(d[3]), n.numPending + uint64(d[4]) - passed,
	}
}

// Len returns the number of messages.
func (s *Messages) Len() int { return s.n }

// Size returns the bytes of the messages before compression.
func (s *Messages) Size() int64 { return int64(s.bytes) }

// Buffered returns the bytes held.
func (s *Messages) Buffered() int64 { return int64(s.frames.held + s.tail.held) }

// A scratch has buffers for bytes that must be contiguous for a moment.
type scratch struct{ messages, frames []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (s *scratch) free() {
	if cap(s.messages)+cap(s.frames) <= maxScratch {
		scratches.Put(s)
	}
}

// Add appends a copy of a valid message, or reports false if there is no room for it.
func (s *Messages) Add(m *format.RawMessage) bool {
	if len(m.Data) > maxMessage {
		return false
	}
	scratch := scratches.Get().(*scratch)
	defer scratch.free()
	source := s.tail.len == 0 || m.Stream != s.stream || m.Consumer != s.consumer
	now := numbersOf(m)
	encoded := encode(scratch.messages[:0], m, now.since(s.last), source)
	scratch.messages = encoded
	if len(encoded) > maxMessage || s.bytes+len(encoded) > MaxBytes {
		return false
	}
	s.n++
	s.bytes += len(encoded)
	s.last = now
	if source {
		s.stream, s.consumer = strings.Clone(m.Stream), strings.Clone(m.Consumer) // nothing of the message is kept
	}
	s.tail.append(encoded)
	if s.tail.len >= frameBytes {
		s.compress(scratch)
	}
	return true
}

// compress makes a frame of the tail.
func (s *Messages) compress(scratch *scratch) {
	scratch.messages = s.tail.appendTo(scratch.messages[:0])
	s.tail.release()
	scratch.frames = slices.Grow(scratch.frames[:0], s2.MaxEncodedLen(len(scratch.messages)))
	frame := s2.Encode(scratch.frames[:cap(scratch.frames)], scratch.messages)
	var length [binary.MaxVarintLen64]byte
	s.frames.append(binary.AppendUvarint(length[:0], uint64(len(frame))))
	s.frames.append(frame)
}

// The flags in the first byte of a message.
const (
	newSource  = 1 << iota // stream and consumer follow, as they differ from the message before
	hasReply               // the reply follows
	hasHeaders             // their number and they follow
)

func encode(b []byte, m *format.RawMessage, since [5]int64, source bool) []byte {
	flags := byte(0)
	if source {
		flags |= newSource
	}
	if m.Reply != "" {
		flags |= hasReply
	}
	if len(m.Headers) > 0 {
		flags |= hasHeaders
	}
	b = append(b, flags)
	b = appendText(b, m.Subject)
	if flags&newSource != 0 {
		b = appendText(appendText(b, m.Stream), m.Consumer)
	}
	if flags&hasReply != 0 {
		b = appendText(b, m.Reply)
	}
	if flags&hasHeaders != 0 {
		b = binary.AppendUvarint(b, uint64(len(m.Headers)))
		for name, values := range m.Headers {
			b = binary.AppendUvarint(appendText(b, name), uint64(len(values)))
			for _, value := range values {
				b = appendText(b, value)
			}
		}
	}
	b = append(binary.AppendUvarint(b, uint64(len(m.Data))), m.Data...)
	for _, n := range since {
		b = binary.AppendVarint(b, n)
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// A message is its own payload.
type message format.RawMessage

func (m *message) Raw() format.RawMessage { return format.RawMessage(*m) }

var plan = format.RawPlan[*message]()

// AppendTo appends the messages to columns of raw messages.
func (s *Messages) AppendTo(c *columns.Columns) (err error) {
	scratch := scratches.Get().(*scratch)
	defer scratch.free()
	scratch.frames = s.frames.appendTo(scratch.frames[:0])
	d := decoder{headers: map[string][]string{}}
	for frames := scratch.frames; len(frames) > 0; {
		length, n := binary.Uvarint(frames)
		frame := frames[n:][:length]
		frames = frames[n:][length:]
		if scratch.messages, err = s2.Decode(scratch.messages[:cap(scratch.messages)], frame); err != nil {
			return fmt.Errorf("decompress messages: %w", err)
		}
		if err := d.appendTo(c, scratch.messages); err != nil {
			return err
		}
	}
	scratch.messages = s.tail.appendTo(scratch.messages[:0])
	return d.appendTo(c, scratch.messages)
}

// A decoder reads messages one after the other into m, which shares its memory with what is read.
type decoder struct {
	rest    []byte
	m       message
	last    numbers
	headers map[string][]string
	values  []string // of all headers
}

func (d *decoder) appendTo(c *columns.Columns, messages []byte) error {
	for d.rest = messages; len(d.rest) > 0; {
		d.message()
		if _, err := plan.Append(c, &d.m); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) message() {
	flags := d.rest[0]
	d.rest = d.rest[1:]
	d.m.Subject = d.text()
	if flags&newSource != 0 {
		d.m.Stream, d.m.Consumer = d.text(), d.text()
	}
	d.m.Reply, d.m.Headers = "", nil
	if flags&hasReply != 0 {
		d.m.Reply = d.text()
	}
	if flags&hasHeaders != 0 {
		clear(d.headers)
		d.values = d.values[:0]
		for range d.number() {
			name, first := d.text(), len(d.values)
			for range d.number() {
				d.values = append(d.values, d.text())
			}
			d.headers[name] = d.values[first:len(d.values):len(d.values)]
		}
		d.m.Headers = d.headers
	}
	d.m.Data = d.bytes()
	var since [5]int64
	for i := range since {
		difference, n := binary.Varint(d.rest)
		d.rest = d.rest[n:]
		since[i] = difference
	}
	d.last = d.last.plus(since)
	d.m.Timestamp = time.Unix(0, d.last.timestamp)
	d.m.StreamSeq, d.m.ConsumerSeq = d.last.streamSeq, d.last.consumerSeq
	d.m.NumDelivered, d.m.NumPending = d.last.numDelivered, d.last.numPending
}

func (d *decoder) number() uint64 {
	value, n := binary.Uvarint(d.rest)
	d.rest = d.rest[n:]
	return value
}

func (d *decoder) bytes() []byte {
	n := d.number()
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) text() string {
	b := d.bytes()
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// Release removes all messages, and gives their memory to others.
func (s *Messages) Release() {
	s.frames.release()
	s.tail.release()
	*s = Messages{}
}

// Package staged holds the raw messages of a block that is still small, row by row. That takes two thirds of the memory that
// columns with room for growth take, and a message touches one place of it instead of forty: with thousands of open blocks,
// each of which gets a message now and then, that is most of what appending costs.
package staged

import (
	"encoding/binary"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema"
)

const (
	// MaxBytes is how much Messages hold.
	MaxBytes = 64 << 10

	maxMessage = MaxBytes / 4 // of bytes; what is larger is at home in columns
)

// Messages are raw messages in their order. The zero value has none. They are for one goroutine at a time.
type Messages struct {
	chunks [][]byte // one behind the other, wherever messages begin
	n      int
	bytes  int // of the messages
	held   int

	stream, consumer string // of the last
}

// Len returns the number of messages.
func (s *Messages) Len() int { return s.n }

// Buffered returns the bytes held.
func (s *Messages) Buffered() int64 { return int64(s.held) }

// scratches are where a message, or all of them, are in one piece for a moment.
var scratches = sync.Pool{New: func() any { return new([]byte) }}

// Add appends a copy of a valid message, or reports false if there is no room for it.
func (s *Messages) Add(m *format.RawMessage) bool {
	if len(m.Data) > maxMessage {
		return false
	}
	scratch := scratches.Get().(*[]byte)
	defer scratches.Put(scratch)
	source := s.n == 0 || m.Stream != s.stream || m.Consumer != s.consumer
	encoded := encode((*scratch)[:0], m, source)
	if cap(encoded) <= 2*MaxBytes {
		*scratch = encoded
	}
	if len(encoded) > maxMessage || s.bytes+len(encoded) > MaxBytes {
		return false
	}
	s.n++
	s.bytes += len(encoded)
	if source {
		s.stream, s.consumer = strings.Clone(m.Stream), strings.Clone(m.Consumer) // nothing of the message is kept
	}
	for last := len(s.chunks) - 1; len(encoded) > 0; last++ {
		if last >= 0 {
			chunk := s.chunks[last]
			n := min(len(encoded), cap(chunk)-len(chunk))
			s.chunks[last], encoded = append(chunk, encoded[:n]...), encoded[n:]
		}
		if len(encoded) > 0 {
			s.grow()
		}
	}
	return true
}

// grow adds a chunk, a small one where there is little.
func (s *Messages) grow() {
	i := 0
	for i < len(pools)-1 && s.held >= 4*chunkSize(i) {
		i++
	}
	s.chunks = append(s.chunks, newChunk(i))
	s.held += chunkSize(i)
}

// What the first byte of a message says.
const (
	newSource  = 1 << iota // stream and consumer follow, as they differ from the message before
	hasReply               // the reply follows
	hasHeaders             // their number and they follow
)

func encode(b []byte, m *format.RawMessage, source bool) []byte {
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
	b = binary.AppendVarint(b, m.Timestamp.UnixNano())
	for _, n := range [...]uint64{m.StreamSeq, m.ConsumerSeq, m.NumDelivered, m.NumPending} {
		b = binary.AppendUvarint(b, n)
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
func (s *Messages) AppendTo(c *schema.Columns) error {
	scratch := scratches.Get().(*[]byte)
	defer scratches.Put(scratch)
	all := (*scratch)[:0]
	for _, chunk := range s.chunks {
		all = append(all, chunk...)
	}
	*scratch = all
	d := decoder{rest: all, headers: map[string][]string{}}
	for len(d.rest) > 0 {
		d.message()
		if _, err := plan.Append(c, &d.m); err != nil {
			return err
		}
	}
	return nil
}

// A decoder reads messages one after the other into m, which shares its memory with what is read.
type decoder struct {
	rest    []byte
	m       message
	headers map[string][]string
	values  []string // of all headers
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
	at, n := binary.Varint(d.rest)
	d.rest = d.rest[n:]
	d.m.Timestamp = time.Unix(0, at)
	for _, field := range [...]*uint64{&d.m.StreamSeq, &d.m.ConsumerSeq, &d.m.NumDelivered, &d.m.NumPending} {
		*field = d.number()
	}
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
	for _, chunk := range s.chunks {
		release(chunk)
	}
	*s = Messages{}
}

// pools have the chunks of each size: 1, 2 and 4 KiB.
var pools [3]sync.Pool

func chunkSize(i int) int { return 1 << 10 << i }

func newChunk(i int) []byte {
	if first, _ := pools[i].Get().(*byte); first != nil {
		return unsafe.Slice(first, chunkSize(i))[:0]
	}
	return make([]byte, 0, chunkSize(i))
}

func release(chunk []byte) {
	for i := range pools {
		if cap(chunk) == chunkSize(i) {
			pools[i].Put(unsafe.SliceData(chunk))
		}
	}
}

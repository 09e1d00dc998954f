package acks

import (
	"iter"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// Refs identify messages in the order of their delivery. They have all that is needed to acknowledge the messages, and to tell them from
// others with the same sequences. The zero value has no messages.
type Refs struct {
	runs []refRun
	refs refList
}

// A refRun is a number of messages of the same epoch and route. Most blocks have one run.
type refRun struct {
	first int // index of its first message
	epoch uint64
	route Route
}

const refRunBytes = 56

// Count returns the number of messages.
func (m *Refs) Count() int { return m.refs.n }

// Add adds a message.
func (m *Refs) Add(d *Delivery) { m.Append(d.Route, d.Epoch, d.Ref()) }

// Append adds a message by its parts.
func (m *Refs) Append(route Route, epoch uint64, ref Ref) {
	if n := len(m.runs); n == 0 || m.runs[n-1].epoch != epoch || m.runs[n-1].route != route {
		m.runs = append(m.runs, refRun{first: m.refs.n, epoch: epoch, route: route})
	}
	m.refs.append(ref)
}

// FirstEpoch returns the epoch of the first message, which is the oldest. There must be one.
func (m *Refs) FirstEpoch() uint64 { return m.runs[0].epoch }

// Memory returns how many bytes of memory they take.
func (m *Refs) Memory() int64 { return m.refs.memory() + int64(cap(m.runs))*refRunBytes }

const (
	repliesAtOnce = 256 // subjects that are made as one string, with one allocation
	replyNumbers  = 32  // bytes for the numbers of a subject, with room for large ones
)

// Replies yields the subjects that acknowledge the messages.
func (m *Refs) Replies() iter.Seq[string] {
	return func(yield func(string) bool) {
		reader := m.Reader()
		var buf []byte
		if len(m.runs) > 0 {
			route := &m.runs[0].route
			buf = make([]byte, 0, min(m.refs.n, repliesAtOnce)*(len(route.Prefix)+replyNumbers+len(route.Tail)))
		}
		var ends [repliesAtOnce]int
		for more := true; more; {
			n := 0
			for buf = buf[:0]; n < len(ends); n++ {
				if more = reader.Next(); !more {
					break
				}
				buf = reader.run.route.AppendSubject(buf, reader.Ref)
				ends[n] = len(buf)
			}
			subjects, begin := string(buf), 0
			for _, end := range ends[:n] {
				if !yield(subjects[begin:end]) {
					return
				}
				begin = end
			}
		}
	}
}

// Messages yields every message in the order of delivery, and whether it is the first of an epoch. The first message of all is.
func (m *Refs) Messages() iter.Seq2[ledger.Message, bool] {
	return func(yield func(ledger.Message, bool) bool) {
		reader := m.Reader()
		var epoch uint64
		for first := true; reader.Next(); first = false {
			cut := first || reader.run.epoch != epoch
			epoch = reader.run.epoch
			if !yield(reader.Ref.Message(), cut) {
				return
			}
		}
	}
}

// Seqs calls each with the stream sequence of every message.
func (m *Refs) Seqs(each func(seq uint64)) {
	for ref := range m.refs.all() {
		each(ref.StreamSeq)
	}
}

// Split separates the messages whose sequence is in a set from the others.
func (m *Refs) Split(has func(seq uint64) bool) (in, out Refs) {
	return m.Part(func(_ uint64, ref Ref) bool { return has(ref.StreamSeq) })
}

// Part separates the messages for which isIn returns true from the others.
func (m *Refs) Part(isIn func(epoch uint64, ref Ref) bool) (in, out Refs) {
	for reader := m.Reader(); reader.Next(); {
		to := &out
		if isIn(reader.run.epoch, reader.Ref) {
			to = &in
		}
		to.Append(reader.run.route, reader.run.epoch, reader.Ref)
	}
	return in, out
}

// Redelivered reports whether some of the messages were delivered before.
func (m *Refs) Redelivered() bool {
	for ref := range m.refs.all() {
		if ref.NumDelivered > 1 {
			return true
		}
	}
	return false
}

// MessagesIn returns the messages whose sequences are in a set.
func (m *Refs) MessagesIn(has func(seq uint64) bool) (in []ledger.Message) {
	for message := range m.Messages() {
		if has(message.Seq) {
			in = append(in, message)
		}
	}
	return in
}

// Reader returns a Reader of the messages. It must not be used after another message is added.
func (m *Refs) Reader() Reader {
	return Reader{runs: m.runs, refs: m.refs.reader()}
}

// A Reader reads messages one after the other: call Next before Ref and Epoch.
type Reader struct {
	Ref Ref // of the message that Next has read

	run  *refRun
	n    int      // messages read
	runs []refRun // to come
	refs refReader
}

// Next reads the next message, and returns false if there is none.
func (r *Reader) Next() (ok bool) {
	if r.Ref, ok = r.refs.next(); !ok {
		return false
	}
	if len(r.runs) > 0 && r.runs[0].first == r.n {
		r.run, r.runs = &r.runs[0], r.runs[1:]
	}
	r.n++
	return true
}

// Epoch returns the epoch of the message that Next has read.
func (r *Reader) Epoch() uint64 { return r.run.epoch }

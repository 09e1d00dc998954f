package jetcapture

import (
	"encoding/binary"
	"iter"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

// messageRefs are messages in the order of their delivery, as far as it takes to acknowledge them, and to tell them from
// others that have the same sequences.
type messageRefs struct {
	runs []refRun
	refs ackRefs
}

// A refRun is where messages of another epoch or another route begin. Most blocks have one.
type refRun struct {
	first int // message
	epoch uint64
	route ackRoute
}

const refRunBytes = 56

func (m *messageRefs) count() int { return m.refs.n }

// add takes one more message.
func (m *messageRefs) add(d *delivery) { m.append(d.route, d.epoch, d.ref()) }

func (m *messageRefs) append(route ackRoute, epoch uint64, ref ackRef) {
	if n := len(m.runs); n == 0 || m.runs[n-1].epoch != epoch || m.runs[n-1].route != route {
		m.runs = append(m.runs, refRun{first: m.refs.n, epoch: epoch, route: route})
	}
	m.refs.append(ref)
}

// firstEpoch returns the epoch of the first message, which is the oldest.
func (m *messageRefs) firstEpoch() uint64 { return m.runs[0].epoch }

// memory returns the bytes held.
func (m *messageRefs) memory() int64 { return m.refs.memory() + int64(cap(m.runs))*refRunBytes }

const (
	repliesAtOnce = 256 // so many subjects are made as one string, for one allocation
	replyNumbers  = 32  // the bytes that their numbers take, with room for large ones
)

// replies yields the subjects that acknowledge the messages.
func (m *messageRefs) replies() iter.Seq[string] {
	return func(yield func(string) bool) {
		reader := m.reader()
		var buf []byte
		if len(m.runs) > 0 {
			route := &m.runs[0].route
			buf = make([]byte, 0, min(m.refs.n, repliesAtOnce)*(len(route.prefix)+replyNumbers+len(route.tail)))
		}
		var ends [repliesAtOnce]int
		for more := true; more; {
			n := 0
			for buf = buf[:0]; n < len(ends); n++ {
				if more = reader.next(); !more {
					break
				}
				buf = reader.run.route.subject(buf, reader.ref)
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

// messages yields every message in the order of delivery, and whether it is the first of an epoch, as the first of all is.
func (m *messageRefs) messages() iter.Seq2[ledger.Message, bool] {
	return func(yield func(ledger.Message, bool) bool) {
		reader := m.reader()
		var epoch uint64
		for first := true; reader.next(); first = false {
			cut := first || reader.run.epoch != epoch
			epoch = reader.run.epoch
			if !yield(reader.ref.message(), cut) {
				return
			}
		}
	}
}

// seqs calls each with the stream sequence of every message.
func (m *messageRefs) seqs(each func(seq uint64)) {
	for ref := range m.refs.all() {
		each(ref.streamSeq)
	}
}

// split parts the messages by whether their sequence is in a set.
func (m *messageRefs) split(has func(seq uint64) bool) (in, out messageRefs) {
	return m.part(func(_ uint64, ref ackRef) bool { return has(ref.streamSeq) })
}

// part parts the messages by what is said of each, and of its epoch.
func (m *messageRefs) part(isIn func(epoch uint64, ref ackRef) bool) (in, out messageRefs) {
	for reader := m.reader(); reader.next(); {
		to := &out
		if isIn(reader.run.epoch, reader.ref) {
			to = &in
		}
		to.append(reader.run.route, reader.run.epoch, reader.ref)
	}
	return in, out
}

func (m *messageRefs) reader() messageRefReader {
	return messageRefReader{runs: m.runs, refs: m.refs.reader()}
}

// A messageRefReader reads messages one after the other.
type messageRefReader struct {
	runs []refRun // to come
	refs ackRefReader
	n    int

	ref ackRef // the latest
	run *refRun
}

func (r *messageRefReader) next() (ok bool) {
	if r.ref, ok = r.refs.next(); !ok {
		return false
	}
	if len(r.runs) > 0 && r.runs[0].first == r.n {
		r.run, r.runs = &r.runs[0], r.runs[1:]
	}
	r.n++
	return true
}

// ackRefs are ackRefs one after the other. Each is kept as how it differs from the one before, which takes seven or eight
// bytes on a busy stream instead of 32. The zero value has none.
type ackRefs struct {
	n       int
	last    ackRef
	encoded []byte
}

func (r *ackRefs) append(ref ackRef) {
	r.encoded = binary.AppendVarint(r.encoded, int64(ref.streamSeq-r.last.streamSeq))
	r.encoded = binary.AppendVarint(r.encoded, int64(ref.ahead()-r.last.ahead()))
	r.encoded = binary.AppendUvarint(r.encoded, ref.numDelivered)
	r.encoded = binary.AppendVarint(r.encoded, ref.timestamp-r.last.timestamp)
	r.last = ref
	r.n++
}

// ahead is by how much the consumer sequence is ahead of that of the stream: for long the same, or nearly.
func (r ackRef) ahead() uint64 { return r.consumerSeq - r.streamSeq }

// memory returns the bytes held.
func (r *ackRefs) memory() int64 { return int64(cap(r.encoded)) }

// all yields the refs in their order.
func (r *ackRefs) all() iter.Seq[ackRef] {
	return func(yield func(ackRef) bool) {
		reader := r.reader()
		for ref, ok := reader.next(); ok && yield(ref); ref, ok = reader.next() {
		}
	}
}

func (r *ackRefs) reader() ackRefReader { return ackRefReader{rest: r.encoded} }

type ackRefReader struct {
	last ackRef
	rest []byte
}

func (r *ackRefReader) next() (ref ackRef, ok bool) {
	if len(r.rest) == 0 {
		return ref, false
	}
	ahead := r.last.ahead()
	r.last.streamSeq += uint64(r.varint())
	r.last.consumerSeq = r.last.streamSeq + ahead + uint64(r.varint())
	delivered, n := binary.Uvarint(r.rest)
	r.rest = r.rest[n:]
	r.last.numDelivered = delivered
	r.last.timestamp += r.varint()
	return r.last, true
}

func (r *ackRefReader) varint() int64 {
	value, n := binary.Varint(r.rest)
	r.rest = r.rest[n:]
	return value
}

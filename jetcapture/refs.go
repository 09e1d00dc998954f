package jetcapture

import (
	"encoding/binary"
	"iter"
)

// messageRefs are messages as far as it takes to acknowledge them.
type messageRefs struct {
	route  ackRoute
	refs   ackRefs
	others []string // replies of messages that have another route
}

// oneRef returns the one message.
func oneRef(route ackRoute, ref ackRef) messageRefs {
	m := messageRefs{route: route}
	m.refs.append(ref)
	return m
}

func (m *messageRefs) count() int { return m.refs.n + len(m.others) }

// add takes one more message, with its reply.
func (m *messageRefs) add(d *delivery, reply string) {
	if m.count() == 0 {
		m.route = d.route
	}
	if d.route == m.route {
		m.refs.append(d.ref())
	} else {
		m.others = append(m.others, reply)
	}
}

const (
	repliesAtOnce = 256 // so many subjects are made as one string, for one allocation
	replyNumbers  = 32  // the bytes that their numbers take, with room for large ones
)

// replies yields the subjects that acknowledge the messages.
func (m *messageRefs) replies() iter.Seq[string] {
	return func(yield func(string) bool) {
		reader := m.refs.reader()
		buf := make([]byte, 0, min(m.refs.n, repliesAtOnce)*(len(m.route.prefix)+replyNumbers+len(m.route.tail)))
		var ends [repliesAtOnce]int
		for more := true; more; {
			n := 0
			for buf = buf[:0]; n < len(ends); n++ {
				var ref ackRef
				if ref, more = reader.next(); !more {
					break
				}
				buf = m.route.subject(buf, ref)
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
		for _, reply := range m.others {
			if !yield(reply) {
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
	for _, reply := range m.others {
		if d, ok := parseDelivery(reply); ok {
			each(d.streamSeq)
		}
	}
}

// split parts the messages by whether their sequence is in a set.
func (m *messageRefs) split(has func(seq uint64) bool) (in, out messageRefs) {
	in.route, out.route = m.route, m.route
	for ref := range m.refs.all() {
		if has(ref.streamSeq) {
			in.refs.append(ref)
		} else {
			out.refs.append(ref)
		}
	}
	for _, reply := range m.others {
		if d, ok := parseDelivery(reply); ok && has(d.streamSeq) {
			in.others = append(in.others, reply)
		} else {
			out.others = append(out.others, reply)
		}
	}
	return in, out
}

// ackRefs are ackRefs one after the other. Each is kept as how it differs from the one before, which takes four or
// five bytes instead of 24. The zero value has none.
type ackRefs struct {
	n       int
	last    ackRef
	encoded []byte
}

func (r *ackRefs) append(ref ackRef) {
	r.encoded = binary.AppendVarint(r.encoded, int64(ref.streamSeq-r.last.streamSeq))
	r.encoded = binary.AppendVarint(r.encoded, int64(ref.ahead()-r.last.ahead()))
	r.encoded = binary.AppendUvarint(r.encoded, ref.numDelivered)
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
	return r.last, true
}

func (r *ackRefReader) varint() int64 {
	value, n := binary.Varint(r.rest)
	r.rest = r.rest[n:]
	return value
}

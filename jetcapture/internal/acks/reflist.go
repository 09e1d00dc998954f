package acks

import (
	"encoding/binary"
	"iter"
)

// A refList has Refs one after the other. Each is encoded as its difference to the one before, which takes some six bytes on a busy
// stream instead of 32. The zero value has no Refs.
type refList struct {
	n       int
	last    Ref
	encoded []byte
}

func (r *refList) append(ref Ref) {
	r.encoded = binary.AppendVarint(r.encoded, int64(ref.StreamSeq-r.last.StreamSeq))
	r.encoded = binary.AppendVarint(r.encoded, int64(ref.ahead()-r.last.ahead()))
	r.encoded = binary.AppendUvarint(r.encoded, ref.NumDelivered)
	r.encoded = binary.AppendVarint(r.encoded, ref.Timestamp-r.last.Timestamp)
	r.last = ref
	r.n++
}

// ahead returns by how much the consumer sequence is ahead of the stream sequence. It seldom changes.
func (r Ref) ahead() uint64 { return r.ConsumerSeq - r.StreamSeq }

// memory returns how many bytes of memory the list takes.
func (r *refList) memory() int64 { return int64(cap(r.encoded)) }

// all yields the Refs in order.
func (r *refList) all() iter.Seq[Ref] {
	return func(yield func(Ref) bool) {
		reader := r.reader()
		for ref, ok := reader.next(); ok && yield(ref); ref, ok = reader.next() {
		}
	}
}

func (r *refList) reader() refReader { return refReader{rest: r.encoded} }

// A refReader decodes a refList.
type refReader struct {
	last Ref
	rest []byte
}

func (r *refReader) next() (ref Ref, ok bool) {
	if len(r.rest) == 0 {
		return ref, false
	}
	ahead := r.last.ahead()
	r.last.StreamSeq += uint64(r.varint())
	r.last.ConsumerSeq = r.last.StreamSeq + ahead + uint64(r.varint())
	delivered, n := binary.Uvarint(r.rest)
	r.rest = r.rest[n:]
	r.last.NumDelivered = delivered
	r.last.Timestamp += r.varint()
	return r.last, true
}

func (r *refReader) varint() int64 {
	value, n := binary.Varint(r.rest)
	r.rest = r.rest[n:]
	return value
}

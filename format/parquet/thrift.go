package parquet

import "encoding/binary"

// A thriftWriter writes structures in Thrift's compact protocol. Page headers and footers are written by hand: a block of
// ten messages has thirty of them, and reflection would cost more than its pages.
//
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
type thriftWriter struct {
	b     []byte
	last  int   // id of the field before, in the structure that is open
	outer []int // the same of the structures around it
}

// field begins a field. Ids rise within a structure, by 15 at most.
func (w *thriftWriter) field(id int, kind byte) {
	w.b = append(w.b, byte(id-w.last)<<4|kind)
	w.last = id
}

// begin begins a structure that is the root or in a list.
func (w *thriftWriter) begin() {
	w.outer = append(w.outer, w.last)
	w.last = 0
}

// end ends the innermost structure.
func (w *thriftWriter) end() {
	w.b = append(w.b, thriftStop)
	w.last = w.outer[len(w.outer)-1]
	w.outer = w.outer[:len(w.outer)-1]
}

// structure begins a field that is a structure.
func (w *thriftWriter) structure(id int) {
	w.field(id, thriftStructure)
	w.begin()
}

// empty writes a field that is a structure without fields.
func (w *thriftWriter) empty(id int) {
	w.structure(id)
	w.end()
}

func (w *thriftWriter) i32(id int, v int32) {
	w.field(id, thriftI32)
	w.b = binary.AppendVarint(w.b, int64(v))
}

func (w *thriftWriter) i64(id int, v int64) {
	w.field(id, thriftI64)
	w.b = binary.AppendVarint(w.b, v)
}

func (w *thriftWriter) i16(id int, v int16) {
	w.field(id, thriftI16)
	w.b = binary.AppendVarint(w.b, int64(v))
}

func (w *thriftWriter) bool(id int, v bool) {
	if v {
		w.field(id, thriftTrue)
	} else {
		w.field(id, thriftFalse)
	}
}

func (w *thriftWriter) bytes(id int, v []byte) {
	w.field(id, thriftBinary)
	w.binary(v)
}

func (w *thriftWriter) string(id int, v string) {
	w.field(id, thriftBinary)
	w.text(v)
}

// list begins a field that is a list of n elements, which follow as binary, text, varint or structures.
func (w *thriftWriter) list(id int, kind byte, n int) {
	w.field(id, thriftList)
	if n < 15 {
		w.b = append(w.b, byte(n)<<4|kind)
		return
	}
	w.b = append(w.b, 0xf0|kind)
	w.b = binary.AppendUvarint(w.b, uint64(n))
}

func (w *thriftWriter) binary(v []byte) {
	w.b = binary.AppendUvarint(w.b, uint64(len(v)))
	w.b = append(w.b, v...)
}

func (w *thriftWriter) text(v string) {
	w.b = binary.AppendUvarint(w.b, uint64(len(v)))
	w.b = append(w.b, v...)
}

// varint writes an integer of a list.
func (w *thriftWriter) varint(v int64) { w.b = binary.AppendVarint(w.b, v) }

// boolean writes a bool of a list.
func (w *thriftWriter) boolean(v bool) {
	if v {
		w.b = append(w.b, thriftTrue)
	} else {
		w.b = append(w.b, thriftFalse)
	}
}

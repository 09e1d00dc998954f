package arrow

import (
	"bytes"

	"github.com/jetcapture/lake/schema"
)

// A span is a run of rows in Columns, for one record batch.
type span struct {
	rows   int
	leaves []leafSpan
}

// A leafSpan is a leaf's part of a span.
type leafSpan struct {
	leaf     *schema.Leaf
	def, rep []uint8
	first, n int // values
}

// levels returns how many levels there are: of a leaf without any, as many as values.
func (s *leafSpan) levels() int { return max(len(s.def), s.n) }

// set makes s the rows from one to another of all leaves. It uses the memory of s again.
func (s *span) set(c *schema.Columns, from, to int) {
	s.rows = to - from
	s.leaves = s.leaves[:0]
	for i := range c.Len() {
		l := c.Leaf(i)
		part := leafSpan{leaf: l, def: l.Definitions(), rep: l.Repetitions(), n: l.Len()}
		if from > 0 || to < c.Rows() {
			part.cut(from, to)
		}
		s.leaves = append(s.leaves, part)
	}
}

// release lets go of the leaves.
func (s *span) release() { clear(s.leaves[:cap(s.leaves)]) }

// cut leaves the rows from one to another.
func (s *leafSpan) cut(from, to int) {
	if len(s.def) == 0 { // a value for each row
		s.first, s.n = from, to-from
		return
	}
	begin, end := from, to
	if len(s.rep) > 0 {
		begin = rowAt(s.rep, 0, from)
		end = rowAt(s.rep, begin, to-from)
		s.rep = s.rep[begin:end]
	}
	highest, _ := s.leaf.Node().MaxLevels()
	value := []byte{uint8(highest)}
	s.first = bytes.Count(s.def[:begin], value)
	s.def = s.def[begin:end]
	s.n = bytes.Count(s.def, value)
}

// rowAt returns where the n-th row behind the one that begins at level i begins.
func rowAt(rep []uint8, i, n int) int {
	for i < len(rep) && n > 0 {
		next := bytes.IndexByte(rep[i+1:], 0)
		if next < 0 {
			return len(rep)
		}
		i += 1 + next
		n--
	}
	return i
}

// size returns the most bytes that the span's arrays can have, and those of the largest buffer among them and its array.
func (l *layout) size(s *span) (all, largest int64, at *arrayPlan) {
	for i := range l.arrays {
		a := &l.arrays[i]
		leaf := &s.leaves[a.leaf]
		slots := int64(s.rows)
		if a.list >= 0 {
			slots = int64(leaf.levels())
		}
		most := int64(0)
		switch a.form {
		case structs:
		case lists:
			most = (slots + 1) * offsetSize
		case text:
			most = (slots + 1) * offsetSize
			offsets, _ := leaf.leaf.Bytes()
			data := int64(offsets[leaf.first+leaf.n] - offsets[leaf.first])
			all += data
			most = max(most, data)
		default:
			most = slots * int64(a.width)
		}
		all += most
		if most > largest {
			largest, at = most, a
		}
	}
	return all, largest, at
}

// mayBeTooLarge reports whether a row of c may be too large for a record batch of its own. Only one with lists can, and only
// if all rows together are.
func (l *layout) mayBeTooLarge(c *schema.Columns) bool {
	for _, list := range l.lists {
		if len(c.Leaf(list.leaf).Definitions()) > maxBuffer/list.width-1 {
			return true
		}
	}
	return false
}

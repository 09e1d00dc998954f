package arrow

import (
	"bytes"

	"github.com/jetcapture/lake/schema/columns"
)

// A span is a run of rows in Columns, for one record batch.
type span struct {
	rows   int
	leaves []leafSpan
}

// A leafSpan is a leaf's part of a span.
type leafSpan struct {
	leaf     *columns.Leaf
	def, rep []uint8
	first, n int // values
}

// levels returns the number of levels; a leaf without levels counts one for each value.
func (s *leafSpan) levels() int { return max(len(s.def), s.n) }

// set makes s a range of rows of all leaves. It reuses the memory of s.
func (s *span) set(c *columns.Columns, from, to int) {
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

// release drops the leaves, so that their memory can be freed.
func (s *span) release() { clear(s.leaves[:cap(s.leaves)]) }

// cut reduces s to a range of its rows.
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

// rowAt returns the level at which a row begins: the n-th after the row that begins at level i.
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

// size returns the most bytes that the arrays of the span can have, the bytes of the largest buffer, and its array.
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

// mayBeTooLarge reports whether a row of c may be too large for a record batch of its own. Only a row with lists can be, and only if
// all rows together are too large.
func (l *layout) mayBeTooLarge(c *columns.Columns) bool {
	for _, list := range l.lists {
		if len(c.Leaf(list.leaf).Definitions()) > maxBuffer/list.width-1 {
			return true
		}
	}
	return false
}

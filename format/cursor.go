package format

import "github.com/jetcapture/lake/schema/columns"

// rows has the rows of one payload, on their way from columns to lines.
type rows struct {
	columns *columns.Columns
	leaves  []cursor
	text    []byte // the lines
	json    []byte // of one cell of CSV
}

// A cursor is the position of the next row in a leaf.
type cursor struct {
	leaf  *columns.Leaf
	level int // the next of its levels
	value int // the next of its values
}

func newRows(c *columns.Columns) *rows {
	r := &rows{columns: c, leaves: make([]cursor, c.Len())}
	for i := range r.leaves {
		r.leaves[i].leaf = c.Leaf(i)
	}
	return r
}

// begin moves to the first row.
func (r *rows) begin() {
	for i := range r.leaves {
		r.leaves[i].level, r.leaves[i].value = 0, 0
	}
}

// reset removes the rows, and frees buffers that a large payload made.
func (r *rows) reset() {
	r.columns.Reset()
	if r.columns.Buffered() > maxPooled {
		r.columns.Release()
	}
	r.text, r.json = emptied(r.text), emptied(r.json)
}

func emptied(b []byte) []byte {
	if cap(b) > maxPooled {
		return nil
	}
	return b[:0]
}

// definition returns the level of the next value, or null. The leaf must have some.
func (c *cursor) definition() int { return int(c.leaf.Definitions()[c.level]) }

// continues reports whether the next value continues a list of that level.
func (c *cursor) continues(repetition int) bool {
	levels := c.leaf.Repetitions()
	return c.level < len(levels) && int(levels[c.level]) == repetition
}

// take returns the index of the next value, or false if it is null, and moves past it. maxDefinition is the leaf's.
func (c *cursor) take(maxDefinition int) (i int, ok bool) {
	if maxDefinition > 0 {
		c.level++
		if int(c.leaf.Definitions()[c.level-1]) < maxDefinition {
			return 0, false
		}
	}
	c.value++
	return c.value - 1, true
}

// skip moves past a null or an empty list, which has one level in each of the leaves.
func skip(leaves []cursor) {
	for i := range leaves {
		leaves[i].level++
	}
}

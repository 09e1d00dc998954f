package parquet

import (
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// isSorted reports whether rows are in the order that the tags of the columns name. This package does not sort: rows come in the
// order of their stream, and the footer must be true.
func isSorted(t *table, c *columns.Columns) bool {
	if len(t.sorted) == 0 || c.Rows() == 0 {
		return false
	}
	cursors := make([]cursor, len(t.sorted))
	for i, leaf := range t.sorted {
		l := c.Leaf(leaf)
		cursors[i] = cursor{column: &t.columns[leaf], def: l.Definitions(), values: valuesOf(l), last: -1}
	}
	var scratch [2][]byte
	for row := range c.Rows() {
		decided := false
		for i := range cursors {
			c, ok := cursors[i].next(row, &scratch)
			if !ok {
				return false
			}
			if !decided && c > 0 {
				return false
			}
			decided = decided || c < 0
		}
	}
	return true
}

// A cursor moves through the rows of a column that is not in a list.
type cursor struct {
	column *column
	def    []byte
	values values
	used   int // values before the row
	last   int // the value of the row before, -1 for null
	begun  bool
}

// next compares the row before with the next one, and returns a number above 0 if they are out of order. Nulls come last. ok is
// false if the values have no order.
func (c *cursor) next(row int, scratch *[2][]byte) (order int, ok bool) {
	value := -1
	if c.column.maxDef == 0 || c.def[row] == c.column.maxDef {
		value = c.used
		c.used++
	}
	last, begun := c.last, c.begun
	c.last, c.begun = value, true
	switch {
	case !begun || last == value: // both null
		return 0, true
	case value < 0:
		return -1, true
	case last < 0:
		return 1, true
	}
	order, ok = c.compare(last, value, scratch)
	if c.column.hints.Sort == schema.Descending {
		order = -order
	}
	return order, ok
}

func (c *cursor) compare(a, b int, scratch *[2][]byte) (order int, ok bool) {
	v := &c.values
	switch o := c.column.order; {
	case o == signed64: // sequences and times
		x, y := v.int64s[a], v.int64s[b]
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	case o == float32Order && (v.float32s[a] != v.float32s[a] || v.float32s[b] != v.float32s[b]),
		o == float64Order && (v.float64s[a] != v.float64s[a] || v.float64s[b] != v.float64s[b]):
		return 0, false
	case v.physical == columns.PhysicalBytes || v.physical == columns.PhysicalFixed:
		if o == unordered {
			o = fixedOrder
		}
		return o.compare(v.at(a), v.at(b)), true
	default:
		scratch[0] = v.plain(scratch[0][:0], a, a+1)
		scratch[1] = v.plain(scratch[1][:0], b, b+1)
		return o.compare(scratch[0], scratch[1]), true
	}
}

package arrow_test

import (
	"fmt"
	"math/big"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// rowsOf returns the rows of Columns as batches.rows has them. It makes each value of its levels alone, one after the other,
// and so has nothing in common with how a record batch is made.
func rowsOf(c *columns.Columns) []any {
	cursors := map[*schema.Node]*cursor{}
	for i := range c.Len() {
		cursors[c.Leaf(i).Node()] = &cursor{leaf: c.Leaf(i)}
	}
	rows := []any{}
	for range c.Rows() {
		rows = append(rows, fieldsOf(cursors, c.Schema().Columns()))
	}
	return rows
}

// A cursor is how far a leaf has been read.
type cursor struct {
	leaf         *columns.Leaf
	level, value int
}

func (c *cursor) def() int {
	if d := c.leaf.Definitions(); len(d) > 0 {
		return int(d[c.level])
	}
	return 0
}

// goesOn reports whether what comes next is another item of the list at a repetition level.
func (c *cursor) goesOn(rep int) bool {
	r := c.leaf.Repetitions()
	return c.level < len(r) && int(r[c.level]) >= rep
}

func fieldsOf(cursors map[*schema.Node]*cursor, nodes []*schema.Node) []any {
	fields := []any{}
	for _, n := range nodes {
		fields = append(fields, nodeOf(cursors, n))
	}
	return fields
}

func nodeOf(cursors map[*schema.Node]*cursor, n *schema.Node) any {
	first := n
	for !first.Kind().IsLeaf() {
		first = first.Children()[0]
	}
	at := cursors[first]
	def, rep := n.MaxLevels()
	switch n.Kind() {
	case schema.List, schema.Map:
		switch {
		case at.def() < def-1:
			skip(cursors, n)
			return nil
		case at.def() < def:
			skip(cursors, n)
			return []any{}
		}
		items := []any{}
		for more := true; more; more = at.goesOn(rep) {
			items = append(items, fieldsOf(cursors, n.Children())...)
		}
		return items
	case schema.Struct:
		if at.def() < def {
			skip(cursors, n)
			return nil
		}
		return fieldsOf(cursors, n.Children())
	}
	at.level++
	if c := (cursor{leaf: at.leaf, level: at.level - 1}); c.def() < def {
		return nil
	}
	at.value++
	return at.leafValue(at.value - 1)
}

func skip(cursors map[*schema.Node]*cursor, n *schema.Node) {
	if n.Kind().IsLeaf() {
		cursors[n].level++
	}
	for _, child := range n.Children() {
		skip(cursors, child)
	}
}

func (c *cursor) leafValue(i int) any {
	t := c.leaf.Node().Type()
	physical, size := columns.PhysicalOf(t)
	switch physical {
	case columns.PhysicalBool:
		return fmt.Sprint(c.leaf.Bools()[i])
	case columns.PhysicalInt32:
		if k := t.Kind; k >= schema.Uint8 && k <= schema.Uint32 {
			return fmt.Sprint(uint32(c.leaf.Int32s()[i]))
		}
		return fmt.Sprint(c.leaf.Int32s()[i])
	case columns.PhysicalInt64:
		if t.Kind == schema.Uint64 {
			return fmt.Sprint(uint64(c.leaf.Int64s()[i]))
		}
		return fmt.Sprint(c.leaf.Int64s()[i])
	case columns.PhysicalFloat32:
		return fmt.Sprint(c.leaf.Float32s()[i])
	case columns.PhysicalFloat64:
		return fmt.Sprint(c.leaf.Float64s()[i])
	case columns.PhysicalBytes:
		offsets, data := c.leaf.Bytes()
		return string(data[offsets[i]:offsets[i+1]])
	}
	data, _ := c.leaf.Fixed()
	value := data[i*size : (i+1)*size]
	if t.Kind != schema.Decimal {
		return fmt.Sprintf("%x", value)
	}
	v := new(big.Int).SetBytes(value)
	if value[0] >= 0x80 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), 128))
	}
	return v.String()
}

package rowtest

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// assembler makes rows of Columns again, knowing nothing of how they were appended: by the definition of levels alone.
// Nulls are nil, lists []any, maps []any of key and value one after the other, structs []any in the order of their fields.
type assembler struct {
	columns *columns.Columns
	leaves  map[*schema.Node]*cursor
}

type cursor struct {
	leaf         *columns.Leaf
	level, value int
}

// AssembleAll is Assemble, and checks that all leaves have as many rows as the columns.
func AssembleAll(t testing.TB, c *columns.Columns) []any {
	t.Helper()
	rows := Assemble(c)
	if len(rows) != c.Rows() {
		t.Errorf("there are %d rows, not %d", len(rows), c.Rows())
	}
	return rows
}

// Assemble returns the rows of columns.
func Assemble(c *columns.Columns) []any {
	a := assembler{c, map[*schema.Node]*cursor{}}
	for i, n := range c.Schema().Leaves() {
		a.leaves[n] = &cursor{leaf: c.Leaf(i)}
	}
	rows := make([]any, c.Rows())
	for i := range rows {
		row := []any{}
		for _, n := range c.Schema().Columns() {
			if r := a.first(n).repetition(); r != 0 {
				panic(fmt.Sprintf("row %d of %s begins with repetition %d", i, n.PathString(), r))
			}
			row = append(row, a.node(n))
		}
		rows[i] = row
	}
	for n, cur := range a.leaves {
		if cur.value != cur.leaf.Len() || cur.level != max(len(cur.leaf.Definitions()), len(cur.leaf.Repetitions())) &&
			len(cur.leaf.Definitions()) > 0 {
			panic(fmt.Sprintf("%s has more values than rows", n.PathString()))
		}
	}
	return rows
}

func (a *assembler) first(n *schema.Node) *cursor {
	for !n.Kind().IsLeaf() {
		n = n.Children()[0]
	}
	return a.leaves[n]
}

func (a *assembler) skip(n *schema.Node) {
	if n.Kind().IsLeaf() {
		a.leaves[n].level++
	}
	for _, child := range n.Children() {
		a.skip(child)
	}
}

func (a *assembler) node(n *schema.Node) any {
	def, rep := n.MaxLevels()
	present := def
	repeated := n.Kind() == schema.List || n.Kind() == schema.Map
	if repeated {
		present--
	}
	switch d := a.first(n).definition(); {
	case d < present && !n.Nullable():
		panic(n.PathString() + " is null")
	case d < present:
		a.skip(n)
		return nil
	case repeated && d < def:
		a.skip(n)
		return []any{}
	}
	switch {
	case repeated:
		list := []any{}
		for {
			for _, child := range n.Children() {
				list = append(list, a.node(child))
			}
			if next := a.first(n); next.done() || next.repetition() < rep {
				return list
			}
		}
	case n.Kind() == schema.Struct:
		fields := []any{}
		for _, child := range n.Children() {
			fields = append(fields, a.node(child))
		}
		return fields
	}
	return a.leaves[n].take()
}

func (c *cursor) done() bool { return c.level >= len(c.leaf.Repetitions()) }

func (c *cursor) definition() int {
	if d := c.leaf.Definitions(); len(d) > 0 {
		return int(d[c.level])
	}
	return 0
}

func (c *cursor) repetition() int {
	if r := c.leaf.Repetitions(); len(r) > 0 {
		return int(r[c.level])
	}
	return 0
}

// take returns the next value as text.
func (c *cursor) take() any {
	i := c.value
	c.value++
	c.level++
	physical, size := columns.PhysicalOf(c.leaf.Node().Type())
	switch physical {
	case columns.PhysicalBool:
		return fmt.Sprint(c.leaf.Bools()[i])
	case columns.PhysicalInt32:
		v := c.leaf.Int32s()[i]
		if strings.HasPrefix(c.leaf.Node().Kind().String(), "u") {
			return fmt.Sprint(uint32(v))
		}
		return fmt.Sprint(v)
	case columns.PhysicalInt64:
		v := c.leaf.Int64s()[i]
		if c.leaf.Node().Kind() == schema.Uint64 {
			return fmt.Sprint(uint64(v))
		}
		return fmt.Sprint(v)
	case columns.PhysicalFloat32:
		return fmt.Sprint(c.leaf.Float32s()[i])
	case columns.PhysicalFloat64:
		return fmt.Sprint(c.leaf.Float64s()[i])
	case columns.PhysicalBytes:
		offsets, data := c.leaf.Bytes()
		return string(data[offsets[i]:offsets[i+1]])
	}
	data, _ := c.leaf.Fixed()
	b := data[i*size : (i+1)*size]
	if c.leaf.Node().Kind() == schema.Decimal {
		v := new(big.Int).SetBytes(b)
		if b[0] >= 0x80 {
			v.Sub(v, new(big.Int).Lsh(big.NewInt(1), 128))
		}
		return v.String()
	}
	return fmt.Sprintf("%x", b)
}

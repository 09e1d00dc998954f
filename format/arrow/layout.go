package arrow

import (
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// A layout has the arrays of a record batch in their order, each before its children.
type layout struct {
	arrays []arrayPlan
	lists  []listWidth
}

// An arrayPlan says how the levels (as Dremel calls them) and values of a leaf in Columns become an array. A level of the leaf is
// a slot of the array if its repetition is at most slotRep, that is, it continues no list or map below, and its definition is at
// least slotDef, that is, the list or map above has an element.
type arrayPlan struct {
	form     form
	physical columns.Physical // of a leaf
	width    int              // of a value in bytes, where all have the same
	leaf     int              // the leaf, or the first one below
	maxDef   uint8            // definition of the leaf's values
	list     int              // which array is the list or map around it, or -1
	nullable bool             // with a bitmap of those that are valid
	valid    uint8            // definition from which a slot is valid
	slotDef  uint8            // see above
	slotRep  uint8            //
	itemDef  uint8            // of a list: definition from which a slot has an item,
	itemRep  uint8            // and the highest repetition that begins one
	path     string           // of the node
}

// A form is the layout of the values of an array.
type form uint8

const (
	structs   form = iota // none: all values are in the children
	lists                 // offsets, and the items in the child
	inBits                // one bit each
	narrow8               // 32 bits in Columns, 8 in the array
	narrow16              // 32 bits in Columns, 16 in the array
	same                  // as in Columns
	decimal64             // 64 bits in Columns, 128 in the array
	decimal16             // 16 bytes, the highest first in Columns and last in the array
	text                  // offsets, and the values one after the other
)

// A listWidth is a leaf in a list or map, and the most bytes that a level of it takes in its array.
type listWidth struct{ leaf, width int }

func layoutOf(s *schema.Schema) *layout {
	l := new(layout)
	leaf := 0
	for _, n := range s.Columns() {
		l.add(n, &leaf, -1, 0, 0)
	}
	return l
}

// add appends the arrays of a node. leaf is the next one of Columns; list is the array of the list or map around the node, and
// slotDef and slotRep are the levels of its items.
func (l *layout) add(n *schema.Node, leaf *int, list int, slotDef, slotRep uint8) {
	def, rep := n.MaxLevels()
	a := arrayPlan{
		leaf: *leaf, list: list, nullable: n.Nullable(), valid: uint8(def), slotDef: slotDef, slotRep: slotRep,
		itemDef: uint8(def), itemRep: uint8(rep), path: n.PathString(),
	}
	at := len(l.arrays)
	l.arrays = append(l.arrays, a)
	switch n.Kind() {
	case schema.Struct:
		l.arrays[at].form = structs
		for _, child := range n.Children() {
			l.add(child, leaf, list, slotDef, slotRep)
		}
	case schema.List:
		l.arrays[at].form = lists
		l.arrays[at].valid-- // an empty list is not null
		l.add(n.Element(), leaf, at, a.itemDef, a.itemRep)
	case schema.Map:
		l.arrays[at].form = lists
		l.arrays[at].valid--
		l.arrays = append(l.arrays, arrayPlan{ // the entries: a struct that is no node
			form: structs, leaf: *leaf, list: at, slotDef: a.itemDef, slotRep: a.itemRep, path: a.path,
		})
		for _, child := range n.Children() {
			l.add(child, leaf, at, a.itemDef, a.itemRep)
		}
	default:
		p := &l.arrays[at]
		p.physical, _ = columns.PhysicalOf(n.Type())
		p.form, p.width = formOf(n.Type())
		p.maxDef = uint8(def)
		if rep > 0 {
			l.lists = append(l.lists, listWidth{*leaf, max(p.width, offsetSize)})
		}
		*leaf++
	}
}

const offsetSize = 4

func formOf(t schema.Type) (f form, width int) {
	physical, size := columns.PhysicalOf(t)
	switch k := t.Kind; {
	case k == schema.Bool:
		return inBits, 1 // in Columns
	case k == schema.Int8 || k == schema.Uint8:
		return narrow8, 1
	case k == schema.Int16 || k == schema.Uint16:
		return narrow16, 2
	case k == schema.Decimal && physical == columns.PhysicalInt64:
		return decimal64, 16
	case k == schema.Decimal:
		return decimal16, 16
	case physical == columns.PhysicalBytes:
		return text, 0
	case physical == columns.PhysicalFixed:
		return same, size
	case physical == columns.PhysicalInt64 || physical == columns.PhysicalFloat64:
		return same, 8
	}
	return same, 4
}

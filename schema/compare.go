package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Verdict is how a change of a column affects readers of old and new files together.
type Verdict uint8

// The verdicts, the worst last.
const (
	Compatible Verdict = iota + 1 // nobody needs to do anything
	Widening                      // readers must take the new type for old files too, which DuckDB does by union_by_name
	Breaking                      // queries fail, or return other results than before
)

var verdictNames = [...]string{Compatible: "compatible", Widening: "widening", Breaking: "breaking"}

// String returns the verdict in lower case.
func (v Verdict) String() string { return name(verdictNames[:], v) }

// Change is one difference between two schemas.
type Change struct {
	Path    string // of the node, as Node.PathString has it, in the old schema if it is there
	Verdict Verdict
	What    string // the change, such as "int64, was int32"; with the way out if it is breaking
}

// String returns the change as a line.
func (c Change) String() string { return fmt.Sprintf("%s: %s: %s", c.Path, c.Verdict, c.What) }

// IsBreaking reports whether one of the changes is breaking.
func IsBreaking(changes []Change) bool {
	return slices.ContainsFunc(changes, func(c Change) bool { return c.Verdict == Breaking })
}

// Compare returns the changes that readers notice when they read files of both schemas as one table, by name: DuckDB with
// union_by_name, Spark with mergeSchema, Arrow data sets. A change is breaking if a query over old files fails or returns wrong
// results over new ones, or if old files break a promise of the schema after:
//
//	added, nullable                 compatible: null in old files
//	added, not nullable             breaking: old files have nulls where the new schema promises none
//	added in a nested struct        the same
//	removed                         breaking: a query that names it fails as soon as its files are all new ones
//	renamed                         breaking: to readers by name, removed and added
//	nullable, was not               compatible
//	not nullable, was nullable      breaking: old files have nulls
//	more bits of the same family    widening; also unsigned to larger signed, float32 to float64, and integers of up to
//	                                32 bits to float64
//	decimal with more digits        widening, if neither side of the point loses any
//	timestamp, time in finer units  widening; but not to nanoseconds, whose timestamps begin in 1677
//	fixed to bytes, json to string  widening
//	any other type                  breaking
//	order, field ids                compatible by name; where a reader goes by ids, as Iceberg does, fix them in tags
//
// Hints and names in Go make no difference. Changes come in the order of before, then the added columns.
func Compare(before, after *Schema) []Change {
	var c comparison
	c.nodes(before.columns, after.columns)
	return c.changes
}

type comparison struct{ changes []Change }

func (c *comparison) add(n *Node, v Verdict, format string, args ...any) {
	c.changes = append(c.changes, Change{n.PathString(), v, fmt.Sprintf(format, args...)})
}

func (c *comparison) nodes(before, after []*Node) {
	renamed := make(map[*Node]bool)
	for _, o := range before {
		if n := byName(after, o.name); n != nil {
			c.node(o, n)
		} else if n := sameButForName(o, after); n != nil && byName(before, n.name) == nil && !renamed[n] {
			renamed[n] = true
			c.add(o, Breaking, "renamed to %q: keep the old name in a tag", n.name)
		} else {
			c.add(o, Breaking, "removed: keep the column, which may be null from now on")
		}
	}
	for _, n := range after {
		switch {
		case byName(before, n.name) != nil || renamed[n]:
		case n.nullable:
			c.add(n, Compatible, "added")
		default:
			c.add(n, Breaking, "added, and never null, as it is in old files: make it a pointer, or nullable with a tag \"optional\"")
		}
	}
}

func (c *comparison) node(before, after *Node) {
	switch {
	case before.typ.Kind == after.typ.Kind && !before.typ.Kind.IsLeaf():
		c.nodes(before.children, after.children)
	case before.typ == after.typ:
	case widens(before.typ, after.typ):
		c.add(before, Widening, "%s, was %s", after.typ, before.typ)
	default:
		c.add(before, Breaking, "%s, was %s: keep the type, or give the new one a column of another name", after.typ, before.typ)
	}
	switch {
	case after.nullable && !before.nullable:
		c.add(before, Compatible, "nullable, was not")
	case before.nullable && !after.nullable:
		c.add(before, Breaking, "never null, as it is in old files: keep it nullable")
	}
	if before.id != after.id {
		c.add(before, Compatible, "field id %d, was %d: for readers by field id, keep it with a tag `parquet:\",id(%d)\"`", after.id, before.id, before.id)
	}
}

func byName(nodes []*Node, name string) *Node {
	i := slices.IndexFunc(nodes, func(n *Node) bool { return n.name == name })
	if i < 0 {
		return nil
	}
	return nodes[i]
}

// sameButForName returns the node that differs from n only in its name, as readers see it, or in the case of its name.
func sameButForName(n *Node, nodes []*Node) *Node {
	i := slices.IndexFunc(nodes, func(other *Node) bool {
		return fold(other.name) == fold(n.name) || (other.id == n.id && signature(other) == signature(n))
	})
	if i < 0 {
		return nil
	}
	return nodes[i]
}

func signature(n *Node) string {
	var b strings.Builder
	for below := range allOf([]*Node{n}) {
		if below != n {
			b.WriteString(below.name)
		}
		fmt.Fprintf(&b, " %s %t %d;", below.typ, below.nullable, len(below.children))
	}
	return b.String()
}

// widens reports whether each value of before is a value of after, and DuckDB and others read both as after.
func widens(before, after Type) bool {
	o, n := before.Kind, after.Kind
	switch {
	case o.IsSigned() && n.IsSigned(), o.IsUnsigned() && n.IsUnsigned():
		return o < n
	case o.IsUnsigned() && n.IsSigned():
		return o-Uint8 < n-Int8
	case n == Float64:
		return o == Float32 || (o.isInteger() && o != Int64 && o != Uint64)
	case o == Decimal && n == Decimal:
		return before.Scale <= after.Scale && before.Precision-before.Scale <= after.Precision-after.Scale
	case o == Timestamp && n == Timestamp:
		return before.Local == after.Local && before.Unit == Millis && after.Unit == Micros
	case o == TimeOfDay && n == TimeOfDay:
		return before.Local == after.Local && before.Unit < after.Unit
	}
	return (o == Fixed && n == Bytes) || (o == JSON && n == String)
}

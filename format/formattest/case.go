package formattest

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/jetcapture/lake/schema"
)

// A Case has a struct type, rows of it, and the values of these rows in a file.
type Case struct {
	Name     string
	Type     reflect.Type // a struct
	Options  []schema.Option
	Columns  []string
	Rows     []any    // pointers to the type
	Want     []Struct // the same number
	Rejected []any    // pointers to the type that must be rejected
}

// caseOf returns a case of n rows with the columns.
func caseOf(name string, seed uint64, n int, columns ...part) *Case {
	row := structOf(columns...)
	c := &Case{Name: name, Type: row.typ}
	for _, p := range columns {
		c.Columns = append(c.Columns, p.name)
	}
	s := newSource(seed)
	for s.row = range n {
		c.add(row.next(s))
	}
	return c
}

func (c *Case) add(row reflect.Value, want any) {
	p := reflect.New(c.Type)
	p.Elem().Set(row)
	is, _ := want.(Struct)
	c.Rows, c.Want = append(c.Rows, p.Interface()), append(c.Want, is)
}

// literal returns a case of given rows, each with its values in a file.
func literal[T any](name string, columns []string, rows []is[T], rejected ...T) *Case {
	c := &Case{Name: name, Type: reflect.TypeFor[T](), Columns: columns}
	for i := range rows {
		values, _ := rows[i].want.(List)
		want := make(Struct, len(columns))
		for j := range columns {
			want[j] = Field{columns[j], values[j]}
		}
		c.Rows, c.Want = append(c.Rows, &rows[i].value), append(c.Want, want)
	}
	for i := range rejected {
		c.Rejected = append(c.Rejected, &rejected[i])
	}
	return c
}

// with returns the case with options.
func (c *Case) with(options ...schema.Option) *Case {
	c.Options = options
	return c
}

// places are the places of a leaf: required, nullable by a pointer and by "optional", in structs, lists and maps.
func places(l leaf) []part {
	in := l.shape
	deep := structOf(
		part{name: "V", of: in}, part{name: "Vs", of: listOf(in)},
		part{name: "P", of: pointerTo(in)}, part{name: "M", of: mapOf(keyText, in)},
	)
	return []part{
		{name: "Required", of: in},
		{name: "Pointer", of: pointerTo(in)},
		{name: "Pointers", of: pointerTo(pointerTo(pointerTo(in)))},
		{name: "Optional", of: in, optional: true},
		{name: "InStruct", of: structOf(part{name: "V", of: in}, part{name: "O", of: in, optional: true})},
		{name: "InNullable", of: pointerTo(structOf(part{name: "V", of: in}, part{name: "P", of: pointerTo(in)}))},
		{name: "List", of: listOf(in)},
		{name: "ListOfPointers", of: listOf(pointerTo(in))},
		{name: "OptionalElements", of: optionalElements(in)},
		{name: "ListOfLists", of: listOf(listOf(in))},
		{name: "PointerToList", of: pointerTo(listOf(in))},
		{name: "Array", of: arrayOf(2, in)},
		{name: "Map", of: mapOf(keyText, in)},
		{name: "MapOfPointers", of: mapOf(keyInt, pointerTo(in))},
		{name: "Deep", of: listOf(deep)},
		{name: "Deeper", of: mapOf(keyText, pointerTo(listOf(pointerTo(deep))))},
	}
}

// Matrix returns a case for each kind of field that package schema documents, with its values in all places.
func Matrix() []*Case {
	var cases []*Case
	for i, l := range leaves() {
		c := caseOf(l.name, uint64(i), max(40, 2*l.count), places(l)...)
		for _, v := range l.rejected {
			c.reject(v)
		}
		cases = append(cases, c)
	}
	return append(cases, keysCase())
}

// reject adds rows in which only v is invalid, in the first column and in lists.
func (c *Case) reject(v reflect.Value) {
	for i, p := range []func(row reflect.Value) bool{
		func(row reflect.Value) bool { row.FieldByName("Required").Set(v); return true },
		func(row reflect.Value) bool { return appendTo(row.FieldByName("List"), v) },
		func(row reflect.Value) bool {
			deep := row.FieldByName("Deep")
			last := reflect.New(deep.Type().Elem()).Elem()
			last.FieldByName("V").Set(row.FieldByName("Required"))
			deep.Set(reflect.Append(deep, last))
			return appendTo(deep.Index(deep.Len()-1).FieldByName("Vs"), v)
		},
	} {
		row := reflect.New(c.Type)
		row.Elem().Set(reflect.ValueOf(c.Rows[i]).Elem())
		if p(row.Elem()) {
			c.Rejected = append(c.Rejected, row.Interface())
		}
	}
}

// appendTo appends v to a slice, and reports whether its elements are of that type.
func appendTo(list, v reflect.Value) bool {
	if list.Type().Elem() != v.Type() {
		return false
	}
	list.Set(reflect.Append(list.Slice3(0, list.Len(), list.Len()), v)) // must not overwrite an element of another row
	return true
}

// The keys of maps. All of a leaf's values differ.
var (
	keyText = leafOf("key", "", keysOf(func(s string) any { return Text(s) },
		"", "a", "A", "a\x00", "ä", "b", "10", "9", "ab", "😀", "\ufeffb"), nil).shape
	keyInt = leafOf("key", "", keysOf(func(n int32) any { return I(n) }, 0, -1, 1, 9, 10, -1<<31, 1<<31-1), nil).shape
)

func keysOf[K any](want func(K) any, keys ...K) []is[K] {
	values := make([]is[K], len(keys))
	for i, k := range keys {
		values[i] = is[K]{k, want(k)}
	}
	return values
}

// keysCase has maps with all types of keys.
func keysCase() *Case {
	var columns []part
	value := leafOf("value", "", []is[int64]{{1, Int("1")}, {-1, Int("-1")}}, nil).shape
	for _, l := range leaves() {
		switch l.name {
		case "int", "int8", "uint", "uint8", "uint64", "named", "int as int8", "bool", "string",
			"string enum", "string bytes", "enum", "marshaler", "address", "fixed 1", "fixed 3", "UUID", "fixed UUID",
			"int32 date", "int64 millis", "int32 clock", "int32 decimal 9", "duration", "json.Number", "proto enum":
			columns = append(columns, part{name: fmt.Sprintf("M%d", len(columns)), of: mapOf(l.shape, value)})
		}
	}
	return caseOf("keys of maps", 1, 60, slices.Clip(columns)...)
}

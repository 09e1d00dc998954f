package formattest

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A shape is a Go type together with values of it and their values in a file: a leaf, or structs, lists, maps and pointers around
// leaves. Expected values are made beside the values, never by package schema.
type shape struct {
	typ   reflect.Type
	words string // of the tag of what has the shape: "date", "decimal(2:9)"
	inner string // the additional tags for its elements: parquet-element:",date"
	null  any    // the value of nil in a file: nil, or NoMap

	// next returns a value and its value in a file.
	next func(s *source) (reflect.Value, any)
}

// A source chooses values. row is the number of their row.
type source struct {
	*rand.Rand
	row   int
	depth int // the number of lists and maps around; their lengths shrink with it

	random bool // make random values at the top too, instead of the values of each leaf in their order
}

func newSource(seed uint64) *source { return &source{Rand: rand.New(rand.NewPCG(seed, 0x1a6e))} }

// tag returns the tag of a field of the shape, and of one with more words in front.
func (s shape) tag(first ...string) reflect.StructTag {
	words := slices.DeleteFunc(append(first, s.words), func(w string) bool { return w == "" })
	if len(words) == 0 {
		return reflect.StructTag(s.inner)
	}
	return reflect.StructTag(strings.TrimSpace(innerTag("", words...) + " " + s.inner))
}

// innerTag returns the tag with words for "-element", "-key" or "-value", or for the field itself.
func innerTag(of string, words ...string) string {
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	if len(words) == 0 {
		return ""
	}
	return "parquet" + of + ":" + strconv.Quote(","+strings.Join(words, ","))
}

// boxed returns s, or a struct with s in it if s cannot be in a list or map: since no tag would reach its elements, or since []uint8
// is not a list.
func (s shape) boxed() shape {
	if s.inner == "" && s.typ.Kind() != reflect.Uint8 {
		return s
	}
	return structOf(part{name: "V", of: s})
}

// pointerTo is the shape of a pointer, which is nil one time in four.
func pointerTo(to shape) shape {
	return shape{reflect.PointerTo(to.typ), to.words, to.inner, to.null, func(s *source) (reflect.Value, any) {
		p := reflect.New(reflect.PointerTo(to.typ)).Elem()
		if s.IntN(4) == 0 {
			return p, to.null
		}
		v, want := to.next(s)
		p.Set(reflect.New(to.typ))
		p.Elem().Set(v)
		return p, want
	}}
}

// optionalElements is the shape of a list, whose zero elements are null.
func optionalElements(element shape) shape {
	element = element.boxed()
	if element.typ.Kind() == reflect.Struct && element.words == "" && element.inner == "" && element.typ.Name() == "" {
		return listOf(element) // a box
	}
	list := listOf(shape{element.typ, element.words, "", element.null, func(s *source) (reflect.Value, any) {
		v, want := element.next(s)
		if isZero(v) {
			want = element.null
		}
		return v, want
	}})
	list.inner = innerTag("-element", "optional", element.words)
	return list
}

// A part is a field of a struct.
type part struct {
	name      string
	of        shape
	optional  bool // zero values are null
	omitempty bool // the same, as encoding/json has it; there are no other words
	bloom     bool // whether it has a bloom filter
}

func structOf(parts ...part) shape {
	fields := make([]reflect.StructField, len(parts))
	for i, p := range parts {
		tag := p.of.tag()
		switch {
		case p.optional:
			tag = p.of.tag("optional")
		case p.omitempty:
			tag = reflect.StructTag(`json:",omitempty"`)
		}
		if p.bloom {
			tag = reflect.StructTag(strings.TrimSpace(string(tag) + ` lake:"bloom"`))
		}
		fields[i] = reflect.StructField{Name: p.name, Type: p.of.typ, Tag: tag}
	}
	typ := reflect.StructOf(fields)
	return shape{typ, "", "", nil, func(s *source) (reflect.Value, any) {
		v, want := reflect.New(typ).Elem(), make(Struct, len(parts))
		for i, p := range parts {
			field, is := p.of.next(s)
			if p.optional && isZero(field) || p.omitempty && isEmpty(field) {
				is = p.of.null
			}
			v.Field(i).Set(field)
			want[i] = Field{p.name, is}
		}
		return v, want
	}}
}

// isZero reports whether v is a zero value, which -0 is not, nor a slice that is empty and not nil.
func isZero(v reflect.Value) bool {
	if v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		return v.IsNil()
	}
	if z, ok := v.Interface().(interface{ IsZero() bool }); ok {
		return z.IsZero()
	}
	if v.CanFloat() {
		return math.Float64bits(v.Float()) == 0
	}
	return v.IsZero()
}

// isEmpty reports whether encoding/json would omit v: never a struct, nor an array that has elements.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Struct, reflect.Array:
		return false
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return isZero(v)
}

// length returns the length for a list or a map, or -1 for nil.
func (s *source) length() int {
	lengths := [...]int{-1, 0, 1, 1, 2, 3, 5, 9}
	return lengths[s.IntN(max(4, len(lengths)-2*s.depth))]
}

func listOf(element shape) shape {
	element = element.boxed()
	typ := reflect.SliceOf(element.typ)
	return shape{typ, "", innerTag("-element", element.words), nil, func(s *source) (reflect.Value, any) {
		n := s.length()
		if n < 0 {
			return reflect.Zero(typ), nil
		}
		s.depth++
		defer func() { s.depth-- }()
		v, want := reflect.MakeSlice(typ, n, n), make(List, n)
		for i := range n {
			e, is := element.next(s)
			v.Index(i).Set(e)
			want[i] = is
		}
		return v, want
	}}
}

func arrayOf(n int, element shape) shape {
	element = element.boxed()
	typ := reflect.ArrayOf(n, element.typ)
	return shape{typ, "", innerTag("-element", element.words), nil, func(s *source) (reflect.Value, any) {
		v, want := reflect.New(typ).Elem(), make(List, n)
		for i := range n {
			e, is := element.next(s)
			v.Index(i).Set(e)
			want[i] = is
		}
		return v, want
	}}
}

// mapOf is the shape of a map, whose entries are sorted by their keys in a file.
func mapOf(key, value shape) shape {
	if value.inner != "" {
		value = value.boxed()
	}
	typ := reflect.MapOf(key.typ, value.typ)
	inner := strings.TrimSpace(innerTag("-key", key.words) + " " + innerTag("-value", value.words))
	return shape{typ, "", inner, NoMap{}, func(s *source) (reflect.Value, any) {
		n := s.length()
		if n < 0 {
			return reflect.Zero(typ), NoMap{}
		}
		s.depth++
		defer func() { s.depth-- }()
		v, want := reflect.MakeMap(typ), Map{}
		for range n {
			k, keyIs := key.next(s)
			if v.MapIndex(k).IsValid() || slices.ContainsFunc(want, func(e Entry) bool { return e.Key == keyIs }) {
				continue
			}
			e, is := value.next(s)
			v.SetMapIndex(k, e)
			want = append(want, Entry{keyIs, is})
		}
		slices.SortFunc(want, func(a, b Entry) int { return compareKeys(a.Key, b.Key) })
		return v, want
	}}
}

// compareKeys compares keys: numbers and times by their values, others by their bytes.
func compareKeys(a, b any) int {
	if x, y := countOf(a), countOf(b); x != nil && y != nil {
		return x.Cmp(y)
	}
	if x, ok := a.(UUID); ok {
		y, _ := b.(UUID)
		return slices.Compare(x[:], y[:])
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) // false is before true
}

func countOf(v any) *big.Int {
	switch v := v.(type) {
	case Int:
		n, _ := new(big.Int).SetString(string(v), 10)
		return n
	case Decimal:
		n, _ := new(big.Int).SetString(strings.Replace(string(v), ".", "", 1), 10)
		return n
	case Date:
		return big.NewInt(int64(v))
	case Duration:
		return big.NewInt(int64(v))
	case Timestamp:
		return big.NewInt(v.Count)
	case TimeOfDay:
		return big.NewInt(v.Count)
	}
	return nil
}

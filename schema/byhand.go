package schema

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// A byHand is what the methods of a Row append to the leaves of a schema with. It is made when the first row is, from
// the parts of which plans are made.
type byHand struct {
	once sync.Once
	err  error // there are nested columns
	puts [][methods]putFunc
}

// A method is one of Row's that set a value.
type method uint8

const (
	byBool method = iota
	byInt
	byUint
	byFloat
	byText
	byBytes
	byTime
	byDecimal
	methods
)

var methodNames = [methods]string{"Bool", "Int", "Uint", "Float", "Text", "Bytes", "Time", "Decimal"}

// handle makes the byHand of a schema ready.
func (s *Schema) handle() error {
	h := s.byHand
	if h == nil {
		return errNoColumns
	}
	h.once.Do(func() {
		for _, n := range s.columns {
			if !n.typ.Kind.IsLeaf() {
				h.err = fmt.Errorf("column %s: it is a %s, of which AppendRow can make none: write a Go type and a plan",
					n.name, n.typ.Kind)
				return
			}
		}
		c := &compiler{opts: s.opts}
		if c.opts == nil {
			c.opts = new(options)
		}
		h.puts = make([][methods]putFunc, len(s.leaves))
		for i, n := range s.leaves {
			h.puts[i] = c.byHand(n.typ)
		}
	})
	return h.err
}

// byHand returns what each method appends values of a type with, nil for those that it has nothing to do with.
func (c *compiler) byHand(typ Type) (puts [methods]putFunc) {
	as := func(t reflect.Type, r reader) putFunc {
		return c.leaf(&Node{typ: typ, source: source{typ: t, reader: r}})
	}
	integers := func() {
		puts[byInt], puts[byUint] = as(reflect.TypeFor[int64](), readKind), as(reflect.TypeFor[uint64](), readKind)
	}
	texts := func() {
		puts[byText], puts[byBytes] = as(reflect.TypeFor[string](), readKind), as(reflect.TypeFor[[]byte](), readKind)
	}
	switch k := typ.Kind; k {
	case Bool:
		puts[byBool] = as(reflect.TypeFor[bool](), readKind)
	case Float32:
		puts[byFloat] = putNarrow
	case Float64:
		puts[byFloat] = put8
	case String, Bytes, JSON, UUID:
		texts()
	case Fixed:
		puts[byBytes] = as(reflect.TypeFor[[]byte](), readKind)
	case Timestamp, Date, TimeOfDay:
		integers()
		puts[byTime] = as(reflect.TypeFor[time.Time](), readTime)
	case Decimal:
		integers()
		puts[byDecimal] = as(reflect.TypeFor[string](), readKind)
	default:
		integers()
	}
	return puts
}

// putNarrow appends a float64 that loses nothing as a float32.
func putNarrow(c *Columns, l *Leaf, p unsafe.Pointer) error {
	v := *(*float64)(p)
	narrow := float32(v)
	if float64(narrow) != v && !math.IsNaN(v) {
		return fmt.Errorf("%v is no float32, the nearest is %v: round it before", v, narrow)
	}
	c.put32(l, math.Float32bits(narrow))
	return nil
}

// methods returns the names of those that set column i.
func (h *byHand) methods(i int) string {
	var names []string
	for by, put := range h.puts[i] {
		if put != nil {
			names = append(names, methodNames[by])
		}
	}
	return strings.Join(names, " or ")
}

package columns

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/gosource"
)

// rowSetters are the functions by which the methods of a Row append values. All Columns of a schema share them. They are made
// for the first row, from the same parts as plans.
type rowSetters struct {
	once     sync.Once
	err      error // there are nested columns, or none at all
	byColumn [][setterKinds]putFunc
}

// A setterKind is one of the methods of a Row that set a value.
type setterKind uint8

const (
	setBool setterKind = iota
	setInt
	setUint
	setFloat
	setText
	setBytes
	setTime
	setDecimal
	setterKinds
)

var setterNames = [setterKinds]string{"Bool", "Int", "Uint", "Float", "Text", "Bytes", "Time", "Decimal"}

var errNoColumns = errors.New("a schema has at least one column")

// prepare makes the setters of a schema. It returns an error if the schema can have no rows that are set by column.
func (s *rowSetters) prepare(of *schema.Schema) error {
	s.once.Do(func() {
		columns := of.Columns()
		if len(columns) == 0 {
			s.err = errNoColumns
		}
		for _, n := range columns {
			if !n.Kind().IsLeaf() {
				s.err = fmt.Errorf("column %s: it is a %s, of which AppendRow can make none: write a Go type and a plan",
					n.Name(), n.Kind())
				return
			}
			s.byColumn = append(s.byColumn, settersOf(n.Type(), n.Source().ReplaceInvalid))
		}
	})
	return s.err
}

// settersOf returns the function by which each method appends values of a type: nil for methods that do not set the type.
func settersOf(typ schema.Type, replaceInvalid bool) (setters [setterKinds]putFunc) {
	as := func(t reflect.Type, r gosource.Reader) putFunc {
		return putLeaf(typ, &gosource.Value{Type: t, Reader: r, ReplaceInvalid: replaceInvalid})
	}
	integers := func() {
		setters[setInt] = as(reflect.TypeFor[int64](), gosource.ByKind)
		setters[setUint] = as(reflect.TypeFor[uint64](), gosource.ByKind)
	}
	switch typ.Kind {
	case schema.Bool:
		setters[setBool] = as(reflect.TypeFor[bool](), gosource.ByKind)
	case schema.Float32:
		setters[setFloat] = putNarrow
	case schema.Float64:
		setters[setFloat] = put8
	case schema.String, schema.Bytes, schema.JSON, schema.UUID:
		setters[setText] = as(reflect.TypeFor[string](), gosource.ByKind)
		setters[setBytes] = as(reflect.TypeFor[[]byte](), gosource.ByKind)
	case schema.Fixed:
		setters[setBytes] = as(reflect.TypeFor[[]byte](), gosource.ByKind)
	case schema.Timestamp, schema.Date, schema.TimeOfDay:
		integers()
		setters[setTime] = as(reflect.TypeFor[time.Time](), gosource.ByTime)
	case schema.Decimal:
		integers()
		setters[setDecimal] = as(reflect.TypeFor[string](), gosource.ByKind)
	default:
		integers()
	}
	return setters
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

// names returns the names of the methods that set column i.
func (s *rowSetters) names(i int) string {
	var names []string
	for kind, put := range s.byColumn[i] {
		if put != nil {
			names = append(names, setterNames[kind])
		}
	}
	return strings.Join(names, " or ")
}

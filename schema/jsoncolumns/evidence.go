package jsoncolumns

import (
	"bytes"
	"math"

	"github.com/jetcapture/lake/schema"
)

// evidence counts the values at one path of payloads by kind and type.
type evidence struct {
	name     string
	path     []string
	children []*evidence // of objects, in the order in which they were first met
	byName   map[string]*evidence
	seen     int  // how many objects had it
	data     bool // names of members are data: they are not watched any more

	objects, lists, bools int
	texts                 textEvidence
	numbers               numberEvidence
}

// textEvidence says which types each text so far would fit.
type textEvidence struct {
	count                   int
	notMicros, notTimestamp int // nanoseconds are finer than microseconds
	notDate, notUUID        int
}

// numberEvidence says which types each number so far would fit.
type numberEvidence struct {
	count                       int
	notInt64, notUint64, notF64 int
}

// The columns that text is tried with.
var (
	microsColumn = Column{Type: schema.Type{Kind: schema.Timestamp, Unit: schema.Micros}, Exact: true}
	nanosColumn  = Column{Type: schema.Type{Kind: schema.Timestamp, Unit: schema.Nanos}, Exact: true}
	dateColumn   = Column{Type: schema.Type{Kind: schema.Date}}
	uuidColumn   = Column{Type: schema.Type{Kind: schema.UUID}}
)

// note adds a value, other than an object.
func (e *evidence) note(r *reader, raw []byte) {
	var v value
	not := func(count *int, fits bool) {
		if !fits {
			*count++
		}
	}
	switch raw[0] {
	case '[':
		e.lists++
	case 't', 'f':
		e.bools++
	case 'n': // says nothing
	case '"':
		t := &e.texts
		t.count++
		r.scratch = r.scratch[:0]
		not(&t.notMicros, fitTime(r, &microsColumn, raw, &v))
		not(&t.notTimestamp, fitTime(r, &nanosColumn, raw, &v))
		not(&t.notDate, fitTime(r, &dateColumn, raw, &v))
		not(&t.notUUID, fitUUID(r, &uuidColumn, raw, &v))
	default:
		n := &e.numbers
		n.count++
		whole := !bytes.ContainsAny(raw, ".eE") // 7.0 is an int64, but where it is from there will be 7.5
		negative, magnitude, ok := parseInteger(raw, r.digits[:0])
		not(&n.notInt64, whole && ok && (magnitude <= math.MaxInt64 || negative && magnitude == math.MaxInt64+1))
		not(&n.notUint64, whole && ok && !negative)
		_, fits := parseFloat(raw, r.digits[:0], 64)
		not(&n.notF64, fits)
	}
}

// kinds returns how many kinds of JSON there were, without null.
func (e *evidence) kinds() (kinds int) {
	for _, n := range []int{e.objects, e.lists, e.bools, e.texts.count, e.numbers.count} {
		if n > 0 {
			kinds++
		}
	}
	return kinds
}

// The least that it takes to see that names of members are data.
const (
	leastObjects = 8
	leastNames   = 16
)

// isMap reports whether the names of members are data rather than parts of a type: there are many, and each is in one object
// or in 2% of them, on average.
func (e *evidence) isMap() bool {
	if e.data || len(e.children) < leastNames || e.objects < leastObjects {
		return e.data
	}
	seen := 0
	for _, child := range e.children {
		seen += child.seen
	}
	return seen*50 <= len(e.children)*max(60, e.objects) // 1.2 objects, as a few come twice
}

// forget drops the members of an object, and returns how many paths that were.
func (e *evidence) forget() (paths int) {
	for _, child := range e.children {
		paths += 1 + child.forget()
	}
	e.children, e.byName = nil, nil
	return paths
}

// isObject reports whether all values were objects.
func (e *evidence) isObject() bool { return e.objects > 0 && e.kinds() == 1 }

// leaf returns the type that all values fit, but for null, and false if there was nothing but null.
func (e *evidence) leaf() (schema.Type, bool) {
	switch {
	case e.kinds() == 0:
		return schema.Type{}, false
	case e.kinds() > 1, e.objects > 0, e.lists > 0:
		return schema.Type{Kind: schema.JSON}, true
	case e.bools > 0:
		return schema.Type{Kind: schema.Bool}, true
	case e.texts.count > 0:
		return e.texts.leaf(), true
	}
	return e.numbers.leaf(), true
}

func (t *textEvidence) leaf() schema.Type {
	switch {
	case t.notMicros == 0:
		return microsColumn.Type
	case t.notTimestamp == 0:
		return nanosColumn.Type
	case t.notDate == 0:
		return dateColumn.Type
	case t.notUUID == 0:
		return uuidColumn.Type
	}
	return schema.Type{Kind: schema.String}
}

func (n *numberEvidence) leaf() schema.Type {
	switch {
	case n.notInt64 == 0:
		return schema.Type{Kind: schema.Int64}
	case n.notUint64 == 0:
		return schema.Type{Kind: schema.Uint64}
	case n.notF64 == 0:
		return schema.Type{Kind: schema.Float64}
	}
	return schema.Type{Kind: schema.JSON} // which keeps all digits
}

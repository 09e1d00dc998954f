package jsoncolumns

import (
	"sync"
	"unicode/utf8"
)

// A Misfit is a value that did not fit its column. It is in the column _rest of the message.
type Misfit struct {
	Column    Column
	StreamSeq uint64 // of the message
	Kind      string // of JSON: number, text, bool, object or list
	Example   string // how the value begins
	Hint      string // which type to write instead
}

// maxExample is how many bytes of a value are shown.
const maxExample = 40

func misfitOf(c *Column, seq uint64, raw []byte) Misfit {
	m := Misfit{Column: *c, StreamSeq: seq, Kind: jsonKind(raw), Example: string(raw[:min(len(raw), maxExample)]), Hint: hint(c, raw)}
	for !utf8.ValidString(m.Example) { // it was cut in a character
		m.Example = m.Example[:len(m.Example)-1]
	}
	if len(m.Example) < len(raw) {
		m.Example += "…"
	}
	return m
}

func jsonKind(raw []byte) string {
	switch raw[0] {
	case '"':
		return "text"
	case '{':
		return "object"
	case '[':
		return "list"
	case 't', 'f':
		return "bool"
	}
	return "number"
}

// A Count has the number of values of a column, without nulls, and the number of those that did not fit.
type Count struct {
	Column          string
	Values, Misfits uint64
	First           Misfit // if there are any
}

// MostlyFits reports whether no more than one in a hundred values did not fit.
func (c *Count) MostlyFits() bool { return c.Misfits*100 <= c.Values }

// Counts counts the values of columns. It is safe for concurrent use.
type Counts struct {
	mu      sync.Mutex
	values  []uint64 // that fit, of each column: next to each other, for every message counts in them
	columns []Count  // all but Values
}

func newCounts(columns []Column) *Counts {
	c := &Counts{values: make([]uint64, len(columns)), columns: make([]Count, len(columns))}
	for i := range columns {
		c.columns[i].Column = columns[i].Name
	}
	return c
}

// Misfits returns the counts of the columns that values did not fit into, in their order.
func (c *Counts) Misfits() []Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	var counts []Count
	for i := range c.columns {
		if count := c.columns[i]; count.Misfits > 0 {
			count.Values = c.values[i] + count.Misfits
			counts = append(counts, count)
		}
	}
	return counts
}

// add counts the values of a message, and calls first for each column of which it has the first misfit.
func (c *Counts) add(r *reader, first func(Misfit)) {
	c.mu.Lock()
	for i := range c.values {
		if r.values[i].set {
			c.values[i]++
		}
	}
	var told []Misfit
	for _, m := range r.misfits {
		count := &c.columns[m.column]
		count.Misfits++
		if count.Misfits == 1 {
			count.First = misfitOf(&r.columns[m.column], r.message.StreamSeq, m.raw)
			told = append(told, count.First)
		}
	}
	c.mu.Unlock()
	if first == nil {
		return
	}
	for _, m := range told {
		first(m)
	}
}

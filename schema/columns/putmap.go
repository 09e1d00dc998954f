package columns

import (
	"bytes"
	"cmp"
	"fmt"
	"math/bits"
	"reflect"
	"slices"
	"strings"
	"unsafe"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/gosource"
)

// mapping returns the function that appends a map, its keys sorted, so that equal maps make equal files.
func (c *compiler) mapping(n *schema.Node) appendFunc {
	def, rep := n.MaxLevels()
	key, value := n.KeyValue()
	m := mapAppend{
		key:     c.node(key, key.Source().Steps),
		value:   c.node(value, value.Source().Steps),
		empty:   c.null(n, def-1),
		nextRep: uint8(rep), // maxDepth keeps levels in a byte
		place:   c.maps,
	}
	c.maps++
	switch t := n.Source().Type; reflect.MapOf(t.Key(), t.Elem()) {
	case reflect.TypeFor[map[string]string]():
		return typedMap[string, string](m)
	case reflect.TypeFor[map[string][]string]():
		return typedMap[string, []string](m)
	case reflect.TypeFor[map[string][]byte]():
		return typedMap[string, []byte](m)
	case reflect.TypeFor[map[string]int]():
		return typedMap[string, int](m)
	case reflect.TypeFor[map[string]int64]():
		return typedMap[string, int64](m)
	case reflect.TypeFor[map[string]float64]():
		return typedMap[string, float64](m)
	case reflect.TypeFor[map[string]bool]():
		return typedMap[string, bool](m)
	case reflect.TypeFor[map[int]string]():
		return typedMap[int, string](m)
	case reflect.TypeFor[map[int64]string]():
		return typedMap[int64, string](m)
	default:
		return reflectedMap(m, t, keyOrder(key))
	}
}

// A mapAppend has the parts of a function that appends a map.
type mapAppend struct {
	key, value cell
	empty      appendFunc
	nextRep    uint8 // the repetition level of all entries after the first
	place      int   // the index in Columns.maps
}

// maxSorted is the number of entries for which Columns keep room after a map.
const maxSorted = 256

// buffer returns the buffer for sorting the entries of the map at a place of the plan. No other map uses it at the same time,
// because no type contains itself.
func buffer[B any](c *Columns, place int) *B {
	for place >= len(c.maps) {
		c.maps = append(c.maps, nil)
	}
	b, ok := c.maps[place].(*B)
	if !ok {
		b = new(B)
		c.maps[place] = b
	}
	return b
}

// typedMap appends maps whose underlying type is map[K]V.
func typedMap[K cmp.Ordered, V any](m mapAppend) appendFunc {
	type entry struct {
		key   K
		value V
	}
	each := func(c *Columns, sorted []entry, rep uint8) error {
		for i := range sorted {
			if err := m.key.append(c, unsafe.Pointer(&sorted[i].key), rep); err != nil {
				return err
			}
			if err := m.value.append(c, unsafe.Pointer(&sorted[i].value), rep); err != nil {
				return err
			}
			rep = m.nextRep
		}
		return nil
	}
	return func(c *Columns, p unsafe.Pointer, rep uint8) error {
		entries := *(*map[K]V)(p)
		if len(entries) == 0 {
			return m.empty(c, p, rep)
		}
		kept := buffer[[]entry](c, m.place)
		sorted := slices.Grow((*kept)[:0], len(entries))
		for k, v := range entries {
			sorted = append(sorted, entry{k, v})
		}
		if len(sorted) > 12 {
			slices.SortFunc(sorted, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
		} else { // by insertion
			for i := 1; i < len(sorted); i++ {
				for j := i; j > 0 && sorted[j].key < sorted[j-1].key; j-- {
					sorted[j], sorted[j-1] = sorted[j-1], sorted[j]
				}
			}
		}
		err := each(c, sorted, rep)
		clear(sorted) // nothing of the value is kept
		if *kept = sorted; cap(sorted) > maxSorted {
			*kept = nil
		}
		return err
	}
}

// An entry is an entry of a map whose type is known at run time only.
type entry struct {
	key, value unsafe.Pointer
	text       string // of a key with a text
}

// entries are the entries of such a map. keys and values are slices with a length of room.
type entries struct {
	iter         reflect.MapIter
	keys, values reflect.Value
	room         int
	sorted       []entry
}

// read copies the entries of a map.
func (e *entries) read(t reflect.Type, from reflect.Value, order *keyCompare) error {
	count := from.Len()
	if count > e.room {
		e.room = 1 << bits.Len(uint(count-1))
		e.keys = reflect.MakeSlice(reflect.SliceOf(t.Key()), e.room, e.room)
		e.values = reflect.MakeSlice(reflect.SliceOf(t.Elem()), e.room, e.room)
		e.sorted = make([]entry, 0, e.room)
	}
	key, value := e.keys.UnsafePointer(), e.values.UnsafePointer()
	e.iter.Reset(from)
	for i := 0; i < count && e.iter.Next(); i++ {
		e.keys.Index(i).SetIterKey(&e.iter)
		e.values.Index(i).SetIterValue(&e.iter)
		next := entry{key: unsafe.Add(key, uintptr(i)*t.Key().Size()), value: unsafe.Add(value, uintptr(i)*t.Elem().Size())}
		if order.text != nil {
			text, err := order.text(next.key)
			if err != nil {
				return fmt.Errorf("key of a map: %w", err)
			}
			next.text = string(text)
		}
		e.sorted = append(e.sorted, next)
	}
	return nil
}

// forget drops all references to the map and what was in it.
func (e *entries) forget(count int) {
	if e.room > maxSorted {
		*e = entries{}
		return
	}
	e.iter.Reset(reflect.Value{})
	for i := range min(count, e.room) {
		e.keys.Index(i).SetZero()
		e.values.Index(i).SetZero()
	}
	clear(e.sorted)
	e.sorted = e.sorted[:0]
}

func reflectedMap(m mapAppend, t reflect.Type, order keyCompare) appendFunc {
	each := func(c *Columns, e *entries, from reflect.Value, rep uint8) error {
		if err := e.read(t, from, &order); err != nil {
			return err
		}
		slices.SortFunc(e.sorted, order.compare)
		for i, next := range e.sorted {
			if order.text != nil && i > 0 && next.text == e.sorted[i-1].text {
				return fmt.Errorf("two keys of a map have the same text %.100q", next.text)
			}
			if err := m.key.append(c, next.key, rep); err != nil {
				return err
			}
			if err := m.value.append(c, next.value, rep); err != nil {
				return err
			}
			rep = m.nextRep
		}
		return nil
	}
	return func(c *Columns, p unsafe.Pointer, rep uint8) error {
		from := reflect.NewAt(t, p).Elem()
		count := from.Len()
		if count == 0 {
			return m.empty(c, p, rep)
		}
		e := buffer[entries](c, m.place)
		err := each(c, e, from, rep)
		e.forget(count)
		return err
	}
}

// A keyCompare is the order of the keys of a map.
type keyCompare struct {
	text    func(unsafe.Pointer) ([]byte, error) // returns the text that compare needs; nil if it needs none
	compare func(a, b entry) int
}

func keyOrder(key *schema.Node) keyCompare {
	t := key.Source().Type
	if r := key.Source().Reader; r == gosource.ByText || r == gosource.ByStringer {
		return keyCompare{textOf(t, r), func(a, b entry) int { return strings.Compare(a.text, b.text) }}
	}
	switch k := t.Kind(); {
	case k == reflect.String:
		return keyCompare{compare: func(a, b entry) int { return strings.Compare(*(*string)(a.key), *(*string)(b.key)) }}
	case k == reflect.Array:
		size := t.Len()
		return keyCompare{compare: func(a, b entry) int {
			return bytes.Compare(unsafe.Slice((*byte)(a.key), size), unsafe.Slice((*byte)(b.key), size))
		}}
	case k == reflect.Bool:
		return keyCompare{compare: func(a, b entry) int { return cmp.Compare(*(*uint8)(a.key), *(*uint8)(b.key)) }}
	case k >= reflect.Uint && k <= reflect.Uint64:
		load := loadUint(t)
		return keyCompare{compare: func(a, b entry) int { return cmp.Compare(load(a.key), load(b.key)) }}
	default:
		load := loadInt(t)
		return keyCompare{compare: func(a, b entry) int { return cmp.Compare(load(a.key), load(b.key)) }}
	}
}

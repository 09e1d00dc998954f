package schema

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unsafe"
)

// mapping returns what appends a map, its keys sorted, so that the same map makes the same file.
func (c *compiler) mapping(n *Node) appendFunc {
	def, rep := n.MaxLevels()
	key, value := n.children[0], n.children[1]
	m := mapAppend{
		key:   c.node(key, key.source.steps),
		value: c.node(value, value.source.steps),
		empty: c.null(n, def-1),
		again: uint8(rep), // maxDepth keeps levels in a byte
	}
	switch t := n.source.typ; reflect.MapOf(t.Key(), t.Elem()) {
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

// A mapAppend is the parts of what appends a map.
type mapAppend struct {
	key, value, empty appendFunc
	again             uint8 // the repetition level of all but the first
}

// typedMap is for maps of type map[K]V, by whatever name.
func typedMap[K cmp.Ordered, V any](m mapAppend) appendFunc {
	type entry struct {
		key   K
		value V
	}
	buffers := sync.Pool{New: func() any { return new([]entry) }}
	return func(c *Columns, p unsafe.Pointer, rep uint8) error {
		entries := *(*map[K]V)(p)
		if len(entries) == 0 {
			return m.empty(c, p, rep)
		}
		buffer, _ := buffers.Get().(*[]entry) // not the Columns': maps may be in maps
		sorted := slices.Grow((*buffer)[:0], len(entries))
		defer func() {
			clear(sorted) // nothing of the value is kept
			*buffer = sorted
			buffers.Put(buffer)
		}()
		for k, v := range entries {
			sorted = append(sorted, entry{k, v})
		}
		slices.SortFunc(sorted, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
		for i := range sorted {
			if err := m.key(c, unsafe.Pointer(&sorted[i].key), rep); err != nil {
				return err
			}
			if err := m.value(c, unsafe.Pointer(&sorted[i].value), rep); err != nil {
				return err
			}
			rep = m.again
		}
		return nil
	}
}

// An entry is one of a map of a type that is known at run time only.
type entry struct {
	key, value unsafe.Pointer
	text       string // of keys that have one
}

func reflectedMap(m mapAppend, t reflect.Type, order keyCompare) appendFunc {
	return func(c *Columns, p unsafe.Pointer, rep uint8) error {
		entries := reflect.NewAt(t, p).Elem()
		if entries.Len() == 0 {
			return m.empty(c, p, rep)
		}
		keys := reflect.MakeSlice(reflect.SliceOf(t.Key()), entries.Len(), entries.Len())
		values := reflect.MakeSlice(reflect.SliceOf(t.Elem()), entries.Len(), entries.Len())
		sorted := make([]entry, 0, entries.Len())
		for i, iter := 0, entries.MapRange(); iter.Next(); i++ {
			keys.Index(i).SetIterKey(iter)
			values.Index(i).SetIterValue(iter)
			e := entry{key: keys.Index(i).Addr().UnsafePointer(), value: values.Index(i).Addr().UnsafePointer()}
			if order.text != nil {
				text, err := order.text(e.key)
				if err != nil {
					return fmt.Errorf("key of a map: %w", err)
				}
				e.text = string(text)
			}
			sorted = append(sorted, e)
		}
		slices.SortFunc(sorted, order.compare)
		for i, e := range sorted {
			if order.text != nil && i > 0 && e.text == sorted[i-1].text {
				return fmt.Errorf("two keys of a map have the same text %.100q", e.text)
			}
			if err := m.key(c, e.key, rep); err != nil {
				return err
			}
			if err := m.value(c, e.value, rep); err != nil {
				return err
			}
			rep = m.again
		}
		return nil
	}
}

// A keyCompare is the order of a map's keys.
type keyCompare struct {
	text    func(unsafe.Pointer) ([]byte, error) // what compare needs, or nil
	compare func(a, b entry) int
}

func keyOrder(key *Node) keyCompare {
	t := key.source.typ
	if r := key.source.reader; r == readText || r == readStringer {
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

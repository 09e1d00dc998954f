package schema

import (
	"reflect"
	"slices"
	"strings"

	"github.com/jetcapture/lake/schema/internal/gosource"
)

// A field is a field of a struct, or of a struct that it embeds, that becomes a node.
type field struct {
	reflect.StructField
	fieldTag
	steps []gosource.Step // from the struct to the field
	depth int             // how many structs it is embedded in
	named bool            // by a tag
	at    string          // for errors
}

// fieldsOf returns the fields of t in declaration order, chosen as Go and encoding/json do: of those with the same name
// the least deep counts, and if there are several, the one that is named by a tag.
//
// What Go can't decide, and encoding/json silently leaves out, is an error.
func (w *walk) fieldsOf(t reflect.Type, at string) []field {
	found := w.collect(nil, t, field{at: at}, []reflect.Type{t})

	best := make(map[string]int) // by name, the first of those that count
	for i := range found {
		if j, ok := best[found[i].name]; !ok || compareRank(&found[i], &found[j]) < 0 {
			best[found[i].name] = i
		}
	}
	var fields []field
	for i, f := range found {
		if j := best[f.name]; i == j {
			fields = append(fields, f)
		} else if compareRank(&found[j], &f) == 0 {
			w.refuse(f.at, "there is a column %q already, at %s: name one of them in its tag", f.name, found[j].at)
		}
	}
	return fields
}

// compareRank is negative if a counts and b of the same name does not.
func compareRank(a, b *field) int {
	if a.depth != b.depth {
		return a.depth - b.depth
	}
	switch {
	case a.named == b.named:
		return 0
	case a.named:
		return -1
	}
	return 1
}

// collect adds to found the fields of t and of what it embeds. outer is the field that embeds t, and path the structs that
// are around it.
func (w *walk) collect(found []field, t reflect.Type, outer field, path []reflect.Type) []field {
	proto := isProto(t)
	for i := range t.NumField() {
		sf := t.Field(i)
		at := outer.at + "." + sf.Name
		if !sf.IsExported() && !sf.Anonymous {
			continue
		}
		if proto && strings.HasPrefix(sf.Name, "XXX_") { // bookkeeping
			continue
		}
		if isOneof(sf) {
			found = w.oneof(found, t, sf, outer)
			continue
		}
		tag, err := tagOf(sf)
		if tag.skip {
			continue
		}
		if err != nil {
			w.fail(at, err)
			continue
		}
		steps := append(slices.Clone(outer.steps), gosource.Step{Op: gosource.Add, Offset: sf.Offset})
		f := field{sf, tag, steps, outer.depth, tag.name != "", at}
		if proto { // a zero is a value there, but for what may be unset
			f.spec.required, f.spec.emptyIsNull = !f.spec.zeroIsNull && !mayBeUnset(sf), false
			f.element.required, f.value.required = true, true
		}
		if sf.Anonymous && tag.name == "" {
			if inner, ok := embedded(sf.Type); ok {
				if sf.Tag.Get("parquet") != "" || sf.Tag.Get("lake") != "" {
					w.refuse(at, "the options are of no column: name the embedded struct in its tag, or leave them out")
				}
				if w.embedded++; w.embedded > maxNodes {
					if w.embedded == maxNodes+1 {
						w.refuse(at, "there are more than %d embedded structs: leave some out with a tag `parquet:\"-\"`", maxNodes)
					}
					return found
				}
				if slices.Contains(path, inner) {
					w.refuse(at, "type %.200s contains itself, which no schema can: leave it out with a tag `parquet:\"-\"`", inner)
					continue
				}
				f.depth++
				if sf.Type.Kind() == reflect.Pointer {
					f.steps = append(f.steps, gosource.Step{Op: gosource.Deref})
				}
				found = w.collect(found, inner, f, append(path, inner))
				continue
			}
		}
		if !sf.IsExported() {
			continue
		}
		if f.name == "" {
			f.name = sf.Name
		}
		found = append(found, f)
	}
	return found
}

// mayBeUnset reports whether a nil slice in a protocol buffer means that it is unset: optional bytes, in proto3 by the word
// optional, in older files by default.
func mayBeUnset(sf reflect.StructField) bool {
	tag := sf.Tag.Get("protobuf")
	return strings.HasSuffix(tag, ",oneof") || strings.Contains(tag, ",opt,") && !strings.Contains(tag, ",proto3")
}

// embedded returns the struct whose fields stand for a field that embeds t, if there is one.
func embedded(t reflect.Type) (reflect.Type, bool) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t, t.Kind() == reflect.Struct && !isLeafStruct(t)
}

// fold returns the same text for all spellings of a name that differ only in case.
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

package schema

import (
	"reflect"
	"slices"
	"strings"
)

// A field is one of a struct's that becomes a node, its own or one of a struct that it embeds.
type field struct {
	reflect.StructField
	fieldTag
	steps []step // from the struct to the field
	depth int    // how many structs it is embedded in
	named bool   // by a tag
	at    string // for errors
}

// fieldsOf returns the fields of t in declaration order, chosen as Go and encoding/json do: of those with the same name
// the least deep counts, and if there are several, the one that is named by a tag.
//
// What Go can't decide, and encoding/json silently leaves out, is an error.
func (w *walk) fieldsOf(t reflect.Type, at string) []field {
	found := w.collect(nil, t, field{at: at}, []reflect.Type{t})

	byName := make(map[string][]int)
	for i := range found {
		byName[found[i].name] = append(byName[found[i].name], i)
	}
	var fields []field
	for i, f := range found {
		rivals := byName[f.name]
		best := slices.MinFunc(rivals, func(a, b int) int { return compareRank(&found[a], &found[b]) })
		if best != i {
			if compareRank(&found[best], &f) == 0 {
				w.refuse(f.at, "there is a column %q already, at %s: name one of them in its tag", f.name, found[best].at)
			}
			continue
		}
		fields = append(fields, f)
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
		tag, err := tagOf(sf)
		if tag.skip {
			continue
		}
		if err != nil {
			w.fail(at, err)
			continue
		}
		steps := append(slices.Clone(outer.steps), step{op: opAdd, offset: sf.Offset})
		f := field{sf, tag, steps, outer.depth, tag.name != "", at}
		if kind := sf.Type.Kind(); f.spec.required && kind != reflect.Slice && kind != reflect.Map {
			w.refuse(at, "\"required\" is for slices and maps, whose nil is then empty: leave it out")
		}
		if proto { // a zero is a value there, but for what may be unset
			optional := strings.HasSuffix(sf.Tag.Get("protobuf"), ",oneof")
			f.spec.required, f.spec.emptyIsNull = !f.spec.zeroIsNull && !optional, false
		}
		if sf.Anonymous && tag.name == "" {
			if inner, ok := embedded(sf.Type); ok {
				if sf.Tag.Get("parquet") != "" || sf.Tag.Get("lake") != "" {
					w.refuse(at, "the options are of no column: name the embedded struct in its tag, or leave them out")
				}
				if len(found) > maxNodes {
					return found
				}
				if slices.Contains(path, inner) {
					w.refuse(at, "type %s contains itself, which no schema can: leave it out with a tag `parquet:\"-\"`", inner)
					continue
				}
				f.depth++
				if sf.Type.Kind() == reflect.Pointer {
					f.steps = append(f.steps, step{op: opDeref})
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

// embedded returns the struct whose fields are to stand for a field that embeds t, if it is one.
func embedded(t reflect.Type) (reflect.Type, bool) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t, t.Kind() == reflect.Struct && !isLeafStruct(t)
}

// fold returns what all spellings of a name have in common that differ only in case.
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

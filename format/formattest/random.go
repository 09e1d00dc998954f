package formattest

import (
	"database/sql"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Random returns a case of a random struct type with random rows, which depend only on the seed. The type has every kind of
// field that package schema documents, nested up to four deep; the rows are those of Matrix and others, some of them in
// long runs.
func Random(seed uint64) *Case {
	s := newSource(seed)
	s.random = true
	r := randomShapes{s, leaves()}
	columns := r.parts(1+s.IntN(6), 1+s.IntN(4))
	c := caseOf("seed "+strconv.FormatUint(seed, 10), 0, 0, columns...)
	row := structOf(columns...)
	rows := []int{0, 1, 2, 7, 8, 9, 30, 63, 64, 65, 100, 300}[s.IntN(12)]
	for len(c.Rows) < rows {
		v, want := row.next(s)
		c.add(v, want)
		if s.IntN(8) == 0 {
			for range s.IntN(1 << s.IntN(11)) {
				c.Rows, c.Want = append(c.Rows, c.Rows[len(c.Rows)-1]), append(c.Want, c.Want[len(c.Want)-1])
			}
		}
	}
	for i, p := range columns {
		l := slices.IndexFunc(r.leaves, func(l leaf) bool { return l.shape.typ == p.of.typ && l.shape.words == p.of.words })
		if l < 0 || len(c.Rows) == 0 {
			continue
		}
		for _, v := range r.leaves[l].rejected {
			bad := reflect.New(c.Type)
			bad.Elem().Set(reflect.ValueOf(c.Rows[s.IntN(len(c.Rows))]).Elem())
			bad.Elem().Field(i).Set(v)
			if null := p.optional && isZero(v) || p.omitempty && isEmpty(v); !null {
				c.Rejected = append(c.Rejected, bad.Interface())
			}
		}
	}
	return c
}

type randomShapes struct {
	*source
	leaves []leaf
}

func (r randomShapes) parts(n, depth int) []part {
	parts := make([]part, n)
	for i := range parts {
		parts[i] = part{name: "F" + strconv.Itoa(i), of: r.shape(depth)}
		p := &parts[i]
		if r.IntN(8) == 0 {
			p.of = r.leaf()
			p.bloom = p.of.typ.Kind() != reflect.Bool && p.of.typ != reflect.TypeFor[sql.NullBool]()
		}
		container := p.of.typ.Kind() == reflect.Struct && p.of.typ.Name() == "" // its fields decide whether it is zero
		switch r.IntN(6) {
		case 0:
			p.optional = !container
		case 1:
			p.omitempty = p.of.words == "" && p.of.inner == ""
		}
	}
	return parts
}

// shape returns a random shape. Half of all are leaves.
func (r randomShapes) shape(depth int) shape {
	if depth <= 0 || r.IntN(2) == 0 {
		return r.leaf()
	}
	switch r.IntN(9) {
	case 0, 1:
		return pointerTo(r.shape(depth - 1))
	case 2, 3:
		return listOf(r.shape(depth - 1))
	case 4:
		return optionalElements(r.leaf())
	case 5:
		keys := []string{"string", "int", "uint8", "bool", "fixed 3", "UUID", "address", "enum", "int32 date"}
		chosen := keys[r.IntN(len(keys))]
		key := r.leaves[slices.IndexFunc(r.leaves, func(l leaf) bool { return l.name == chosen })].shape
		return mapOf(key, r.shape(depth-1))
	case 6:
		return arrayOf(1+r.IntN(3), r.shape(depth-1))
	}
	return structOf(r.parts(1+r.IntN(4), depth-1)...)
}

var codecWords = []string{"snappy", "gzip", "brotli", "lz4", "zstd", "uncompressed"}

// leaf returns a random leaf, some with a codec or an encoding of their own.
func (r randomShapes) leaf() shape {
	l := r.leaves[r.IntN(len(r.leaves))].shape
	words := slices.DeleteFunc(strings.Split(l.words, ","), func(w string) bool { return w == "" })
	if r.IntN(5) == 0 {
		words = append(words, codecWords[r.IntN(len(codecWords))])
	}
	encoded := slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains([]string{"plain", "dict", "delta", "split"}, w)
	})
	if r.IntN(5) == 0 && !encoded {
		words = append(words, r.encoding(l))
	}
	l.words = strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), ",")
	return l
}

// encoding returns a word of an encoding that the leaf allows.
func (r randomShapes) encoding(l shape) string {
	if l.words != "" || l.typ.PkgPath() != "" { // its tag or its methods decide about its column
		return "plain"
	}
	words := []string{"plain", "dict"}
	switch k := l.typ.Kind(); {
	case k == reflect.Bool:
		return "plain"
	case k >= reflect.Int && k <= reflect.Uint64:
		words = append(words, "delta", "split")
	case k == reflect.Float32, k == reflect.Float64, k == reflect.Array:
		words = append(words, "split")
	case k == reflect.String, k == reflect.Slice:
		words = append(words, "delta")
	}
	return words[r.IntN(len(words))]
}

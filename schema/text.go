package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// String returns the schema as a table: field id, name, type, whether it may be null, and hints.
//
//	1  id         string              dict
//	2  at         timestamp(micros)  null
//	3  items      list               null
//	4    element  struct
//	5      sku    string
func (s *Schema) String() string {
	var lines [][4]string
	for n := range allOf(s.columns) {
		null := ""
		if n.nullable {
			null = "null"
		}
		indent := strings.Repeat("  ", len(n.Path())-1)
		lines = append(lines, [4]string{strconv.Itoa(n.id), indent + plainName(n.name), n.typ.String(), null + n.hints.text()})
	}
	var width [4]int
	for _, line := range lines {
		for i, cell := range line {
			width[i] = max(width[i], len(cell))
		}
	}
	var b strings.Builder
	for _, l := range lines {
		line := fmt.Sprintf("%*s  %-*s  %-*s  %s", width[0], l[0], width[1], l[1], width[2], l[2], l[3])
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

func (h Hints) text() string {
	var b strings.Builder
	for _, word := range []string{h.Encoding.String(), h.Codec.word(), h.Sort.String()} {
		if word != "" {
			b.WriteString(" " + word)
		}
	}
	if h.Bloom {
		b.WriteString(" bloom")
	}
	return b.String()
}

// plainName returns the name, in quotes if it needs them in a line of text.
func plainName(name string) string {
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` || strings.ContainsAny(name, " .") {
		return quoted
	}
	return name
}

// Fingerprint returns 32 hexadecimal digits. Two schemas have the same fingerprint if their files have the same columns: the
// same names, in the same order, with the same field ids, types and nullability.
//
// The order counts, as row groups can be copied from file to file only if it is the same. Names in Go do not, nor do the
// hints, so a file's encoding may change under a fingerprint.
func (s *Schema) Fingerprint() string {
	sum := sha256.Sum256([]byte(s.canonical()))
	return hex.EncodeToString(sum[:16])
}

// canonical returns the text whose hash is the fingerprint. It must never change for a schema: files have its hash.
func (s *Schema) canonical() string {
	var b strings.Builder
	b.WriteString("columns 1\n")
	for n := range allOf(s.columns) {
		fmt.Fprintf(&b, "%d %d %s %q %t\n", len(n.Path()), n.id, n.typ, n.name, n.nullable)
	}
	return b.String()
}

package format

import (
	"bytes"

	"github.com/jetcapture/lake/schema"
)

// csvLine returns the names of a schema's columns as a line of CSV.
func csvLine(s *schema.Schema) (line []byte) {
	for _, n := range s.Columns() {
		line = append(appendCSVText(line, []byte(n.Name())), ',')
	}
	line[len(line)-1] = '\n'
	return line
}

// csv returns a cellFunc that appends a row as one record.
func (c *cells) csv() (cellFunc, error) {
	columns := c.schema.Columns()
	fields := make([]cellFunc, len(columns))
	for i, n := range columns {
		var err error
		if fields[i], err = c.field(n); err != nil {
			return nil, err
		}
	}
	return func(r *rows, out []byte) []byte {
		begin := len(out)
		for _, field := range fields {
			out = append(field(r, out), ',')
		}
		if len(out) == begin+1 { // an empty line, which readers skip
			out = append(out[:begin], `"",`...)
		}
		out[len(out)-1] = '\n'
		return out
	}, nil
}

// field returns a cellFunc that appends a column as one field, which is empty for a null and never empty for a value.
func (c *cells) field(n *schema.Node) (cellFunc, error) {
	definition, _ := n.MaxLevels()
	if n.Kind().IsLeaf() {
		i, put := c.leaves[n], valueOf(n.Type()).csv()
		return func(r *rows, out []byte) []byte {
			if at, ok := r.leaves[i].take(definition); ok {
				return put(out, r.leaves[i].leaf, at)
			}
			return out
		}, nil
	}
	json, err := c.json(n)
	if err != nil {
		return nil, err
	}
	return func(r *rows, out []byte) []byte {
		if r.json = json(r, r.json[:0]); bytes.Equal(r.json, []byte("null")) {
			return out
		}
		return appendCSVText(out, r.json)
	}, nil
}

// appendCSVText appends a field of text. It quotes text that a reader could take for a null or for the end of the field, or, if
// the reader guesses the dialect of a file, for another delimiter, quote or comment.
func appendCSVText(out, text []byte) []byte {
	plain := len(text) > 0 && text[0] != ' ' && text[len(text)-1] != ' '
	for _, b := range text {
		plain = plain && plainInCSV[b]
	}
	if plain {
		return append(out, text...)
	}
	out = append(out, '"')
	for {
		i := bytes.IndexByte(text, '"')
		if i < 0 {
			return append(append(out, text...), '"')
		}
		out = append(append(out, text[:i]...), `""`...)
		text = text[i+1:]
	}
}

var plainInCSV = func() (plain [256]bool) {
	for b := range plain {
		plain[b] = b >= 0x80
	}
	for _, b := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 +-_./:=@()") {
		plain[b] = true
	}
	return plain
}()

package jsoncolumns

import (
	"slices"
	"unicode/utf8"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema/columns"
)

// A message has the values of the columns of metadata.
type message struct {
	format.RawMessage
	names []string // of headers, for sorting
}

// fillMetadata sets the columns of metadata, in their order.
func (r *reader) fillMetadata(row *columns.Row) error {
	m := &r.message
	if err := row.Text(0, m.Subject); err != nil {
		return err
	}
	if err := r.fillHeaders(row, 1); err != nil {
		return err
	}
	if err := row.Text(2, m.Stream); err != nil {
		return err
	}
	if err := row.Int(3, int64(m.StreamSeq)); err != nil { // Validate has seen that it fits
		return err
	}
	if err := row.Time(4, m.Timestamp); err != nil {
		return err
	}
	return row.Int(5, m.Timestamp.UnixNano())
}

// fillHeaders sets the headers to an object of lists, its names sorted, or to null if there are none.
func (r *reader) fillHeaders(row *columns.Row, i int) error {
	m := &r.message
	if len(m.Headers) == 0 {
		return row.Null(i)
	}
	m.names = m.names[:0]
	for name := range m.Headers {
		m.names = append(m.names, name)
	}
	slices.Sort(m.names)
	out := append(r.headers[:0], '{')
	for n, name := range m.names {
		if n > 0 {
			out = append(out, ',')
		}
		out = append(appendQuoted(out, name), ':', '[')
		for n, value := range m.Headers[name] {
			if n > 0 {
				out = append(out, ',')
			}
			out = appendQuoted(out, value)
		}
		out = append(out, ']')
	}
	r.headers = append(out, '}')
	return row.Text(i, text(r.headers))
}

// appendQuoted writes text, which is UTF-8, as JSON.
func appendQuoted(out []byte, text string) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	start := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= utf8.RuneSelf || c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		out = append(out, text[start:i]...)
		start = i + 1
		if c < ' ' {
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		} else {
			out = append(out, '\\', c)
		}
	}
	return append(append(out, text[start:]...), '"')
}

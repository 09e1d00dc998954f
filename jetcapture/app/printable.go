package app

import (
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Printable returns text of strangers for a terminal: all that is not printable, such as line ends and what moves the cursor or
// changes colours, is escaped as in Go, like \x1b.
func Printable(text string) string { return escape(text, "") }

// escape keeps some characters that are not printable.
func escape(text, keep string) string {
	bad := func(r rune) bool { return !strconv.IsPrint(r) && !strings.ContainsRune(keep, r) }
	if !strings.ContainsFunc(text, bad) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if invalid := r == utf8.RuneError && size == 1; invalid || bad(r) {
			quoted := strconv.Quote(text[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return b.String()
}

// A printableWriter writes lines that are Printable. Each Write must have whole ones.
type printableWriter struct{ w io.Writer }

func (p printableWriter) Write(lines []byte) (int, error) {
	_, err := io.WriteString(p.w, escape(string(lines), "\n\t"))
	return len(lines), err
}

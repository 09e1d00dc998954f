package app

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Printable makes untrusted text safe for a terminal: it escapes characters that are not printable, such as line ends and control
// sequences, as Go does, like \x1b.
func Printable(text string) string { return escape(text, "") }

// escape keeps some characters that are not printable.
func escape(text, keep string) string { return escapeBy(text, keep, goEscape) }

func goEscape(character string) string {
	quoted := strconv.Quote(character)
	return quoted[1 : len(quoted)-1]
}

// jsonEscape escapes characters that encoders of JSON leave as they are: all but the first 32.
func jsonEscape(character string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(character)) {
		fmt.Fprintf(&b, "\\u%04x", unit)
	}
	return b.String()
}

func escapeBy(text, keep string, escaped func(character string) string) string {
	bad := func(r rune) bool { return !strconv.IsPrint(r) && !strings.ContainsRune(keep, r) }
	if !strings.ContainsFunc(text, bad) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if invalid := r == utf8.RuneError && size == 1; invalid || bad(r) {
			b.WriteString(escaped(text[:size]))
		} else {
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return b.String()
}

// PrintableJSON returns a writer of JSON to w that is safe for a terminal: it escapes characters that are not printable, as JSON does.
// Each Write must have whole lines.
func PrintableJSON(w io.Writer) io.Writer { return printableWriter{w, jsonEscape} }

// A printableWriter writes lines that are Printable. Each Write must have whole ones.
type printableWriter struct {
	w       io.Writer
	escaped func(character string) string
}

func (p printableWriter) Write(lines []byte) (int, error) {
	_, err := io.WriteString(p.w, escapeBy(string(lines), "\n\t", p.escaped))
	return len(lines), err
}

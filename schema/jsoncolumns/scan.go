package jsoncolumns

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// maxDepth is how deep values may be nested, as encoding/json and the check of json columns have it.
const maxDepth = 10_000

// A scan reads JSON (RFC 8259) once, from front to back, and checks all of it. Its methods expect what they read at the
// place where it stands, leave it behind that, and return false for what is no JSON; problem then says why.
type scan struct {
	text    []byte
	at      int
	problem error
}

var (
	errNoJSON    = errors.New("it is no JSON")
	errDeep      = fmt.Errorf("it is nested more than %d deep", maxDepth)
	errSurrogate = errors.New(`it has a \u escape of half a surrogate pair, which is no text`)
	errNotUTF8   = errors.New("it is not UTF-8")
	errEmpty     = errors.New("it is empty, which is no JSON")
)

// begin stands before the first value of text.
func (s *scan) begin(text []byte) bool {
	s.text, s.at, s.problem = text, 0, nil
	switch {
	case len(text) == 0:
		return s.fail(errEmpty)
	case !utf8.Valid(text):
		return s.fail(errNotUTF8)
	}
	s.space()
	return true
}

// end reports whether there is nothing left.
func (s *scan) end() bool {
	s.space()
	return s.at == len(s.text) || s.fail(errNoJSON)
}

func (s *scan) fail(problem error) bool {
	s.problem = problem
	return false
}

// err returns what is wrong with the payload, and where.
func (s *scan) err() error {
	if errors.Is(s.problem, errEmpty) || errors.Is(s.problem, errNotUTF8) {
		return fmt.Errorf("payload: %w", s.problem)
	}
	return fmt.Errorf("payload: %w, at byte %d", s.problem, s.at)
}

func (s *scan) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// peek returns the next byte, or 0 at the end, which no JSON has.
func (s *scan) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

// value reads any value, of which depth objects and lists are around.
func (s *scan) value(depth int) bool {
	switch c := s.peek(); c {
	case '"':
		_, ok := s.str()
		return ok
	case '{':
		return s.skip(depth + 1)
	case '[':
		return s.list(depth + 1)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

// skip reads an object, whose names are checked and forgotten.
func (s *scan) skip(depth int) bool {
	more, ok := s.open(depth, '}')
	for ; more; more, ok = s.next('}') {
		if _, _, ok := s.name(); !ok || !s.value(depth) {
			return false
		}
	}
	return ok
}

func (s *scan) list(depth int) bool {
	more, ok := s.open(depth, ']')
	for ; more; more, ok = s.next(']') {
		if !s.value(depth) {
			return false
		}
	}
	return ok
}

// open begins an object or a list, in which values are depth deep, and reports whether there is anything in it.
func (s *scan) open(depth int, end byte) (more, ok bool) {
	if depth > maxDepth {
		return false, s.fail(errDeep)
	}
	s.at++
	s.space()
	if s.peek() == end {
		s.at++
		return false, true
	}
	return true, true
}

// next goes on behind a value of an object or a list, and reports whether there is another.
func (s *scan) next(end byte) (more, ok bool) {
	s.space()
	switch s.peek() {
	case ',':
		s.at++
		s.space()
		return true, true
	case end:
		s.at++
		return false, true
	}
	return false, s.fail(errNoJSON)
}

// name reads the name of a member and the colon. It returns the name as it stands in the text, with its quotes, and
// whether it has no escapes.
func (s *scan) name() (name []byte, plain, ok bool) {
	start := s.at
	if s.peek() != '"' {
		return nil, false, s.fail(errNoJSON)
	}
	if plain, ok = s.str(); !ok {
		return nil, false, false
	}
	name = s.text[start:s.at]
	s.space()
	if s.peek() != ':' {
		return nil, false, s.fail(errNoJSON)
	}
	s.at++
	s.space()
	return name, plain, true
}

func (s *scan) word(word string) bool {
	if !bytes.HasPrefix(s.text[s.at:], []byte(word)) {
		return s.fail(errNoJSON)
	}
	s.at += len(word)
	return true
}

// number reads -0.1e+2 and the like.
func (s *scan) number() bool {
	if s.peek() == '-' {
		s.at++
	}
	if s.peek() == '0' {
		s.at++
	} else if !s.digits() {
		return false
	}
	if s.peek() == '.' {
		s.at++
		if !s.digits() {
			return false
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		return s.digits()
	}
	return true
}

func (s *scan) digits() bool {
	start := s.at
	for s.at < len(s.text) && s.text[s.at]-'0' <= 9 {
		s.at++
	}
	return s.at > start || s.fail(errNoJSON)
}

// str reads text in quotes. plain says that it has no escapes.
func (s *scan) str() (plain, ok bool) {
	plain = true
	text, i := s.text, s.at+1
	for {
		for i+8 <= len(text) {
			n := stops(binary.LittleEndian.Uint64(text[i:]))
			i += n
			if n < 8 {
				break
			}
		}
		if i >= len(text) {
			s.at = i
			return plain, s.fail(errNoJSON)
		}
		switch c := text[i]; {
		case c == '"':
			s.at = i + 1
			return plain, true
		case c == '\\':
			plain = false
			s.at = i
			if !s.escape() {
				return false, false
			}
			i = s.at
		case c < ' ':
			s.at = i
			return plain, s.fail(errNoJSON)
		default:
			i++
		}
	}
}

// stops returns which of eight bytes is the first that is a quote, a backslash or a control character, or 8. It tests all
// of them at once: a byte's highest bit is set in the sum if it is one of them, and what is set above the first is not
// looked at.
func stops(eight uint64) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	quote, backslash := eight^(ones*'"'), eight^(ones*'\\')
	found := ((quote-ones)&^quote | (backslash-ones)&^backslash | (eight-ones*' ')&^eight) & highs
	return bits.TrailingZeros64(found) / 8
}

// escape reads what begins with a backslash.
func (s *scan) escape() bool {
	if s.at+1 >= len(s.text) {
		return s.fail(errNoJSON)
	}
	switch s.text[s.at+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at += 2
		return true
	case 'u':
		_, n, ok := unicodeEscape(s.text[s.at:])
		switch {
		case !ok && n > 0:
			return s.fail(errSurrogate)
		case !ok:
			return s.fail(errNoJSON)
		}
		s.at += n
		return true
	}
	return s.fail(errNoJSON)
}

// unicodeEscape reads \u0041 or a surrogate pair, and returns the length of that, which is 0 if there are no digits.
func unicodeEscape(text []byte) (r rune, n int, ok bool) {
	first, ok := hex4(text)
	switch {
	case !ok:
		return 0, 0, false
	case first < 0xD800 || first > 0xDFFF:
		return first, 6, true
	case first >= 0xDC00:
		return 0, 6, false
	}
	second, ok := hex4(text[6:])
	if !ok || second < 0xDC00 || second > 0xDFFF {
		return 0, 6, false
	}
	return (first-0xD800)<<10 | (second - 0xDC00) + 0x10000, 12, true
}

// hexDigits has the value of each digit, and 255 for what is none.
var hexDigits = func() (values [256]byte) {
	for c := range values {
		values[c] = 255
	}
	for i, c := range "0123456789abcdef" {
		values[c] = byte(i)
	}
	for i, c := range "ABCDEF" {
		values[c] = byte(10 + i)
	}
	return values
}()

// hex4 reads \u and four digits.
func hex4(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range text[2:6] {
		digit := hexDigits[c]
		if digit > 15 {
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	return r, true
}

// unquote appends what a text in quotes says to out. The text has been read by str.
func unquote(out, quoted []byte) []byte {
	text := quoted[1 : len(quoted)-1]
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return append(out, text...)
		}
		out = append(out, text[:i]...)
		text = text[i:]
		n := 2
		switch c := text[1]; c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			var r rune
			r, n, _ = unicodeEscape(text)
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, c)
		}
		text = text[n:]
	}
}

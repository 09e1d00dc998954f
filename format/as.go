package format

import "io"

// AnyWriter is a Writer of payloads of any type: a Writer without its Write.
type AnyWriter interface {
	InitNew(out io.Writer) error
	Flush() error
}

// A Wrapper is a Writer around another, of the same payloads or of others. As finds what the Writer inside can do, so that a
// Wrapper loses none of it:
//
//	type counted struct {
//		format.Writer[Order]
//		orders int
//	}
//
//	func (c *counted) Unwrap() format.AnyWriter { return c.Writer }
//
//	func (c *counted) Write(o Order) (rows int, err error) { c.orders++; return c.Writer.Write(o) }
//
// What changes by wrapping, the Wrapper implements itself: Bufferer and Spiller if it holds rows back, ColumnLister if it adds
// columns, and Suffixer and MessageReader if it changes the file, for example by encrypting it. formattest.Capabilities
// tests a Wrapper.
type Wrapper interface {
	AnyWriter

	// Unwrap returns the Writer inside.
	Unwrap() AnyWriter
}

// As returns w as a T, one of the optional interfaces of this package: w itself if it is one, or else the outermost Writer that
// it wraps and that is one. It returns false if there is none. It is for once a block; keep what it returns.
func As[T any](w AnyWriter) (found T, ok bool) {
	for w != nil {
		if found, ok = w.(T); ok {
			return found, true
		}
		outer, ok := w.(Wrapper)
		if !ok {
			break
		}
		w = outer.Unwrap()
	}
	return found, false
}

// Columns returns the columns of w, which it has as a ColumnLister, or nil.
func Columns(w AnyWriter) []string {
	if l, ok := As[ColumnLister](w); ok {
		return l.Columns()
	}
	return nil
}

// Suffix returns the suffix of w's files, which it has as a Suffixer, or "".
func Suffix(w AnyWriter) string {
	if s, ok := As[Suffixer](w); ok {
		return s.Suffix()
	}
	return ""
}

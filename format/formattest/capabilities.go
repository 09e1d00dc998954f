package formattest

import (
	"io"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
)

// Capabilities tests that wrap, which puts a Writer into another, loses nothing that the Writer inside can do: format.As finds
// every optional interface of package format, and calls that only the Writer inside can answer reach it.
func Capabilities[P any](t *testing.T, wrap func(format.Writer[P]) format.AnyWriter) {
	t.Helper()
	for _, name := range lostCapabilities(wrap) {
		t.Errorf("the wrapper loses the %s inside: give it a method Unwrap, see format.Wrapper", name)
	}
}

// lostCapabilities returns the names of the interfaces that wrapping loses.
func lostCapabilities[P any](wrap func(format.Writer[P]) format.AnyWriter) (lost []string) {
	inside := &capable[P]{called: map[string]bool{}}
	w := wrap(inside)
	check := func(name string, found bool) {
		if !found || !inside.called[name] {
			lost = append(lost, name)
		}
	}
	b, ok := format.As[format.Bufferer](w)
	if ok {
		b.Buffered()
	}
	check("Bufferer", ok)
	s, ok := format.As[format.Spiller](w)
	if ok {
		_ = s.Spill()
	}
	check("Spiller", ok)
	c, ok := format.As[format.SelfCompressor](w)
	if ok {
		_ = c.SetCompression(format.Zstd)
	}
	check("SelfCompressor", ok)
	m, ok := format.As[format.MetadataSetter](w)
	if ok {
		m.SetMetadata(map[string]string{"a": "b"})
	}
	check("MetadataSetter", ok)
	d, ok := format.As[format.Describer](w)
	if ok {
		d.Attributes()
	}
	check("Describer", ok)

	// A wrapper may answer these by itself.
	if format.Columns(w) == nil {
		lost = append(lost, "ColumnLister")
	}
	if format.Suffix(w) == "" {
		lost = append(lost, "Suffixer")
	}
	if _, ok := format.As[format.MessageReader](w); !ok {
		lost = append(lost, "MessageReader")
	}
	return lost
}

// A capable is a Writer that can do everything, and knows which of its methods were called.
type capable[P any] struct{ called map[string]bool }

func (c *capable[P]) InitNew(io.Writer) error       { return nil }
func (c *capable[P]) Write(P) (rows int, err error) { return 1, nil }
func (c *capable[P]) Flush() error                  { return nil }
func (c *capable[P]) Buffered() int64               { c.called["Bufferer"] = true; return 1 }
func (c *capable[P]) Spill() error                  { c.called["Spiller"] = true; return nil }
func (c *capable[P]) SetCompression(format.Codec) error {
	c.called["SelfCompressor"] = true
	return nil
}
func (c *capable[P]) SetMetadata(map[string]string) { c.called["MetadataSetter"] = true }
func (c *capable[P]) Columns() []string             { return []string{"a"} }
func (c *capable[P]) Suffix() string                { return "x" }

func (c *capable[P]) Attributes() map[string]string {
	c.called["Describer"] = true
	return nil
}

func (c *capable[P]) ReadMessages(io.ReaderAt, int64, func(streamSeq uint64, timestamp time.Time)) error {
	return nil
}

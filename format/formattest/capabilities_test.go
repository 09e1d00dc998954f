package formattest_test

import (
	"slices"
	"testing"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
)

// counted is a wrapper as package format describes it.
type counted struct {
	format.Writer[string]
	payloads int
}

func (c *counted) Unwrap() format.AnyWriter { return c.Writer }

func (c *counted) Write(payload string) (int, error) { c.payloads++; return c.Writer.Write(payload) }

// lengths is a wrapper of other payloads.
type lengths struct{ format.Writer[int] }

func (l lengths) Unwrap() format.AnyWriter { return l.Writer }

func (l lengths) Write(payload string) (int, error) { return l.Writer.Write(len(payload)) }

// forgetful is a wrapper without Unwrap.
type forgetful struct{ format.Writer[string] }

// renamed answers for itself what a wrapper may, and passes on nothing else.
type renamed struct{ forgetful }

func (renamed) Suffix() string  { return "x.enc" }
func (renamed) Buffered() int64 { return 0 }

func TestWrappersLoseNoCapability(t *testing.T) {
	formattest.Capabilities(t, func(w format.Writer[string]) format.AnyWriter { return w })
	formattest.Capabilities(t, func(w format.Writer[string]) format.AnyWriter { return &counted{Writer: w} })
	formattest.Capabilities(t, func(w format.Writer[string]) format.AnyWriter { return &counted{Writer: &counted{Writer: w}} })
	formattest.Capabilities(t, func(w format.Writer[int]) format.AnyWriter { return lengths{w} })
}

func TestLostCapabilitiesAreNamed(t *testing.T) {
	all := []string{
		"Bufferer", "Spiller", "SelfCompressor", "MetadataSetter", "Describer", "ColumnLister", "Suffixer", "MessageReader",
	}
	lost := formattest.LostCapabilities(func(w format.Writer[string]) format.AnyWriter { return forgetful{w} })
	if !slices.Equal(lost, all) {
		t.Errorf("a wrapper without Unwrap loses %q, not %q", lost, all)
	}
	all = slices.DeleteFunc(all, func(name string) bool { return name == "Suffixer" })
	lost = formattest.LostCapabilities(func(w format.Writer[string]) format.AnyWriter { return renamed{forgetful{w}} })
	if !slices.Equal(lost, all) { // Buffered did not ask the Writer inside
		t.Errorf("a wrapper with some methods loses %q, not %q", lost, all)
	}
}

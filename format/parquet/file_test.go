package parquet_test

import (
	"errors"
	"io"
	"testing"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
)

// lossy is an out that takes one byte less than it gets at its n-th write, and says so by the number only.
type lossy struct{ left int }

func (l *lossy) Write(p []byte) (int, error) {
	if l.left--; l.left == 0 {
		return len(p) - 1, nil
	}
	return len(p), nil
}

func TestAShortWriteBreaksTheBlock(t *testing.T) {
	for n := range 3 { // the magic bytes, the pages, the footer
		w := rawWriters(t, parquet.Options{})()
		if err := w.InitNew(&lossy{n + 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(manyMessages(1)[0]); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); !errors.Is(err, format.ErrBroken) || !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("after a short write %d, Flush returns %v", n, err)
		}
	}
}

func TestLimitsHaveLimits(t *testing.T) {
	for _, o := range []parquet.Options{{PageBytes: 1<<28 + 1}, {PageBytes: 1<<10 - 1}, {RowGroupBytes: 1<<32 + 1}} {
		if _, err := parquet.RawWriters[*formattest.Message](o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	for _, o := range []parquet.Options{{PageBytes: 1 << 28}, {PageBytes: 1 << 10}, {RowGroupBytes: 1 << 32}} {
		if _, err := parquet.RawWriters[*formattest.Message](o); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

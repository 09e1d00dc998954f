package formattest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// A leafChunk has the pages of a column in a row group, to be compared with their statistics in the file: readers that skip pages and
// row groups by wrong statistics miss rows.
type leafChunk struct {
	column *parquet.Column
	chunk  parquet.ColumnChunk
	pages  [][]parquet.Value
}

// checkStatistics returns an error if a value is not within the bounds of its page or row group, or not in the bloom filter,
// or nulls are miscounted.
func (l *leafChunk) checkStatistics() error {
	nulls := int64(0)
	for _, page := range l.pages {
		nulls += nullsOf(page)
	}
	if file, ok := l.chunk.(*parquet.FileColumnChunk); ok {
		if n := file.NullCount(); n != nulls {
			return fmt.Errorf("the row group claims %d nulls, but has %d", n, nulls)
		}
		if least, most, ok := file.Bounds(); ok {
			for _, page := range l.pages {
				if err := l.within(page, least, most); err != nil {
					return fmt.Errorf("statistics of the row group: %w", err)
				}
			}
		}
	}
	if err := l.checkIndex(); err != nil {
		return fmt.Errorf("column index: %w", err)
	}
	return l.checkBloom()
}

func nullsOf(page []parquet.Value) (n int64) {
	for _, v := range page {
		if v.IsNull() {
			n++
		}
	}
	return n
}

func (l *leafChunk) checkIndex() error {
	index, err := l.chunk.ColumnIndex()
	if errors.Is(err, parquet.ErrMissingColumnIndex) {
		return nil
	}
	if err != nil {
		return err
	}
	if index.NumPages() != len(l.pages) {
		return fmt.Errorf("there are %d pages, and %d in the file", index.NumPages(), len(l.pages))
	}
	for i, page := range l.pages {
		nulls := nullsOf(page)
		switch {
		case index.NullCount(i) != nulls:
			return fmt.Errorf("page %d claims %d nulls, but has %d", i, index.NullCount(i), nulls)
		case index.NullPage(i) != (nulls == int64(len(page))):
			return fmt.Errorf("page %d claims to be all nulls: %t, but has %d of %d", i, index.NullPage(i), nulls, len(page))
		case index.NullPage(i):
			continue
		}
		if err := l.within(page, index.MinValue(i), index.MaxValue(i)); err != nil {
			return fmt.Errorf("page %d: %w", i, err)
		}
	}
	return nil
}

func (l *leafChunk) checkBloom() error {
	filter := l.chunk.BloomFilter()
	if filter == nil {
		return nil
	}
	for _, page := range l.pages {
		for _, v := range page {
			if v.IsNull() {
				continue
			}
			if ok, err := filter.Check(v); err != nil || !ok {
				return fmt.Errorf("the bloom filter has no %s: %w", v, err)
			}
		}
	}
	return nil
}

// within returns an error for a value that is not between least and most.
func (l *leafChunk) within(page []parquet.Value, least, most parquet.Value) error {
	lowest, err := canonicalOfParquet(l.column, least)
	if err != nil {
		return err
	}
	highest, err := canonicalOfParquet(l.column, most)
	if err != nil {
		return err
	}
	for _, v := range page {
		if v.IsNull() {
			continue
		}
		value, err := canonicalOfParquet(l.column, v)
		if err != nil {
			return err
		}
		if compareBounds(lowest, value) > 0 || compareBounds(highest, value) < 0 {
			return fmt.Errorf("%s is not from %s to %s", show(value), show(lowest), show(highest))
		}
	}
	return nil
}

// compareBounds compares values in the order of statistics. NaN is never a bound, nor out of bounds, and -0 is below 0.
func compareBounds(a, b any) int {
	switch x := a.(type) {
	case Float32:
		y, _ := b.(Float32)
		return compareFloats(float64(math.Float32frombits(uint32(x))), float64(math.Float32frombits(uint32(y))))
	case Float64:
		y, _ := b.(Float64)
		return compareFloats(math.Float64frombits(uint64(x)), math.Float64frombits(uint64(y)))
	case Bytes:
		y, _ := b.(Bytes)
		return strings.Compare(string(x), string(y))
	case Text:
		y, _ := b.(Text)
		return strings.Compare(string(x), string(y))
	case JSON:
		y, _ := b.(JSON)
		return strings.Compare(string(x), string(y))
	}
	return compareKeys(a, b)
}

func compareFloats(x, y float64) int {
	switch {
	case x != x || y != y:
		return 0
	case x == 0 && y == 0:
		return cmp.Compare(b2i(math.Signbit(y)), b2i(math.Signbit(x)))
	}
	return cmp.Compare(x, y)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

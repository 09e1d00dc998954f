package parquet

import (
	"slices"

	pq "github.com/parquet-go/parquet-go"
	pqformat "github.com/parquet-go/parquet-go/format"
)

// statistics says whether readers are told the least and greatest values of a column, in the footer for a row group and
// in the column index for a page.
//
// Values of any length would be copied there at full length, and parquet-go's way to leave them out says that all values
// are "", which makes readers miss rows. So a column either has honest ones, or none and no column index.
type statistics bool

const (
	withBounds    statistics = true
	withoutBounds statistics = false
)

// maxBound is the length in bytes above which a bound is left out, with all others of its column and row group.
const maxBound = 256

// statisticsOf has bounds for all columns but those of bytes and of JSON, where no reader could use them.
func statisticsOf(leaf pq.Node) statistics {
	switch kind := leaf.Type().Kind(); {
	case kind == pq.FixedLenByteArray:
		return leaf.Type().Length() <= maxBound
	case kind != pq.ByteArray:
		return withBounds
	}
	logical := leaf.Type().LogicalType()
	if logical == nil {
		return withoutBounds
	}
	switch logical.Value.(type) {
	case *pqformat.StringType, *pqformat.EnumType:
		return withBounds
	}
	return withoutBounds
}

// A column is what the writer knows of a leaf of the schema.
type column struct {
	path  []string
	stats statistics
}

// columnsOf returns the columns of a schema, and options so that no bounds are looked for where there will be none.
func columnsOf(root *pq.Schema) (columns []column, skip []pq.WriterOption) {
	for _, path := range root.Columns() {
		leaf, _ := root.Lookup(path...)
		c := column{slices.Clone(path), statisticsOf(leaf.Node)}
		columns = append(columns, c)
		if c.stats == withoutBounds {
			skip = append(skip, pq.SkipPageBounds(c.path...))
		}
	}
	return columns, skip
}

// keep removes from a column what it is to have none of. It returns nil instead of such an index.
func (s statistics) keep(chunk *pqformat.Statistics, index *pqformat.ColumnIndex) *pqformat.ColumnIndex {
	if s == withBounds && !anyLong(chunk.MinValue, chunk.MaxValue) && !anyLong(index.MinValues...) && !anyLong(index.MaxValues...) {
		return index
	}
	chunk.MinValue, chunk.MaxValue, chunk.Min, chunk.Max = nil, nil, nil, nil
	return nil
}

func anyLong(bounds ...[]byte) bool {
	for _, b := range bounds {
		if len(b) > maxBound {
			return true
		}
	}
	return false
}

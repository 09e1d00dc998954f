package parquet

import (
	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// choose returns the encoding of a chunk of n values. For RLE_DICTIONARY it has built e.dictionary.
//
// A tag decides if the type allows its encoding. Otherwise values that repeat become a dictionary. It is tried only if a sample
// of the values repeats, since a dictionary of values that do not repeat takes twice the time and makes files larger. Other
// integers and times become differences, and the rest is PLAIN, which every reader has known longest.
func (e *encoder) choose(c *column, v *values, n int) pqformat.Encoding {
	switch hint := c.hints.Encoding; {
	case hint == schema.Plain:
		return pqformat.Plain
	case hint == schema.Dict && n > 0:
		if e.dictionary.build(v, n, dictionaryEntries) {
			return pqformat.RLEDictionary
		}
		return pqformat.Plain
	case hint == schema.Delta && v.physical == columns.PhysicalBytes:
		return pqformat.DeltaLengthByteArray
	case hint == schema.Delta && isInteger(v):
		return pqformat.DeltaBinaryPacked
	case hint == schema.Split && (v.physical == columns.PhysicalFloat32 || v.physical == columns.PhysicalFloat64):
		return pqformat.ByteStreamSplit // DuckDB reads it of nothing else
	}
	if n < minSampled || v.physical == columns.PhysicalBool {
		return pqformat.Plain
	}
	// An entry of a dictionary pays if it occurs a few times; an entry of few bytes only if it occurs often.
	most := n / 4
	if v.physical != columns.PhysicalBytes && v.physical != columns.PhysicalFixed {
		most = min(n/16, 4096)
	}
	if e.sample.distinct(v, n) <= most && e.dictionary.build(v, n, n/2) {
		return pqformat.RLEDictionary
	}
	if isInteger(v) {
		return pqformat.DeltaBinaryPacked
	}
	return pqformat.Plain
}

// minSampled is the number of values below which only PLAIN pays.
const minSampled = 32

func isInteger(v *values) bool {
	return v.physical == columns.PhysicalInt32 || v.physical == columns.PhysicalInt64
}

package parquet

import (
	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/schema"
)

// choose returns the encoding of a chunk of n values. For RLE_DICTIONARY it has built e.dictionary.
//
// A tag decides where it can be followed. Otherwise values that repeat become a dictionary; it is tried only where a sample
// says that they do, as a dictionary of values that do not doubles the time and makes files larger. What is left is
// differences of integers and times, and PLAIN, which every reader has known for longest.
func (e *encoder) choose(c *column, v *values, n int) pqformat.Encoding {
	switch hint := c.hints.Encoding; {
	case hint == schema.Plain:
		return pqformat.Plain
	case hint == schema.Dict && n > 0:
		if e.dictionary.build(v, n, dictionaryEntries) {
			return pqformat.RLEDictionary
		}
		return pqformat.Plain
	case hint == schema.Delta && v.physical == schema.PhysicalBytes:
		return pqformat.DeltaLengthByteArray
	case hint == schema.Delta && isInteger(v):
		return pqformat.DeltaBinaryPacked
	case hint == schema.Split && (v.physical == schema.PhysicalFloat32 || v.physical == schema.PhysicalFloat64):
		return pqformat.ByteStreamSplit // DuckDB reads it of nothing else
	}
	if n < minSampled || v.physical == schema.PhysicalBool {
		return pqformat.Plain
	}
	// An entry of a dictionary pays if it comes some times, one of few bytes only if it comes often.
	most := n / 4
	if v.physical != schema.PhysicalBytes && v.physical != schema.PhysicalFixed {
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

// minSampled is the number of values below which nothing pays but PLAIN.
const minSampled = 32

func isInteger(v *values) bool {
	return v.physical == schema.PhysicalInt32 || v.physical == schema.PhysicalInt64
}

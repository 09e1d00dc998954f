package formattest

import (
	"strings"

	"github.com/jetcapture/lake/schema"
)

// A limit converts a value of one type to the value that a reader returns for it, which differs from the value in the file. It
// returns other values unchanged. Readers may deviate only by their limits, and no value is left out because of them.
type limit func(v any) any

// sees returns the row as the reader can see it.
func (r Reader) sees(row Struct) Struct {
	fields, _ := seen(row, func(v any) any {
		for _, limit := range r.limits {
			v = limit(v)
		}
		return v
	}).(Struct)
	return fields
}

var (
	limitsOfParquetGo   = []limit{durationsAreIntegers}
	limitsOfDuckDB      = []limit{durationsAreIntegers, textLosesItsMark, millisAreMicros, nanosInUTCAreMicros}
	limitsOfParquetWASM = []limit{durationsAreIntegers, timesOfDayHaveNoZone, jsonIsText, uuidsAreBytes}
	limitsOfHyparquet   = []limit{durationsAreIntegers}
	limitsOfPolars      = []limit{
		durationsAreIntegers, timesOfDayHaveNoZone, timesOfDayAreNanos, jsonIsBytes, uuidsAreBytes, mapsAreLists,
	}
	limitsOfArrowJS     = []limit{timesOfDayHaveNoZone, jsonIsText, uuidsAreBytes}
	limitsOfPolarsArrow = []limit{
		timesOfDayHaveNoZone, timesOfDayAreNanos, jsonIsText, uuidsAreBytes, nullMapsAreEmpty, mapsAreLists,
	}
)

// Parquet has no type for durations.
func durationsAreIntegers(v any) any {
	if d, ok := v.(Duration); ok {
		return I(d)
	}
	return v
}

// DuckDB's JavaScript takes U+FEFF at the beginning of a text for a byte order mark.
func textLosesItsMark(v any) any {
	if s, ok := v.(Text); ok {
		return Text(strings.TrimPrefix(string(s), "\ufeff"))
	}
	return v
}

// DuckDB reads milliseconds as microseconds.
func millisAreMicros(v any) any {
	switch t := v.(type) {
	case Timestamp:
		if t.Unit == schema.Millis {
			return Timestamp{t.Count * 1e3, schema.Micros, t.UTC}
		}
	case TimeOfDay:
		if t.Unit == schema.Millis {
			return TimeOfDay{t.Count * 1e3, schema.Micros, t.UTC}
		}
	}
	return v
}

// DuckDB cuts off nanoseconds of times in UTC, towards 1970. It keeps those of wall clocks.
func nanosInUTCAreMicros(v any) any {
	switch t := v.(type) {
	case Timestamp:
		if t.Unit == schema.Nanos && t.UTC {
			return Timestamp{t.Count / 1e3, schema.Micros, true}
		}
	case TimeOfDay:
		if t.Unit == schema.Nanos && t.UTC {
			return TimeOfDay{t.Count / 1e3, schema.Micros, true}
		}
	}
	return v
}

// Arrow's times of day do not have UTC.
func timesOfDayHaveNoZone(v any) any {
	if t, ok := v.(TimeOfDay); ok {
		return TimeOfDay{t.Count, t.Unit, false}
	}
	return v
}

// Polars reads all times of day as nanoseconds.
func timesOfDayAreNanos(v any) any {
	t, ok := v.(TimeOfDay)
	switch {
	case ok && t.Unit == schema.Millis:
		return TimeOfDay{t.Count * 1e6, schema.Nanos, t.UTC}
	case ok && t.Unit == schema.Micros:
		return TimeOfDay{t.Count * 1e3, schema.Nanos, t.UTC}
	}
	return v
}

// Rust's parquet marks JSON and UUIDs only with extension types, which parquet-wasm is built without.
func jsonIsText(v any) any {
	if s, ok := v.(JSON); ok {
		return Text(s)
	}
	return v
}

func uuidsAreBytes(v any) any {
	if u, ok := v.(UUID); ok {
		return Bytes(u[:])
	}
	return v
}

// Polars recognizes text only by the logical type STRING.
func jsonIsBytes(v any) any {
	if s, ok := v.(JSON); ok {
		return Bytes(s)
	}
	return v
}

// Polars does not know which maps of Arrow IPC are null. It does for Parquet.
func nullMapsAreEmpty(v any) any {
	if v == (NoMap{}) {
		return Map{}
	}
	return v
}

// Polars has no maps, but lists of structs.
func mapsAreLists(v any) any {
	m, ok := v.(Map)
	if !ok {
		return v
	}
	list := make(List, len(m))
	for i, e := range m {
		list[i] = Struct{{"key", e.Key}, {"value", e.Value}}
	}
	return list
}

package formattest

import (
	"strings"

	"github.com/jetcapture/lake/schema"
)

// A limit is what a reader makes of values of one type that is not quite what is in the file. It returns other values as
// they are. This is all that readers are forgiven, and no value is left out for it.
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

// DuckDB counts what is in milliseconds in microseconds.
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

// DuckDB cuts off nanoseconds of what is in UTC, towards 1970. Those of wall clocks it keeps.
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

// Arrow's times of day know nothing of UTC.
func timesOfDayHaveNoZone(v any) any {
	if t, ok := v.(TimeOfDay); ok {
		return TimeOfDay{t.Count, t.Unit, false}
	}
	return v
}

// Polars counts all times of day in nanoseconds.
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

// Rust's parquet tells of JSON and UUIDs by extension types only, which parquet-wasm is built without.
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

// Polars knows text by the logical type STRING only.
func jsonIsBytes(v any) any {
	if s, ok := v.(JSON); ok {
		return Bytes(s)
	}
	return v
}

// Polars forgets which maps of Arrow IPC are null. Those of Parquet it knows.
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

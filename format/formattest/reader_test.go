package formattest_test

import (
	"path/filepath"
	"testing"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/schema"
)

// What DuckDB writes, all others read, with all that a value can be.
func TestForeignReadersAgreeOnAFileOfDuckDB(t *testing.T) {
	type (
		L = formattest.List
		M = formattest.Map
		S = formattest.Struct
		F = formattest.Field
	)
	const text, js = formattest.Text("\ufeffa\x00ä😀"), formattest.JSON(`{"a":1}`)
	uuid := formattest.UUID{0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x11, 0xd0, 0xa7, 0x65, 0, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6}
	columns := []struct {
		name, sql string
		value     any
	}{
		{"bool", "true", true},
		{"int8", "(-128)::TINYINT", formattest.Int("-128")},
		{"uint8", "255::UTINYINT", formattest.Int("255")},
		{"uint32", "4294967295::UINTEGER", formattest.Int("4294967295")},
		{"int64", "(-9223372036854775807-1)::BIGINT", formattest.Int("-9223372036854775808")},
		{"uint64", "18446744073709551615::UBIGINT", formattest.Int("18446744073709551615")},
		{"float32", "0.1::FLOAT", formattest.F32(0.1)},
		{"float64", "0.1::DOUBLE", formattest.F64(0.1)},
		{"text", "chr(65279) || 'a' || chr(0) || 'ä😀'", text},
		{"blob", `'\x00\xFF'::BLOB`, formattest.Bytes("\x00\xff")},
		{"json", `'{"a":1}'::JSON`, js},
		{"uuid", "'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'::UUID", uuid},
		{"micros", "TIMESTAMP '2026-01-02 03:04:05.678901'", formattest.Timestamp{1767323045678901, schema.Micros, false}},
		{"utc", "TIMESTAMPTZ '1969-12-31 23:59:59.9+00'", formattest.Timestamp{-100000, schema.Micros, true}},
		{"nanos", "TIMESTAMP_NS '2026-01-02 03:04:05.678901234'", formattest.Timestamp{1767323045678901234, schema.Nanos, false}},
		{"millis", "TIMESTAMP_MS '2026-01-02 03:04:05.678'", formattest.Timestamp{1767323045678, schema.Millis, false}},
		{"date", "DATE '0001-01-01'", formattest.Date(-719162)},
		{"time", "TIME '23:59:59.999999'", formattest.TimeOfDay{86399999999, schema.Micros, false}},
		{"decimal9", "(-12.5)::DECIMAL(9,2)", formattest.Decimal("-12.50")},
		{"decimal18", "0.001::DECIMAL(18,4)", formattest.Decimal("0.0010")},
		{"decimal38", "(-" + nines + ")::DECIMAL(38,0)", formattest.Decimal("-" + nines)},
		{"list", "[1::BIGINT, NULL, 3]", L{formattest.Int("1"), nil, formattest.Int("3")}},
		{"empty", "[]::VARCHAR[]", L{}},
		{"lists", "[[1], [], NULL]", L{L{formattest.Int("1")}, L{}, nil}},
		{"struct", "{'x': 1, 'y': {'z': 'q'}}", S{F{"x", formattest.Int("1")}, F{"y", S{F{"z", formattest.Text("q")}}}}},
		{"structs", "[{'x': 1, 'y': [1]}, NULL, {'x': NULL, 'y': NULL}]", L{
			S{F{"x", formattest.Int("1")}, F{"y", L{formattest.Int("1")}}}, nil, S{F{"x", nil}, F{"y", nil}},
		}},
		// Maps of DuckDB have no logical type, without which polars panics, and its null count of structs in lists is wrong, which
		// ParquetGo does not let pass. Those of our own files are in Typed.
		{"map", "MAP {5: [1, 2], 3: [], 4: NULL}", M{
			{formattest.Int("5"), L{formattest.Int("1"), formattest.Int("2")}}, {formattest.Int("3"), L{}}, {formattest.Int("4"), nil},
		}},
	}
	for _, reader := range formattest.ParquetReaders(t) {
		t.Run(reader.Name(), func(t *testing.T) {
			duck, path := formattest.DuckDB(t), filepath.Join(t.TempDir(), "a.parquet")
			var names []string
			var values, nulls S
			sql, null := "SELECT ", " UNION ALL SELECT "
			for _, c := range columns {
				if reader.Name() == "polars" && c.name == "map" || reader.Name() == "parquet-go" && c.name == "structs" {
					continue
				}
				sql, null = sql+c.sql+` AS "`+c.name+`", `, null+"NULL, "
				names = append(names, c.name)
				values, nulls = append(values, F{c.name, c.value}), append(nulls, F{c.name, nil})
			}
			duck.Query("COPY (" + sql + "1 AS i" + null + "2 AS i) TO " + formattest.Quote(path) + " (FORMAT parquet)")
			values, nulls = append(values, F{"i", formattest.Int("1")}), append(nulls, F{"i", formattest.Int("2")})
			table, err := reader.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range reader.Check(table, append(names, "i"), []S{values, nulls}) {
				t.Error(d)
			}
		})
	}
}

const nines = "99999999999999999999999999999999999999"

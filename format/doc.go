// Package format turns the payloads of a block into a file that other programs read: CSV, newline-delimited JSON, and, in the
// packages parquet and arrow below it, Parquet and Arrow.
//
//	InitNew(out) → Write(payload) → … → Flush
//
// A Writer encodes one block, on one goroutine, and is then thrown away. A payload that it rejects leaves no trace in
// the block. A Writer holds little in memory, and a Bufferer says how much, so that ten thousand blocks can be open at once.
// A Wrapper is a Writer around another; As finds what the Writer inside can do.
//
// Compress is for formats that do not compress inside: it makes .gz, .sz and .zst files. A RawMessage is a message that is archived
// whole, without decoding its data, with the same columns in every format.
//
// For example, five lines that make a gzipped CSV file:
//
//	zipped, err := format.Compress(file, format.GZip)
//	w := format.NewCSVWriter([]string{"id", "name"}, func(u User) ([][]string, error) {
//		return [][]string{{u.ID, u.Name}}, nil
//	})
//	err = w.InitNew(zipped)   // then w.Write(user) for each, w.Flush(), zipped.Close()
//
// # Columns as text
//
// CSV and NDJSON take the columns of a struct from package schema: the same ones that Parquet and Arrow would have, whatever
// is in the data. NewCSVWriter writes the fields that a function of the caller returns, and JSONLines what encoding/json makes of a
// payload. PlanCSV and PlanNDJSON take any plan: with columns.Rows one payload becomes several rows.
//
// Readers that know the types, such as DuckDB's read_csv and read_json with columns, read exactly the values that were written,
// with one exception: read_json rewrites JSON inside JSON.
//
//	kind              CSV, and NDJSON in quotes unless noted          columns = {name: …}
//	Bool, integers    true, -12; without quotes                       BOOLEAN, TINYINT to UBIGINT
//	Float32, Float64  0.1, 1.0, -0.0, 1e+100, the shortest that is    FLOAT, DOUBLE
//	                  the same number, never like an integer;
//	                  without quotes, except "NaN", "Infinity"
//	                  and "-Infinity", which JSON has no numbers for
//	String            as it is; 'null' is text                        VARCHAR
//	Bytes, Fixed      AP8=, base64, padded                            VARCHAR, to be read by from_base64
//	Timestamp         2006-01-02T15:04:05.000000Z, with the digits    TIMESTAMP_MS, TIMESTAMP or TIMESTAMPTZ, TIMESTAMP_NS
//	                  of its unit; local without Z                    TIMESTAMP
//	Date, TimeOfDay   2006-01-02, 15:04:05.000000                     DATE, TIME, TIME_NS
//	Duration          nanoseconds, an integer; without quotes         BIGINT
//	Decimal           -12.50, with all digits of its scale; quoted    DECIMAL(precision, scale)
//	                  since readers make floats of numbers
//	UUID              f81d4fae-7dec-11d0-a765-00a0c91e6bf6            UUID
//	JSON              in CSV as it is, in NDJSON inside the line      JSON
//	List, Struct      [1,2], {"a":1}; in CSV one cell of JSON         BIGINT[], STRUCT(a BIGINT); in CSV VARCHAR,
//	Map               {"key":1}, an object, whatever its keys are     MAP(VARCHAR, BIGINT)  and then name::JSON::…
//
// A null is null in NDJSON, and an empty field in CSV, where empty text is "": DuckDB tells the two apart with
// allow_quoted_nulls = false. Two cases look the same: in NDJSON, a null and a JSON column whose JSON is null; and in CSV with a
// single column, a null and empty text, both of which are "", since readers skip empty lines.
//
// Text that a spreadsheet takes for a formula, such as =1+1, is written unchanged, since an escape would be data to all other
// readers: import CSV as text.
//
// DuckDB reads lines of up to 2 MB of CSV and 16 MB of JSON, unless max_line_size and maximum_object_size say more.
package format

// Package parquet writes payloads as Parquet files that DuckDB, Spark, Trino and Athena read, and says what is in one.
//
//	payload → row, held in memory → row group → out; at the end, the footer
//
// There are two factories of format.Writer: RawWriters for messages that are archived whole, Writers for any Go struct.
//
// An open block holds its rows as they came, and nothing of Parquet: ten thousand blocks of ten messages are some 40 MB.
// Rows are encoded when they fill a row group, at Spill and at Flush, by encoders that all blocks of a factory share.
// A block whose encoding failed, or whose out did, is broken: see format.ErrBroken.
//
// # Columns of a struct
//
// Each exported field is a column. It is named by its tag `parquet`, else by its tag `json`, else like the field; the name
// "-" leaves it out. Names must differ by more than upper and lower case. The fields of an embedded struct are columns
// beside the others.
//
//	bool                            BOOLEAN
//	int8 to int64, int              INT with the same bits and sign
//	uint8 to uint64, uint           INT with the same bits, unsigned
//	float32, float64                FLOAT, DOUBLE
//	string                          STRING
//	[]byte                          BYTE_ARRAY
//	[N]byte                         FIXED_LEN_BYTE_ARRAY
//	time.Time                       TIMESTAMP in microseconds, UTC; what is finer is cut off
//	time.Duration                   INT of 64 bits, nanoseconds
//	json.RawMessage                 JSON
//	struct                          group
//	[]T                             LIST; a nil slice is empty, not null
//	map[K]V                         MAP with keys that are strings or integers, in no order; a nil map is empty, not null
//	*T                              the same as T, nullable: nil is null
//
// Behind the name, a tag `parquet` may have options: id(n) sets the field id; dict, delta, plain and split (floats) the
// encoding; snappy, gzip, brotli, lz4, zstd and uncompressed the codec. Others set the logical type: timestamp(millisecond)
// and timestamp(microsecond:local) of a time.Time; timestamp(…), time(…), date and decimal(scale:precision) of integers;
// enum, bytes and json of a string; string and json of a []byte; uuid of a [16]byte. The tags `parquet-element`,
// `parquet-key` and `parquet-value` take options for what is in lists and maps.
//
// All other types and options are refused, when the factory is made, with an error that names the field and says what to
// use: among them any and other interfaces, "optional" on what is no pointer, structs without exported fields, types that
// contain themselves, embedded pointers, and lists of lists of lists.
package parquet

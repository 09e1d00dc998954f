// Package schema describes the columns of Go structs: the same columns for the same type, always.
//
//	type → Of → Schema → columns.Compile → Plan → Append(value) → Columns → an encoder of Parquet, Arrow or CSV
//
// A Schema is a neutral tree of nodes with names, field ids and types. Compare reports whether files of two schemas can be
// read together, and package schematest makes a test of that. Package columns appends values to columns of a Schema.
//
// OfType is Of for types that are known at run time only. New makes a Schema of Fields where there is no Go type at all.
//
// # Columns of a struct
//
// Each exported field is a column. It is named by its tag `parquet`, else by its tag `json`, else like the field; the name
// "-" leaves it out. The fields of embedded structs, also by pointer, are columns too, as encoding/json has it. Names must differ by more
// than upper and lower case.
//
//	bool, intN, uintN, floatN       the same; int and uint have 64 bits
//	string                          string
//	[]byte, [N]byte                 bytes, fixed
//	time.Time                       timestamp in microseconds, UTC; finer digits are cut off
//	time.Duration                   duration in nanoseconds
//	json.RawMessage                 json
//	json.Number                     string, as it was written
//	a [16]byte called UUID          uuid
//	types with MarshalText          string: netip.Addr, big.Int, decimals without a tag
//	struct                          struct
//	[]T, [N]T                       list; a nil slice is null
//	map[K]V                         map, its keys sorted; a nil map is null
//	*T, sql.Null[T], sql.NullT      the same as T, nullable; also structs of other packages with two fields, a value and
//	                                Valid bool, and methods for encoding/json, text or SQL: uuid.NullUUID
//	protocol buffers                struct; Timestamp, Duration and wrappers by their meaning, enums as strings, and each
//	                                alternative of a oneof as a nullable column of its own name
//	any, other interfaces           json, if asked for
//	anything at a path of AsJSON    json, such as a type that contains itself
//
// A struct with nothing but an embedded time.Time, sql.Null or type with MarshalText has the column of the embedded type.
//
// # Tags
//
// The tag `parquet` has the options of github.com/parquet-go/parquet-go, except variant, interval and the geometry types.
// Structs that are tagged for it have the same columns here, except that names may come from the tag `json`, enums are
// strings, all slices are lists, nil slices are null, and time.Time is in microseconds without a unit:
//
//	optional                          zero values are null, as with omitempty of a tag `json` (there empty lists too)
//	id(n)                             the field id, which is otherwise counted from 1
//	string, bytes, enum, json, uuid   of strings and bytes; json of any type, string and enum of types with a String method
//	int(n), uint(n)                   another size; values that do not fit are rejected
//	decimal(scale:precision)          of integers, big.Int and bytes, which are the number without its point; of strings,
//	                                  big.Rat, types with MarshalText, or Coefficient and Exponent, which are the number
//	date                              the day that a time.Time has in its own time zone; of integers, days since 1970
//	timestamp(unit:utc|local)         of time.Time and integers; local is the clock in its own time zone. Without a unit,
//	                                  integers are milliseconds, and time.Time as if it had no tag
//	time(unit:utc|local)              of a time.Duration since midnight, time.Time and integers
//	plain, dict, delta, split         the encoding
//	snappy, gzip, brotli, lz4, zstd, zstd-better, uncompressed   the codec, also of all parts of a struct, list or map
//
// The tags `parquet-element`, `parquet-key` and `parquet-value` have these options for the parts of lists and maps. The tag `lake` has
// options of this package: bloom, ascending, descending, and required, by which a nil slice or map is empty, not null. For
// the parts of lists and maps there are `lake-element`, `lake-key` and `lake-value`.
//
// # Limits
//
// A schema has at most 10,000 nodes, 64 deep. A value has at most 1 GiB, a time the years 1 to 9999, a decimal 38 digits.
// Types that contain themselves, channels, functions, complex numbers, protocol buffers of the opaque API and other structs
// without exported fields are refused, each with the way out. Where encoding/json makes JSON of a value, it replaces text that is
// not UTF-8 in silence.
//
//	type Order struct {
//		ID    uint64    `json:"id"`
//		At    time.Time `json:"at"`
//		Note  *string   `json:"note"`
//		Items []Item    `json:"items"`
//	}
//
//	s, err := schema.Of[Order]()
//	fmt.Print(s) // the columns, a line each
//	for _, change := range schema.Compare(before, s) {
//		fmt.Println(change) // note: breaking: never null, as it is in old files: keep it nullable
//	}
package schema

// Package parquet writes payloads as Parquet files that DuckDB, Spark, Trino, Athena, Polars and Arrow read. Inspect describes a
// Parquet file.
//
//	payload → columns.Columns → row group of column chunks → pages → out; at the end, the indexes and the footer
//
// There are three factories of format.Writer: Writers for any Go struct, RawWriters for messages that are archived whole,
// PlanWriters for everything else that package schema can append.
//
// An open block holds its rows as columns, not as Parquet. As long as it has few raw messages, it holds them as rows: ten take some
// 4 KB, and five hundred, which are compressed, some 60 KB. Rows are encoded when they fill a row group, while Write takes more,
// and by Spill and Flush, with encoders that all blocks share. A column of required bytes or JSON, such as the data of messages,
// is encoded earlier: whenever it holds a megabyte, its full pages are, so that most of a large block is compressed. A block
// whose encoding failed, or whose out failed, is broken: see format.ErrBroken.
//
// # Columns
//
// Package schema says which columns a struct has, and what its tags do. They become:
//
//	Go                              schema             Parquet                              DuckDB
//	bool                            bool               BOOLEAN                              BOOLEAN
//	int8, int16, int32              int8 …             INT32 INT(8,true) …                  TINYINT, SMALLINT, INTEGER
//	int64, int                      int64              INT64 INT(64,true)                   BIGINT
//	uint8, uint16, uint32           uint8 …            INT32 INT(8,false) …                 UTINYINT, USMALLINT, UINTEGER
//	uint64, uint                    uint64             INT64 INT(64,false)                  UBIGINT
//	float32, float64                float32, float64   FLOAT, DOUBLE                        FLOAT, DOUBLE
//	string, MarshalText             string             BYTE_ARRAY STRING                    VARCHAR
//	[]byte                          bytes              BYTE_ARRAY                           BLOB
//	[N]byte                         fixed(N)           FIXED_LEN_BYTE_ARRAY(N)              BLOB
//	json.RawMessage, `,json`        json               BYTE_ARRAY JSON                      JSON
//	time.Time                       timestamp(micros)  INT64 TIMESTAMP(UTC, MICROS)         TIMESTAMP WITH TIME ZONE
//	time.Time `,timestamp(…:local)` timestamp(…,local) INT64 TIMESTAMP(local, …)            TIMESTAMP, TIMESTAMP_NS
//	time.Time `,date`               date               INT32 DATE                           DATE
//	time.Duration                   duration(nanos)    INT64 INT(64,true)                   BIGINT
//	time.Duration `,time(…)`        time(…)            INT32 or INT64 TIME(UTC, …)          TIME WITH TIME ZONE
//	… `,decimal(s:p)`, p up to 18   decimal            INT64 DECIMAL(p,s)                   DECIMAL(p,s)
//	… `,decimal(s:p)`, p up to 38   decimal            FIXED_LEN_BYTE_ARRAY(16) DECIMAL     DECIMAL(p,s)
//	[16]byte called UUID, `,uuid`   uuid               FIXED_LEN_BYTE_ARRAY(16) UUID        UUID
//	struct                          struct             group                                STRUCT
//	[]T                             list               group LIST of list.element           T[]
//	map[K]V                         map                group MAP of key_value.key, value    MAP(K, V)
//	*T, sql.Null[T], `,optional`    nullable           optional                             the same, with NULL
//
// DuckDB reads nanoseconds in UTC as microseconds, and local ones as nanoseconds.
//
// Every node has a field id. The same type makes the same columns, whatever the data; the metadata in the footer has the
// schema's fingerprint under "jetcapture.schema".
//
// # Encodings
//
// Values that repeat, by a sample of them, get a dictionary; other integers and times are DELTA_BINARY_PACKED; the rest is PLAIN,
// which every reader knows. Tags choose otherwise: dict, plain, delta (of text: DELTA_LENGTH_BYTE_ARRAY) and split
// (BYTE_STREAM_SPLIT, for floats only, since DuckDB reads it of nothing else).
//
// Row groups and pages have their least and greatest values where readers can use them. Text is cut at 64 bytes. Bytes and JSON
// have none, and neither have floats with a NaN, since readers that take it for greater than all numbers would miss it. The tag
// `lake:"bloom"` adds a bloom filter of 10 bits a value, but not to floats, where 0 and -0 would be two values, nor to bytes, of
// which DuckDB hashes another form. With `lake:"ascending"` and `lake:"descending"` the footer says that rows are sorted, for
// those row groups in which they are.
package parquet

// Package parquet writes payloads as Parquet files that DuckDB, Spark, Trino, Athena, Polars and Arrow read, and says what
// is in one.
//
//	payload → schema.Columns → row group of column chunks → pages → out; at the end, the indexes and the footer
//
// There are three factories of format.Writer: Writers for any Go struct, RawWriters for messages that are archived whole,
// PlanWriters for all else that package schema can append.
//
// An open block holds its rows as columns, and nothing of Parquet; one of few raw messages holds them as they came, so that
// ten are some 4 KB, and compressed, so that five hundred are some 60 KB. They are encoded when they fill a row group, beside
// Write, and at Spill and at Flush, by encoders that all blocks share; of a column of required bytes or JSON, such as the data
// of messages, full pages are made before that, whenever it has a megabyte, so that a large block is compressed for the most
// part. A block whose encoding failed, or whose out did, is broken: see format.ErrBroken.
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
// DuckDB reads nanoseconds in UTC as microseconds, and keeps those that are local.
//
// Every node has a field id. The same type makes the same columns, whatever the data; the metadata in the footer has the
// schema's fingerprint under "jetcapture.schema".
//
// # Encodings
//
// Values that repeat get a dictionary, if a sample says so; integers and times are DELTA_BINARY_PACKED; all else is PLAIN,
// which every reader knows. Tags choose otherwise: dict, plain, delta (of text: DELTA_LENGTH_BYTE_ARRAY) and split
// (BYTE_STREAM_SPLIT of floats, as DuckDB reads it of nothing else).
//
// Row groups and pages have their least and greatest values where readers can use them: not of bytes and JSON, cut at 64
// bytes of text, and none for floats among which there is a NaN, as readers that hold it greater than all numbers would not
// find it. The tag `lake:"bloom"` adds a bloom filter of 10 bits a value, but not to floats, where 0 and -0 would be two
// values, nor to bytes, of which DuckDB hashes another form; `lake:"ascending"` and `lake:"descending"` say in the footer
// that rows are sorted, for row groups in which they are.
package parquet

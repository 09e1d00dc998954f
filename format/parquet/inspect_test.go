package parquet_test

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
)

func inspect(t testing.TB, file []byte) *parquet.FileInfo {
	t.Helper()
	info, err := parquet.Inspect(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestInspectTellsWhatTheFileIs(t *testing.T) {
	messages := manyMessages(1500)
	w := rawWriters(t, parquet.Options{RowGroupRows: 1000})()
	w.(format.MetadataSetter).SetMetadata(map[string]string{"stream": "ORDERS", "empty": ""})
	file := encoded(t, w, messages)
	info := inspect(t, file)

	const schema = `message message {
  required binary subject (STRING) = 1;
  optional binary reply (STRING) = 2;
  required group headers (MAP) = 3 {
    repeated group key_value {
      required binary key (STRING) = 13;
      required group value (LIST) = 14 {
        repeated group list {
          required binary element (STRING) = 15;
        }
      }
    }
  }
  required binary data = 4;
  required binary stream (STRING) = 5;
  required binary consumer (STRING) = 6;
  required int64 stream_seq (INT(64,true)) = 7;
  required int64 consumer_seq (INT(64,true)) = 8;
  required int64 timestamp (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS)) = 9;
  required int64 timestamp_ns (INT(64,true)) = 10;
  required int64 num_delivered (INT(64,true)) = 11;
  required int64 num_pending (INT(64,true)) = 12;
}
`
	if info.Schema != schema {
		t.Errorf("schema is\n%s", info.Schema)
	}
	if info.Rows != 1500 || info.Bytes != int64(len(file)) || len(info.RowGroups) != 2 || info.RowGroups[1].Rows != 500 {
		t.Errorf("%d rows in %d bytes and groups %+v", info.Rows, info.Bytes, info.RowGroups)
	}
	fingerprint := format.RawPlan[*formattest.Message]().Schema().Fingerprint()
	if want := map[string]string{"stream": "ORDERS", "empty": "", "jetcapture.schema": fingerprint}; !reflect.DeepEqual(info.Metadata, want) {
		t.Errorf("metadata is %q", info.Metadata)
	}
	if !strings.HasPrefix(info.CreatedBy, "github.com/jetcapture/lake version ") {
		t.Errorf("created by %q", info.CreatedBy)
	}
	if first, last, ok := info.Sequences(); first != 1 || last != 1500 || !ok {
		t.Errorf("sequences %d to %d, %t", first, last, ok)
	}
	group := info.RowGroups[0]
	sum := int64(0)
	for _, c := range group.Columns {
		sum += c.Compressed
		if c.Codec != "ZSTD" || c.Bytes <= 0 || c.Compressed <= 0 || c.Values < 1000 {
			t.Errorf("column %+v", c)
		}
	}
	if sum != group.Compressed || group.Bytes <= group.Compressed {
		t.Errorf("row group has %d bytes, compressed %d, its columns %d", group.Bytes, group.Compressed, sum)
	}
	column := func(name string) parquet.ColumnInfo {
		i := slices.IndexFunc(group.Columns, func(c parquet.ColumnInfo) bool { return strings.Join(c.Path, ".") == name })
		if i < 0 {
			t.Fatalf("no column %s", name)
		}
		return group.Columns[i]
	}
	if c := column("reply"); c.Nulls != 1000 || c.Min != nil {
		t.Errorf("reply is %+v", c)
	}
	if c := column("data"); c.Type != "BYTE_ARRAY" || c.Min != nil || c.Max != nil || !slices.Equal(c.Encodings, []string{"PLAIN"}) {
		t.Errorf("data is %+v", c)
	}
	if c := column("timestamp"); c.Min != messages[0].Timestamp.Truncate(time.Microsecond) ||
		c.Max != messages[999].Timestamp.Truncate(time.Microsecond) || !slices.Equal(c.Encodings, []string{"DELTA_BINARY_PACKED"}) {
		t.Errorf("timestamp is %+v", c)
	}
	if c := column("subject"); c.Min != "orders.apac.101.created" || !slices.Equal(c.Encodings, []string{"PLAIN"}) {
		t.Errorf("subject is %+v", c)
	}
	if c := column("headers.key_value.value.list.element"); c.Values != 1500 || c.Nulls != 500 {
		t.Errorf("header values are %+v", c)
	}
}

func TestInspectAgreesWithDuckDB(t *testing.T) {
	duck := formattest.DuckDB(t)
	file := encoded(t, rawWriters(t, parquet.Options{RowGroupRows: 1000})(), manyMessages(1500))
	info := inspect(t, file)
	n := 0
	duck.Each("SELECT row_group_id, column_id, path_in_schema, compression, encodings, num_values, total_compressed_size, "+
		"total_uncompressed_size FROM parquet_metadata("+formattest.Quote(save(t, file))+")", func(row []any) {
		n++
		c := info.RowGroups[row[0].(int64)].Columns[row[1].(int64)]
		got := []any{strings.Join(c.Path, ", "), c.Codec, strings.Join(c.Encodings, ", "), c.Values, c.Compressed, c.Bytes}
		if !reflect.DeepEqual(got, row[2:]) {
			t.Errorf("Inspect says %v, DuckDB %v", got, row[2:])
		}
	})
	if n != 2*13 {
		t.Errorf("%d columns in two row groups", n)
	}
}

func TestSequencesComeFromTheMetadataOfTheCaptureToo(t *testing.T) {
	w := writersOf[struct{ A int }](t, parquet.Options{})()
	w.(format.MetadataSetter).SetMetadata(map[string]string{"jetcapture.first_seq": "17", "jetcapture.last_seq": "18446744073709551615"})
	if first, last, ok := inspect(t, encoded(t, w, nil)).Sequences(); first != 17 || last != 1<<64-1 || !ok {
		t.Errorf("sequences %d to %d, %t", first, last, ok)
	}
	w = writersOf[struct{ A int }](t, parquet.Options{})()
	if _, _, ok := inspect(t, encoded(t, w, nil)).Sequences(); ok {
		t.Error("a file without sequences has some")
	}
}

func TestBoundsAreTypedValues(t *testing.T) {
	type row struct {
		B   bool
		I   int32
		U   uint32
		U64 uint64
		F   float32
		D   float64
		S   string
		Day int32 `parquet:",date"`
		T   time.Time
		X   [3]byte
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	info := inspect(t, encoded(t, writersOf[row](t, parquet.Options{})(), []row{
		{true, -5, 1<<32 - 1, 1<<64 - 1, -1.5, 2.5, "é", 1, at, [3]byte{1}},
		{true, -5, 1<<32 - 1, 1<<64 - 1, -1.5, 2.5, "é", 1, at, [3]byte{1}},
	}))
	want := []any{
		true, int64(-5), uint64(1<<32 - 1), uint64(1<<64 - 1), -1.5, 2.5, "é",
		time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC), at,
		[]byte{1, 0, 0},
	}
	for i, c := range info.RowGroups[0].Columns {
		if !reflect.DeepEqual(c.Min, want[i]) || !reflect.DeepEqual(c.Max, want[i]) {
			t.Errorf("column %s has bounds %v and %v, want %v", c.Path, c.Min, c.Max, want[i])
		}
	}
}

func TestDamagedFilesAreErrors(t *testing.T) {
	file := encoded(t, rawWriters(t, parquet.Options{})(), manyMessages(3))
	footer := len(file) - 8 - int(binary.LittleEndian.Uint32(file[len(file)-8:]))
	for name, test := range map[string]struct {
		file []byte
		says string
	}{
		"nothing":           {nil, "0 bytes are no Parquet file"},
		"a few bytes":       {[]byte("PAR1"), "4 bytes are no Parquet file"},
		"text":              {[]byte(strings.Repeat("not a Parquet file at all", 100)), "does not end in PAR1"},
		"cut off":           {file[:len(file)-10], "cut off"},
		"encrypted":         {append(slices.Clone(file[:len(file)-4]), "PARE"...), "encrypted"},
		"footer too long":   {append(slices.Clone(file[:len(file)-8]), "\xff\xff\xff\x7fPAR1"...), "claims to have 2147483647 bytes"},
		"footer is nothing": {append(slices.Clone(file[:len(file)-8]), "\x00\x00\x00\x00PAR1"...), "damaged footer"},
		"footer is noise": {
			append(append(slices.Clone(file[:footer]), bytes.Repeat([]byte{0x5a}, 100)...), "\x64\x00\x00\x00PAR1"...),
			"damaged footer",
		},
		"a list of 2^29": {
			append(slices.Clone(file[:footer]), "\x15\x04\x19\xfc\x80\x80\x80\x80\x02\x09\x00\x00\x00PAR1"...),
			"claims a list of 536870912",
		},
		"a deep structure": {
			append(append(slices.Clone(file[:footer]), bytes.Repeat([]byte{0x1c}, 1000)...), "\xe8\x03\x00\x00PAR1"...),
			"too deep",
		},
	} {
		info, err := parquet.Inspect(bytes.NewReader(test.file), int64(len(test.file)))
		if err == nil || info != nil || !strings.HasPrefix(err.Error(), "parquet: ") || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %+v, %v", name, info, err)
		}
	}
}

func FuzzInspect(f *testing.F) {
	seeds := [][]byte{
		encoded(f, rawWriters(f, parquet.Options{})(), manyMessages(3)),
		encoded(f, rawWriters(f, parquet.Options{})(), nil),
		encoded(f, writersOf[order](f, parquet.Options{})(), make([]order, 2)),
	}
	for _, file := range seeds {
		footer := len(file) - 8 - int(binary.LittleEndian.Uint32(file[len(file)-8:]))
		f.Add(file[footer : len(file)-8])
	}
	f.Fuzz(func(t *testing.T, footer []byte) {
		file := append([]byte("PAR1"), footer...)
		file = binary.LittleEndian.AppendUint32(file, uint32(len(footer)))
		file = append(file, "PAR1"...)
		info, err := parquet.Inspect(bytes.NewReader(file), int64(len(file)))
		if (info == nil) == (err == nil) {
			t.Fatalf("%+v, %v", info, err)
		}
		if info != nil {
			info.Sequences()
		}
	})
}

package parquet_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
)

func rawWriters(t testing.TB, options parquet.Options) func() format.Writer[*formattest.Message] {
	t.Helper()
	newWriter, err := parquet.RawWriters[*formattest.Message](options)
	if err != nil {
		t.Fatal(err)
	}
	return newWriter
}

// manyMessages returns n messages like those of a business: 2,160 subjects, half with two headers, 250 bytes of JSON.
func manyMessages(n int) []*formattest.Message {
	at := time.Date(2026, 11, 23, 12, 15, 0, 0, time.UTC)
	messages := make([]*formattest.Message, n)
	for i := range messages {
		id := uint64(i) * 0x9E3779B97F4A7C15
		m := &formattest.Message{
			Subject: fmt.Sprintf("orders.%s.%d.created", []string{"eu", "us", "apac"}[i%3], id%720),
			Data: fmt.Appendf(nil, `{"id":"%016x","customer":{"id":%d,"name":"Customer %d"},"total":%d.%02d,"currency":"EUR",`+
				`"items":[{"sku":"SKU-%05d","quantity":%d},{"sku":"SKU-%05d","quantity":%d}],"note":"%x"}`,
				id, id%100_000, id%100_000, id%1000, id%100, id%9999, i%7, id%8887, i%3, id*id),
			Stream: "ORDERS", Consumer: "archive",
			StreamSeq: uint64(i + 1), ConsumerSeq: uint64(i + 1), NumDelivered: 1, NumPending: uint64(n - i),
			Timestamp: at.Add(time.Duration(i)*731*time.Microsecond + time.Duration(id%997)),
		}
		if i%2 == 0 {
			m.Headers = map[string][]string{
				"Nats-Msg-Id": {fmt.Sprintf("%016x", id)},
				"Traceparent": {fmt.Sprintf("00-%016x%016x-%016x-01", id, id*3, id*7)},
			}
		}
		messages[i] = m
	}
	return messages
}

func TestRawMessagesComeBackAsTheyWere(t *testing.T) {
	duck := formattest.DuckDB(t)
	messages := append(formattest.Messages(), manyMessages(2000)...)
	for _, codec := range []parquet.Codec{parquet.Zstd, parquet.ZstdBetter, parquet.Snappy, parquet.GZip, parquet.Uncompressed} {
		t.Run(string(codec), func(t *testing.T) {
			options := parquet.Options{Codec: codec, RowGroupRows: 1000, PageBytes: 8 << 10}
			path := save(t, encoded(t, rawWriters(t, options)(), messages))
			formattest.CheckRaw(t, duck, formattest.RawParquet(path), messages)
		})
	}
}

func TestTheColumnsOfARawMessageAreForEver(t *testing.T) {
	duck := formattest.DuckDB(t)
	path := save(t, encoded(t, rawWriters(t, parquet.Options{})(), formattest.Messages()))
	rows := duck.Query("SELECT * FROM " + formattest.RawParquet(path) + " LIMIT 0")
	if !slices.Equal(rows.Columns, format.RawColumns()) {
		t.Errorf("columns are %q", rows.Columns)
	}
	if want := []string{
		"VARCHAR", "VARCHAR", "MAP(VARCHAR, LIST(VARCHAR))", "BLOB", "VARCHAR", "VARCHAR", "BIGINT", "BIGINT",
		"TIMESTAMP_TZ", "BIGINT", "BIGINT", "BIGINT",
	}; !slices.Equal(rows.Types, want) {
		t.Errorf("types are %q", rows.Types)
	}
	var schema []string
	duck.Each("SELECT name, field_id, repetition_type, coalesce(converted_type, regexp_extract(logical_type, '[A-Z]\\w+')) FROM parquet_schema("+formattest.Quote(path)+")", func(row []any) {
		schema = append(schema, fmt.Sprintf("%v %v %v %v", row...))
	})
	want := `message <nil> <nil> <nil>
		subject 1 REQUIRED UTF8
		reply 2 OPTIONAL UTF8
		headers 3 REQUIRED MAP
		key_value <nil> REPEATED <nil>
		key 13 REQUIRED UTF8
		value 14 REQUIRED LIST
		list <nil> REPEATED <nil>
		element 15 REQUIRED UTF8
		data 4 REQUIRED <nil>
		stream 5 REQUIRED UTF8
		consumer 6 REQUIRED UTF8
		stream_seq 7 REQUIRED INT_64
		consumer_seq 8 REQUIRED INT_64
		timestamp 9 REQUIRED TIMESTAMP_MICROS
		timestamp_ns 10 REQUIRED INT_64
		num_delivered 11 REQUIRED INT_64
		num_pending 12 REQUIRED INT_64`
	if got := strings.Join(schema, "\n\t\t"); got != want {
		t.Errorf("schema is\n%s\nwant\n%s", got, want)
	}
}

func TestRawWritersConform(t *testing.T) {
	duck := formattest.DuckDB(t)
	messages := formattest.Messages()
	formattest.Suite[*formattest.Message]{
		New:      rawWriters(t, parquet.Options{RowGroupRows: 3}),
		Payloads: slices.Delete(messages, 5, 6), // without the megabyte
		Rejected: append(formattest.BadMessages(), nil),
		Read:     readRows(duck),
	}.Run(t)
}

// readRows reads a file's rows as text.
func readRows(duck *formattest.Duck) func(t *testing.T, file []byte) []string {
	return func(t *testing.T, file []byte) (rows []string) {
		duck.Each("SELECT * FROM read_parquet("+formattest.Quote(save(t, file))+")", func(row []any) {
			rows = append(rows, fmt.Sprint(row...))
		})
		return rows
	}
}

func TestFiltersFindEveryRow(t *testing.T) {
	duck := formattest.DuckDB(t)
	messages := append(manyMessages(3000), formattest.Messages()...)
	path := save(t, encoded(t, rawWriters(t, parquet.Options{RowGroupRows: 500, PageBytes: 4 << 10})(), messages))
	for _, i := range []int{0, 499, 500, 1777, 2999, 3003, 3005} {
		m := messages[i]
		seq := int64(m.StreamSeq)
		for _, where := range []string{
			fmt.Sprintf("data = from_hex('%x')", m.Data),
			fmt.Sprintf("subject = %s AND stream_seq = %d", formattest.Quote(m.Subject), seq),
			fmt.Sprintf("timestamp_ns = %d", m.Timestamp.UnixNano()),
			fmt.Sprintf("timestamp = make_timestamptz(%d)", m.Timestamp.UnixMicro()),
			fmt.Sprintf("headers = (SELECT headers FROM %s WHERE stream_seq = %d LIMIT 1)", formattest.RawParquet(path), seq),
		} {
			if n := duck.QueryInt(fmt.Sprintf("SELECT count(*) FROM %s WHERE stream_seq = %d AND %s",
				formattest.RawParquet(path), seq, where)); n < 1 {
				t.Errorf("message %d is not found by %.100s", i, where)
			}
		}
	}
}

func TestLargePayloadsDoNotSwellTheFile(t *testing.T) {
	duck := formattest.DuckDB(t)
	var messages []*formattest.Message
	total := 0
	for i := range 4 {
		m := *formattest.Messages()[0]
		m.Data = bytes.Repeat([]byte{byte(255 - i)}, 5<<20) // 0xFF has no prefix that is greater
		m.Headers = map[string][]string{"X": {strings.Repeat("h", 1<<20)}}
		m.Subject = strings.Repeat("s", 10_000*i)
		total += len(m.Data) + 1<<20
		messages = append(messages, &m)
	}
	file := encoded(t, rawWriters(t, parquet.Options{Codec: parquet.Uncompressed})(), messages)
	if len(file) > total+100_000 {
		t.Errorf("%d bytes of payloads make a file of %d", total, len(file))
	}
	path := save(t, file)
	formattest.CheckRaw(t, duck, formattest.RawParquet(path), messages)
	info := inspect(t, file)
	for _, c := range info.RowGroups[0].Columns {
		if name := strings.Join(c.Path, "."); name == "data" && (c.Min != nil || c.Max != nil) {
			t.Errorf("column %s has bounds", name)
		} else if name == "subject" && c.Max != strings.Repeat("s", 63)+"t" {
			t.Errorf("the bound of column %s is %v", name, c.Max)
		}
	}
}

func TestRowGroupsEndAtTheirLimits(t *testing.T) {
	messages := manyMessages(2500)
	for name, test := range map[string]struct {
		options parquet.Options
		want    []int64
	}{
		"rows": {parquet.Options{RowGroupRows: 1000}, []int64{1000, 1000, 500}},
		"none": {parquet.Options{}, []int64{2500}},
		"each": {parquet.Options{RowGroupRows: 2499}, []int64{2499, 1}},
		"all":  {parquet.Options{RowGroupRows: 2500}, []int64{2500}},
	} {
		var got []int64
		for _, g := range inspect(t, encoded(t, rawWriters(t, test.options)(), messages)).RowGroups {
			got = append(got, g.Rows)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: row groups of %d rows, want %d", name, got, test.want)
		}
	}
	w := rawWriters(t, parquet.Options{RowGroupBytes: 100_000})()
	var out bytes.Buffer
	if err := w.InitNew(&out); err != nil {
		t.Fatal(err)
	}
	spilled := 0
	for i, m := range messages {
		before := w.(format.Bufferer).Buffered()
		if _, err := w.Write(m); err != nil {
			t.Fatal(err)
		}
		after := w.(format.Bufferer).Buffered()
		if after >= 200_000 { // of the row group before, too
			t.Fatalf("%d bytes are held after %d messages", after, i)
		}
		if after < before {
			spilled++
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if n := len(inspect(t, out.Bytes()).RowGroups); n < 9 || spilled == 0 {
		t.Errorf("%d row groups, %d spilled while writing", n, spilled)
	}
}

func TestPagesOfLargeRowsHoldFewRows(t *testing.T) {
	messages := manyMessages(100)
	for _, m := range messages {
		m.Data = bytes.Repeat(m.Data, 400) // 100 KB
	}
	file := encoded(t, rawWriters(t, parquet.Options{PageBytes: 256 << 10})(), messages)
	f, err := pq.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	data, err := f.RowGroups()[0].ColumnChunks()[4].OffsetIndex()
	if err != nil || data.NumPages() < 25 {
		t.Errorf("10 MB are in %d pages, %v", data.NumPages(), err)
	}
}

func TestOnlyRowGroupsInOrderSayThatTheyAre(t *testing.T) {
	messages := manyMessages(30)
	messages[15].StreamSeq = 1 // delivered again
	file := encoded(t, rawWriters(t, parquet.Options{RowGroupRows: 10})(), messages)
	f, err := pq.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{1, 0, 1} {
		sorting := f.RowGroups()[i].SortingColumns()
		if len(sorting) != want || want == 1 && (sorting[0].Path()[0] != "stream_seq" || sorting[0].Descending()) {
			t.Errorf("row group %d says it is sorted by %v", i, sorting)
		}
	}
}

func TestManySubjectsGiveUpTheDictionaryAndLoseNothing(t *testing.T) {
	duck := formattest.DuckDB(t)
	messages := manyMessages(40_000)
	for i, m := range messages {
		m.Subject = fmt.Sprintf("device.%032x.temperature", i) // 60 bytes each, 2.4 MB in all
		m.Data = nil
	}
	file := encoded(t, rawWriters(t, parquet.Options{PageBytes: 64 << 10})(), messages)
	pages := map[string]int32{}
	for _, s := range footerOf(t, file).RowGroups[0].Columns[0].MetaData.EncodingStats {
		pages[fmt.Sprint(s.PageType, " ", s.Encoding)] = s.Count
	}
	if len(pages) != 1 || pages["DATA_PAGE PLAIN"] == 0 {
		t.Errorf("the pages of subject are %v", pages)
	}
	n := duck.QueryInt("SELECT count(*) FROM " + formattest.RawParquet(save(t, file)) +
		" WHERE subject = format('device.{:032x}.temperature', stream_seq - 1)")
	if n != int64(len(messages)) {
		t.Errorf("%d of %d subjects are right", n, len(messages))
	}
}

// footerOf reads a footer as it is.
func footerOf(t *testing.T, file []byte) *pqformat.FileMetaData {
	t.Helper()
	end := len(file) - 8
	start := end - int(binary.LittleEndian.Uint32(file[end:]))
	meta := new(pqformat.FileMetaData)
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), file[start:end], meta); err != nil {
		t.Fatal(err)
	}
	return meta
}

func TestRowGroupsAreNumbered(t *testing.T) {
	file := encoded(t, rawWriters(t, parquet.Options{RowGroupRows: 10})(), manyMessages(35))
	for i, g := range footerOf(t, file).RowGroups {
		if g.Ordinal != int16(i) {
			t.Errorf("row group %d says it is %d", i, g.Ordinal)
		}
	}
}

func TestThePageIndexLeadsToTheRows(t *testing.T) {
	messages := manyMessages(3000)
	file := encoded(t, rawWriters(t, parquet.Options{RowGroupRows: 1000, PageBytes: 4 << 10})(), messages)
	f, err := pq.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for g, group := range f.RowGroups() {
		for _, chunk := range group.ColumnChunks() {
			name := f.Schema().Columns()[chunk.Column()]
			offsets, err := chunk.OffsetIndex()
			if err != nil || offsets.NumPages() == 0 {
				t.Fatalf("column %s has an offset index of %v, %v", name, offsets, err)
			}
			if index, err := chunk.ColumnIndex(); err == nil && index.NumPages() != offsets.NumPages() {
				t.Errorf("column %s has %d pages in one index, %d in the other", name, index.NumPages(), offsets.NumPages())
			}
		}
		rows := group.Rows()
		for _, i := range []int64{0, 1, 500, 999} {
			if err := rows.SeekToRow(i); err != nil {
				t.Fatal(err)
			}
			row := make([]pq.Row, 1)
			if n, err := rows.ReadRows(row); n != 1 {
				t.Fatalf("row %d: %v", i, err)
			}
			m := messages[g*1000+int(i)]
			values := map[string]pq.Value{}
			for _, v := range row[0] {
				values[strings.Join(f.Schema().Columns()[v.Column()], ".")] = v
			}
			if values["subject"].String() != m.Subject || !bytes.Equal(values["data"].ByteArray(), m.Data) ||
				values["stream_seq"].Int64() != int64(m.StreamSeq) {
				t.Errorf("row %d of group %d is %v, want %v", i, g, row[0], m)
			}
		}
		_ = rows.Close()
	}
	index, err := f.RowGroups()[1].ColumnChunks()[8].ColumnIndex() // stream_seq
	if err != nil {
		t.Fatal(err)
	}
	for page := range index.NumPages() {
		first, last := index.MinValue(page).Int64(), index.MaxValue(page).Int64()
		if first < 1001 || last > 2000 || first > last {
			t.Errorf("page %d of stream_seq has %d to %d", page, first, last)
		}
	}
}

func TestAnInvalidMessageIsRejectedWithTheColumnsName(t *testing.T) {
	w := rawWriters(t, parquet.Options{})()
	if err := w.InitNew(new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	for i, m := range formattest.BadMessages() {
		if n, err := w.Write(m); err == nil || n != 0 || !strings.Contains(err.Error(), "column ") {
			t.Errorf("message %d: %d rows, %v", i, n, err)
		}
	}
}

func TestFilesOfTheSameMessagesAreTheSame(t *testing.T) {
	newWriter := rawWriters(t, parquet.Options{})
	messages := append(formattest.Messages(), manyMessages(100)...)
	first := encoded(t, newWriter(), messages)
	for range 5 {
		if !bytes.Equal(first, encoded(t, newWriter(), messages)) {
			t.Fatal("two files of the same messages differ")
		}
	}
	if !reflect.DeepEqual(formattest.Messages(), formattest.Messages()) {
		t.Fatal("the messages are not the same")
	}
}

package parquet_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/format/parquet"
)

// TestABloomFilterIsWhereTheFooterSays reads filters by their offset and length, that of no value at all too.
func TestABloomFilterIsWhereTheFooterSays(t *testing.T) {
	type row struct {
		ID   string  `lake:"bloom"`
		Few  string  `lake:"bloom"`
		Null *string `lake:"bloom"`
	}
	rows := make([]row, 1000)
	for i := range rows {
		rows[i].ID, rows[i].Few = fmt.Sprint(i), fmt.Sprint(i%10)
	}
	file := encoded(t, writersOf[row](t, parquet.Options{})(), rows)
	want := []int32{1280, 32, 32} // 10 bits a value, in blocks of 32 bytes
	for i, c := range footerOf(t, file).RowGroups[0].Columns {
		m := &c.MetaData
		rest := bytes.NewReader(file[m.BloomFilterOffset : m.BloomFilterOffset+int64(m.BloomFilterLength)])
		header := new(pqformat.BloomFilterHeader)
		if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(rest)).Decode(header); err != nil {
			t.Fatal(err)
		}
		if header.NumBytes != want[i] || rest.Len() != int(want[i]) {
			t.Errorf("%s has a filter of %d bytes, its header says %d, want %d", m.PathInSchema, rest.Len(), header.NumBytes, want[i])
		}
	}
}

// TestFloatsAndBytesHaveNoBloomFilter is for readers that would not find 0 among -0, nor bytes by their escaped text.
func TestFloatsAndBytesHaveNoBloomFilter(t *testing.T) {
	type row struct {
		F     float64 `lake:"bloom"`
		F32   float32 `lake:"bloom"`
		Bytes []byte  `lake:"bloom"`
		Fixed [3]byte `lake:"bloom"`
		Not   string
	}
	for _, c := range footerOf(t, encoded(t, writersOf[row](t, parquet.Options{})(), make([]row, 100))).RowGroups[0].Columns {
		if c.MetaData.BloomFilterOffset != 0 || c.MetaData.BloomFilterLength != 0 {
			t.Errorf("%s has a bloom filter", c.MetaData.PathInSchema)
		}
	}
}

package parquet_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/parquet"
)

// fileMeta is pqformat.FileMetaData with what other writers leave out.
type fileMeta struct {
	Version             int32                        `thrift:"1,required"`
	Schema              []pqformat.SchemaElement     `thrift:"2,required"`
	NumRows             int64                        `thrift:"3,required"`
	RowGroups           []rowGroup                   `thrift:"4,required"`
	KeyValueMetadata    []keyValue                   `thrift:"5,optional"`
	EncryptionAlgorithm pqformat.EncryptionAlgorithm `thrift:"8,optional"`
}

type keyValue struct {
	Key   string `thrift:"1,required"`
	Value string `thrift:"2,optional"`
}

type rowGroup struct {
	Columns       []chunk `thrift:"1,required"`
	TotalByteSize int64   `thrift:"2,required"`
	NumRows       int64   `thrift:"3,required"`
}

type chunk struct {
	FileOffset     int64                         `thrift:"2,required"`
	MetaData       *pqformat.ColumnMetaData      `thrift:"3,optional"`
	CryptoMetadata pqformat.ColumnCryptoMetaData `thrift:"8,optional"`
}

// fileOf returns a file that has nothing but a footer and what follows it.
func fileOf(t *testing.T, meta fileMeta, after ...byte) []byte {
	t.Helper()
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), meta)
	if err != nil {
		t.Fatal(err)
	}
	footer = append(footer, after...)
	file := append([]byte("PAR1"), footer...)
	return append(binary.LittleEndian.AppendUint32(file, uint32(len(footer))), "PAR1"...)
}

// metaOf describes row groups of columns c0, c1 and so on.
func metaOf(groups, columns int) fileMeta {
	meta := fileMeta{Version: 2, NumRows: int64(groups), Schema: []pqformat.SchemaElement{{Name: "root", NumChildren: thrift.New(int32(columns))}}}
	for i := range columns {
		meta.Schema = append(meta.Schema, pqformat.SchemaElement{
			Name: fmt.Sprintf("c%d", i), Type: thrift.New(pqformat.Int64), RepetitionType: thrift.New(pqformat.Required),
		})
	}
	for range groups {
		g := rowGroup{NumRows: 1, TotalByteSize: 100}
		for i := range columns {
			g.Columns = append(g.Columns, chunk{MetaData: &pqformat.ColumnMetaData{
				Type: pqformat.Int64, Encoding: []pqformat.Encoding{pqformat.Plain, pqformat.RLE}, PathInSchema: []string{fmt.Sprintf("c%d", i)},
				Codec: pqformat.Zstd, NumValues: 1, TotalUncompressedSize: 100, TotalCompressedSize: 60,
				Statistics: pqformat.Statistics{MinValue: make([]byte, 8), MaxValue: make([]byte, 8)},
			}})
		}
		meta.RowGroups = append(meta.RowGroups, g)
	}
	return meta
}

func TestFileWithEncryptedColumnsAndAPlainFooterIsInspected(t *testing.T) {
	meta := metaOf(1, 2)
	meta.EncryptionAlgorithm.Value = &pqformat.AesGcmV1{AadFileUnique: []byte("unique")}
	secret := &meta.RowGroups[0].Columns[1]
	secret.MetaData, secret.CryptoMetadata.Value = nil, &pqformat.EncryptionWithColumnKey{PathInSchema: []string{"c1"}, KeyMetadata: []byte("key")}
	info := inspect(t, fileOf(t, meta, make([]byte, 28)...))
	columns := info.RowGroups[0].Columns
	if !info.Encrypted || columns[0].Encrypted || columns[0].Codec != "ZSTD" || !columns[1].Encrypted || columns[1].Codec != "" {
		t.Errorf("encrypted %t, columns %+v", info.Encrypted, columns)
	}
	if !reflect.DeepEqual(columns[1].Path, []string{"c1"}) || columns[1].Type != "INT64" {
		t.Errorf("the encrypted column is %+v", columns[1])
	}

	for name, file := range map[string][]byte{
		"short signature": fileOf(t, meta, make([]byte, 27)...),
		"not encrypted":   fileOf(t, metaOf(1, 1), make([]byte, 28)...),
	} {
		if _, err := parquet.Inspect(bytes.NewReader(file), int64(len(file))); err == nil || !strings.Contains(err.Error(), "bytes follow it") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMetadataWithoutAValueIsEmpty(t *testing.T) {
	meta := metaOf(0, 1)
	meta.KeyValueMetadata = []keyValue{{Key: "pandas"}, {Key: "a", Value: "b"}}
	if info := inspect(t, fileOf(t, meta)); !reflect.DeepEqual(info.Metadata, map[string]string{"pandas": "", "a": "b"}) {
		t.Errorf("metadata is %q", info.Metadata)
	}
}

func TestLargeFooterTakesLittleMoreMemoryThanItsInformation(t *testing.T) {
	file := fileOf(t, metaOf(300, 100))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	info := inspect(t, file)
	runtime.ReadMemStats(&after)
	if len(info.RowGroups) != 300 || len(info.RowGroups[299].Columns) != 100 {
		t.Fatalf("there are %d row groups", len(info.RowGroups))
	}
	if duration := after.TotalAlloc - before.TotalAlloc; duration > 6*uint64(len(file)) {
		t.Errorf("a footer of %d bytes took %d of memory", len(file), duration)
	}
}

// A claimedFile is a file of any size that ends in a length of its footer.
type claimedFile struct{ size, footer int64 }

func (c claimedFile) ReadAt(p []byte, off int64) (int, error) {
	if off != c.size-8 || len(p) != 8 {
		return 0, io.ErrUnexpectedEOF // the footer is not to be read
	}
	return copy(p, append(binary.LittleEndian.AppendUint32(nil, uint32(c.footer)), "PAR1"...)), nil
}

func TestFooterAbove64MiBIsRefusedUnread(t *testing.T) {
	_, err := parquet.Inspect(claimedFile{1 << 40, 70e6}, 1<<40)
	if err == nil || err.Error() != "parquet: its footer has 70000000 bytes, and none above 67108864 is read: rewrite the file with fewer row groups" {
		t.Error(err)
	}
}

func TestNamesInTheSchemaAreNoLines(t *testing.T) {
	meta := metaOf(0, 1)
	meta.Schema[0].Name, meta.Schema[1].Name = "root\x1b[2J", "a;\n  required int64 b\u009b"
	const want = "message root\\x1b[2J {\n  required int64 a;\\n  required int64 b\\u009b;\n}\n"
	if info := inspect(t, fileOf(t, meta)); info.Schema != want {
		t.Errorf("schema is\n%q, want\n%q", info.Schema, want)
	}
}

func TestSequencesAreThoseOfTheRows(t *testing.T) {
	w := rawWriters(t, parquet.Options{RowGroupRows: 1000})()
	w.(format.MetadataSetter).SetMetadata(map[string]string{"jetcapture.first_seq": "1", "jetcapture.last_seq": "99999"})
	if first, last, ok := inspect(t, encoded(t, w, manyMessages(1500))).Sequences(); first != 1 || last != 1500 || !ok {
		t.Errorf("sequences %d to %d, %t", first, last, ok)
	}
	info := &parquet.FileInfo{RowGroups: []parquet.RowGroupInfo{
		{Columns: []parquet.ColumnInfo{{Path: []string{"stream_seq"}, Min: uint64(7), Max: uint64(1<<64 - 1)}}},
		{Columns: []parquet.ColumnInfo{{Path: []string{"stream_seq"}, Min: uint64(5), Max: uint64(6)}}},
	}}
	if first, last, ok := info.Sequences(); first != 5 || last != 1<<64-1 || !ok {
		t.Errorf("unsigned sequences %d to %d, %t", first, last, ok)
	}
	info.RowGroups[1].Columns[0].Path = []string{"other"}
	if _, _, ok := info.Sequences(); ok {
		t.Error("a row group without the column has sequences")
	}
}

package parquet_test

import (
	"bytes"
	"io"
	"math"
	"testing"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
)

func TestTagsChooseTheCodec(t *testing.T) {
	type row struct {
		ZSTD         string `parquet:",zstd"`
		SNAPPY       string `parquet:",snappy"`
		GZIP         string `parquet:",gzip"`
		BROTLI       string `parquet:",brotli"`
		LZ4          string `parquet:"LZ4_RAW,lz4"`
		UNCOMPRESSED string `parquet:",uncompressed"`
	}
	for _, codec := range []parquet.Codec{parquet.Zstd, parquet.Snappy, parquet.Uncompressed} {
		newWriter := writersOf[row](t, parquet.Options{Codec: codec})
		for _, c := range inspect(t, encoded(t, newWriter(), make([]row, 100))).RowGroups[0].Columns {
			if c.Codec != c.Path[0] {
				t.Errorf("of a file in %s, the column in %s is in %s", codec, c.Path[0], c.Codec)
			}
		}
	}
}

func TestTheLevelIsThatOfItsCodecOnly(t *testing.T) {
	type row struct {
		Text   string
		Brotli string `parquet:",brotli"`
		GZip   string `parquet:",gzip"`
	}
	var rows []row
	for _, m := range manyMessages(1000) {
		rows = append(rows, row{string(m.Data), string(m.Data), string(m.Data)})
	}
	sizes := func(o parquet.Options) (sizes [3]int64) {
		for i, c := range inspect(t, encoded(t, writersOf[row](t, o)(), rows)).RowGroups[0].Columns {
			sizes[i] = c.Compressed
		}
		return sizes
	}
	none, nine := sizes(parquet.Options{Codec: parquet.GZip}), sizes(parquet.Options{Codec: parquet.GZip, Level: 9})
	if nine[1] != none[1] || nine[0] == none[0] || nine[2] != nine[0] {
		t.Errorf("by level 9 of GZip the columns have %d bytes, without %d", nine, none)
	}
}

// zippedBy returns the file of a capture that asks for a compression of its own.
func zippedBy(t *testing.T, o parquet.Options, c format.Codec, messages []*formattest.Message) []byte {
	t.Helper()
	w := rawWriters(t, o)()
	if err := w.(format.SelfCompressor).SetCompression(c); err != nil {
		t.Fatal(err)
	}
	return encoded(t, w, messages)
}

func TestTheCaptureAsksForACodecNotForALevel(t *testing.T) {
	messages := manyMessages(1000)
	file := func(o parquet.Options) []byte { return encoded(t, rawWriters(t, o)(), messages) }
	better := parquet.Options{Codec: parquet.ZstdBetter}
	if !bytes.Equal(file(better), zippedBy(t, better, format.Zstd, messages)) {
		t.Error("a capture that asks for zstd does not get the better one of the options")
	}
	if !bytes.Equal(file(parquet.Options{Codec: parquet.GZip}), zippedBy(t, parquet.Options{Level: 9}, format.GZip, messages)) {
		t.Error("a capture that asks for gzip gets it at the level of zstd")
	}
}

func TestZstdIsTheFastestByDefaultAndBetterIsBetter(t *testing.T) {
	messages, few := manyMessages(1000), orders(1000)
	first := encoded(t, rawWriters(t, parquet.Options{Level: 1})(), messages)
	if !bytes.Equal(encoded(t, rawWriters(t, parquet.Options{})(), messages), first) {
		t.Error("the default of zstd is not level 1")
	}
	fastest := len(encoded(t, writersOf[*order](t, parquet.Options{})(), few))
	if better := len(encoded(t, writersOf[*order](t, parquet.Options{Codec: parquet.ZstdBetter})(), few)); better >= fastest {
		t.Errorf("%d bytes of zstd become %d of better", fastest, better)
	}
}

func TestZstdLooksBackByTheSizeOfValues(t *testing.T) {
	const size = 2 << 20
	for values, want := range map[int]uint64{
		size: 64 << 10, size / 260: 64 << 10, size / 500: 64 << 10, size / 512: 128 << 10, size / 1_000: 128 << 10,
		size / 2_048: 512 << 10, size / 4_096: 1 << 20, size / 65_536: 1 << 20, 1: 1 << 20, 0: 1 << 20,
	} {
		if got, err := parquet.ZstdWindow(size, values); got != want || err != nil {
			t.Errorf("a page of 2 MiB with %d values has a window of %d bytes, not %d, %v", values, got, want, err)
		}
	}
}

func TestDefaultSizesAreTheDocumentedOnes(t *testing.T) {
	messages := manyMessages(5000)
	if !bytes.Equal(encoded(t, rawWriters(t, parquet.Options{})(), messages), encoded(t, rawWriters(t, parquet.Options{
		Codec: parquet.Zstd, PageVersion: 1, RowGroupRows: 122_880, RowGroupBytes: 128 << 20, PageBytes: 256 << 10,
	})(), messages)) {
		t.Error("the options that are documented as the defaults make another file")
	}
	w := rawWriters(t, parquet.EarlyBytes(parquet.Options{Codec: parquet.Uncompressed}, math.MaxInt))() // less is held only by a row group
	if err := w.InitNew(io.Discard); err != nil {
		t.Fatal(err)
	}
	m, n := *messages[0], 0
	m.Data = make([]byte, 4<<20)
	for held, before := int64(1), int64(0); held >= before; n++ {
		if _, err := w.Write(&m); err != nil || n > 66 { // a row group may wait for the one before
			t.Fatalf("%d bytes are held after %d messages of 4 MiB, %v", held, n, err)
		}
		held, before = w.(format.Bufferer).Buffered(), held
	}
	if n < 12 { // the memory doubles as it grows
		t.Errorf("a row group ends after %d messages of 4 MiB", n)
	}
	if err := w.Flush(); err != nil { // and wait for what is encoded meanwhile
		t.Error(err)
	}
}

func TestTheDefaultOfGZipIsLevel6(t *testing.T) {
	messages := manyMessages(1000)
	file := func(level int) []byte {
		return encoded(t, rawWriters(t, parquet.Options{Codec: parquet.GZip, Level: level})(), messages)
	}
	if !bytes.Equal(file(0), file(6)) {
		t.Error("the default is another level")
	}
}

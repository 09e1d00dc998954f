package parquet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
)

type order struct {
	ID       string            `json:"id"`
	Customer *string           `json:"customer"`
	At       time.Time         `json:"at"`
	Items    []item            `json:"items"`
	Labels   map[string]string `json:"labels"`
	Total    float64           `json:"total"`
}

type item struct {
	SKU      string `json:"sku" parquet:",dict"`
	Quantity int    `json:"quantity"`
}

func orders(n int) []*order {
	list := make([]*order, n)
	for i := range list {
		id := uint64(i) * 0x9E3779B97F4A7C15
		o := &order{
			ID: fmt.Sprintf("%016x", id), At: time.Unix(1_800_000_000+int64(i), 123456789), Total: float64(i) / 100,
			Items: []item{{fmt.Sprintf("SKU-%d", id%1000), i % 5}, {fmt.Sprintf("SKU-%d", id%777), i % 3}},
		}
		if i%3 == 0 {
			o.Customer = &o.ID
			o.Labels = map[string]string{"source": "web"}
		}
		list[i] = o
	}
	return list
}

func TestStructWritersConform(t *testing.T) {
	duck := formattest.DuckDB(t)
	formattest.Suite[*order]{
		New:      writersOf[*order](t, parquet.Options{RowGroupRows: 2}),
		Payloads: orders(7),
		Rejected: []*order{nil, {ID: "\xff"}, {Items: []item{{SKU: "\xff"}}}, {Labels: map[string]string{"\xff": ""}}},
		Read:     readRows(duck),
	}.Run(t)
}

func TestAnEmptyBlockHasTheSchemaAndNoRows(t *testing.T) {
	duck := formattest.DuckDB(t)
	path := save(t, encoded(t, writersOf[*order](t, parquet.Options{})(), nil))
	rows := duck.Query("SELECT * FROM read_parquet(" + formattest.Quote(path) + ")")
	if len(rows.Values) != 0 || strings.Join(rows.Columns, " ") != "id customer at items labels total" {
		t.Errorf("%d rows of %q", len(rows.Values), rows.Columns)
	}
	one := save(t, encoded(t, writersOf[*order](t, parquet.Options{})(), orders(1)))
	both := duck.Query(fmt.Sprintf("SELECT * FROM read_parquet([%s, %s])", formattest.Quote(path), formattest.Quote(one)))
	if len(both.Values) != 1 {
		t.Errorf("an empty file and one of 1 row have %d rows", len(both.Values))
	}
}

func TestTheCaptureChoosesTheCodec(t *testing.T) {
	for _, test := range []struct {
		codec       parquet.Codec
		compression format.Codec
		want        string
	}{
		{"", "", "ZSTD"},
		{parquet.GZip, "", "GZIP"},
		{"", format.None, "UNCOMPRESSED"},
		{parquet.GZip, format.None, "UNCOMPRESSED"},
		{parquet.Zstd, format.Brotli, "BROTLI"},
		{parquet.Zstd, format.LZ4, "LZ4_RAW"},
		{parquet.Uncompressed, format.None, "UNCOMPRESSED"},
		{parquet.Uncompressed, format.Zstd, "ZSTD"},
		{parquet.ZstdBetter, format.Zstd, "ZSTD"},
		{parquet.Zstd, format.GZip, "GZIP"},
		{parquet.Zstd, format.Snappy, "SNAPPY"},
	} {
		w := writersOf[*order](t, parquet.Options{Codec: test.codec})()
		if err := w.(format.SelfCompressor).SetCompression(test.compression); err != nil {
			t.Fatal(err)
		}
		for _, c := range inspect(t, encoded(t, w, orders(1000))).RowGroups[0].Columns {
			if c.Codec != test.want {
				t.Errorf("codec %q and compression %q: column %s is %s", test.codec, test.compression, c.Path, c.Codec)
			}
		}
	}
	w := writersOf[*order](t, parquet.Options{})().(format.SelfCompressor)
	if err := w.SetCompression("lzo"); err == nil || !strings.Contains(err.Error(), `"lzo": use "none", "gzip", "snappy", "zstd", "zstd-better", "lz4" or "brotli"`) {
		t.Errorf("an unknown codec: %v", err)
	}
	open := writersOf[*order](t, parquet.Options{})()
	if err := open.InitNew(io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := open.(format.SelfCompressor).SetCompression(format.GZip); err == nil {
		t.Error("SetCompression after InitNew was accepted")
	}
}

func TestMetadataIsOfItsBlockAlone(t *testing.T) {
	newWriter := writersOf[*order](t, parquet.Options{})
	metadata := func(w format.Writer[*order]) map[string]string {
		all := inspect(t, encoded(t, w, orders(1))).Metadata
		if all["jetcapture.schema"] == "" {
			t.Error("there is no fingerprint of the schema")
		}
		delete(all, "jetcapture.schema")
		return all
	}
	lying := newWriter()
	lying.(format.MetadataSetter).SetMetadata(map[string]string{"jetcapture.schema": "another"})
	if all := inspect(t, encoded(t, lying, orders(1))).Metadata; all["jetcapture.schema"] == "another" {
		t.Error("the fingerprint of the schema is what somebody set")
	}
	w := newWriter()
	w.(format.MetadataSetter).SetMetadata(map[string]string{"a": "1", "b": "1"})
	if err := w.InitNew(io.Discard); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		first := newWriter()
		first.(format.MetadataSetter).SetMetadata(map[string]string{"a": "1", "b": "1"})
		first.(format.MetadataSetter).SetMetadata(map[string]string{"b": "2"})
		second := newWriter()
		second.(format.MetadataSetter).SetMetadata(map[string]string{"c": "3"})
		if got := metadata(first); !reflect.DeepEqual(got, map[string]string{"a": "1", "b": "2"}) {
			t.Errorf("metadata of the first block is %q", got)
		}
		if got := metadata(second); !reflect.DeepEqual(got, map[string]string{"c": "3"}) {
			t.Errorf("metadata of the second block is %q", got)
		}
		if got := metadata(newWriter()); len(got) != 0 {
			t.Errorf("metadata of a block without is %q", got)
		}
	}
}

// moody is an out that panics or fails at its n-th write.
type moody struct {
	left  int
	panic bool
}

func (m *moody) Write(p []byte) (int, error) {
	if m.left--; m.left < 0 {
		if m.panic {
			panic("out panicked")
		}
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestABrokenWriterStaysBrokenAndHarmsNoOther(t *testing.T) {
	newWriter := rawWriters(t, parquet.Options{RowGroupRows: 10})
	messages := manyMessages(45)
	want := encoded(t, newWriter(), messages)
	broken := 0
	for _, panics := range []bool{false, true} {
		for n := range 30 {
			w := newWriter()
			if err := w.InitNew(&moody{left: n, panic: panics}); err != nil {
				t.Fatal(err)
			}
			var first error
			for _, m := range messages {
				if _, err := w.Write(m); err != nil && first == nil {
					first = err
				} else if first != nil && !errors.Is(err, format.ErrBroken) {
					t.Fatalf("after %v, Write returned %v", first, err)
				}
			}
			err := w.Flush()
			if first != nil && (!errors.Is(first, format.ErrBroken) || !errors.Is(err, format.ErrBroken)) {
				t.Fatalf("Write returned %v, Flush %v", first, err)
			}
			if first != nil {
				broken++
				if held := w.(format.Bufferer).Buffered(); held != 0 {
					t.Errorf("a broken writer holds %d bytes", held)
				}
			}
			if got := encoded(t, newWriter(), messages); !bytes.Equal(got, want) {
				t.Fatalf("after a writer whose out failed at write %d, the next file differs", n)
			}
		}
	}
	if broken < 6 {
		t.Errorf("only %d writers broke while writing", broken)
	}
}

func TestBlocksAreWrittenAtTheSameTime(t *testing.T) {
	newWriter := writersOf[*order](t, parquet.Options{RowGroupRows: 50})
	all := orders(120)
	want := encoded(t, newWriter(), all)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range 20 {
				var out bytes.Buffer
				w := newWriter()
				err := w.InitNew(&out)
				for _, o := range all {
					_, e := w.Write(o)
					err = errors.Join(err, e)
				}
				if err := errors.Join(err, w.Flush()); err != nil || !bytes.Equal(out.Bytes(), want) {
					t.Errorf("a file differs: %v", err)
				}
			}
		})
	}
	workers.Wait()
}

func TestABlockOfMoreRowGroupsThanAFileCanHaveIsBroken(t *testing.T) {
	w := writersOf[struct{ A int }](t, parquet.Options{RowGroupRows: 1, Codec: parquet.Uncompressed})()
	if err := w.InitNew(io.Discard); err != nil {
		t.Fatal(err)
	}
	n, err := 0, error(nil)
	for ; n < 40_000 && err == nil; n++ {
		_, err = w.Write(struct{ A int }{n})
	}
	if n != 1<<15+2 || !errors.Is(err, format.ErrBroken) || !strings.Contains(err.Error(), "RowGroupRows") {
		t.Errorf("after %d row groups: %v", n, err)
	}
}

func TestBufferedIsAboutTheMemoryHeld(t *testing.T) {
	for name, test := range map[string]func() (b format.Bufferer, flush func() error){
		"structs": func() (format.Bufferer, func() error) {
			w := writersOf[*order](t, parquet.Options{})()
			_ = w.InitNew(io.Discard)
			for _, o := range orders(20_000) {
				_, _ = w.Write(o)
			}
			return w.(format.Bufferer), w.Flush
		},
		"messages": func() (format.Bufferer, func() error) {
			w := rawWriters(t, parquet.Options{})()
			_ = w.InitNew(io.Discard)
			for _, m := range manyMessages(20_000) {
				_, _ = w.Write(m)
			}
			return w.(format.Bufferer), w.Flush
		},
	} {
		before := heap()
		b, flush := test()
		used := heap() - before
		if ratio := float64(b.Buffered()) / float64(used); ratio < 0.6 || ratio > 1.4 {
			t.Errorf("%s: %d bytes are said to be held, %d are", name, b.Buffered(), used)
		}
		if err := flush(); err != nil { // and wait for what is made meanwhile
			t.Error(err)
		}
	}
}

func TestAWriterServesOneBlockOnly(t *testing.T) {
	newWriter := writersOf[*order](t, parquet.Options{})
	w := newWriter()
	if _, err := w.Write(orders(1)[0]); !errors.Is(err, format.ErrBroken) {
		t.Errorf("Write before InitNew returns %v", err)
	}
	if err := newWriter().Flush(); !errors.Is(err, format.ErrBroken) {
		t.Errorf("Flush before InitNew returns %v", err)
	}
	w = newWriter()
	if err := w.InitNew(io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := w.InitNew(io.Discard); err == nil {
		t.Error("a second InitNew was accepted")
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(orders(1)[0]); !errors.Is(err, format.ErrBroken) {
		t.Errorf("Write after Flush returns %v", err)
	}
	if err := w.Flush(); !errors.Is(err, format.ErrBroken) {
		t.Errorf("a second Flush returns %v", err)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

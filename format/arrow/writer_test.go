package arrow_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/arrow"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/schema/columns"
)

type order struct {
	ID       string            `json:"id"`
	Customer *string           `json:"customer"`
	At       time.Time         `json:"at"`
	Items    []item            `json:"items"`
	Labels   map[string]string `json:"labels"`
	Total    float64           `json:"total"`
	Cents    int64             `json:"cents" parquet:"cents,decimal(2:18)"`
	Paid     bool              `json:"paid"`
}

type item struct {
	SKU      string   `json:"sku"`
	Quantity int32    `json:"quantity"`
	Discount *float64 `json:"discount"`
}

func orders(n int) []*order {
	list := make([]*order, n)
	for i := range list {
		id := uint64(i) * 0x9E3779B97F4A7C15
		o := &order{
			ID: fmt.Sprintf("%016x", id), At: time.Unix(1_800_000_000+int64(i), 123456789), Total: float64(i) / 100,
			Cents: int64(i) * -7, Paid: i%2 == 0,
		}
		for j := range i % 4 {
			o.Items = append(o.Items, item{SKU: fmt.Sprintf("SKU-%d", id%1000), Quantity: int32(j)})
			if j == 1 {
				o.Items[j].Discount = &o.Total
			}
		}
		if i%3 == 0 {
			o.Customer = &o.ID
			o.Labels = map[string]string{"source": "web"}
		}
		list[i] = o
	}
	return list
}

func TestWritersConform(t *testing.T) {
	for name, o := range map[string]arrow.Options{
		"file":         {BatchRows: 3},
		"one batch":    {},
		"zstd":         {Codec: arrow.Zstd},
		"lz4":          {Codec: arrow.LZ4, BatchRows: 2},
		"stream":       {Stream: true, BatchRows: 3},
		"small memory": {BatchBytes: 3000},
	} {
		t.Run(name, func(t *testing.T) {
			formattest.Suite[*order]{
				New:      factory[*order](t, o),
				Payloads: orders(9),
				Rejected: []*order{nil, {ID: "\xff"}, {Items: []item{{SKU: "\xff"}}}, {Labels: map[string]string{"\xff": ""}}},
				Read:     func(t *testing.T, file []byte) []string { return read(t, file).text() },
			}.Run(t)
		})
	}
}

func TestTheCaptureChoosesTheCodec(t *testing.T) {
	const zstdMagic, lz4Magic = "\x28\xb5\x2f\xfd", "\x04\x22\x4d\x18"
	for _, test := range []struct {
		codec       arrow.Codec
		compression format.Codec
		want        string
	}{
		{"", "", ""},
		{"", format.None, ""},
		{arrow.LZ4, "", lz4Magic},
		{arrow.LZ4, format.None, ""},
		{arrow.None, format.LZ4, lz4Magic},
		{arrow.None, format.Zstd, zstdMagic},
		{arrow.LZ4, format.Zstd, zstdMagic},
	} {
		w := factory[*order](t, arrow.Options{Codec: test.codec})()
		if err := w.(format.SelfCompressor).SetCompression(test.compression); err != nil {
			t.Fatal(err)
		}
		file := string(encoded(t, w, orders(10)...))
		for _, codec := range []string{zstdMagic, lz4Magic} {
			if has := strings.Contains(file, codec); has != (codec == test.want) {
				t.Errorf("codec %q and compression %q: frames of %q: %t", test.codec, test.compression, codec, has)
			}
		}
	}
}

func TestACompressionThatArrowLacksIsRefusedWithTheWayOut(t *testing.T) {
	for _, c := range []format.Codec{format.GZip, format.Snappy, format.Brotli, format.ZstdBetter, "lzo"} {
		w := factory[*order](t, arrow.Options{})()
		err := w.(format.SelfCompressor).SetCompression(c)
		if err == nil || !strings.Contains(err.Error(), string(c)) || !strings.Contains(err.Error(), `use "none", "zstd" or "lz4"`) {
			t.Errorf("compression %q: %v", c, err)
		}
	}
	w := factory[*order](t, arrow.Options{})()
	if err := w.InitNew(io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := w.(format.SelfCompressor).SetCompression(format.Zstd); err == nil {
		t.Error("SetCompression after InitNew was accepted")
	}
}

func TestMetadataOfAFileIsWhatWasSetInTheEnd(t *testing.T) {
	newWriter := factory[*order](t, arrow.Options{BatchRows: 3})
	for range 2 {
		w := newWriter()
		set(w, "a", "1", "b", "1", "bad", "\xff", "jetcapture.schema", "mine")
		var out bytes.Buffer
		if err := w.InitNew(&out); err != nil {
			t.Fatal(err)
		}
		for _, o := range orders(7) {
			if _, err := w.Write(o); err != nil {
				t.Fatal(err)
			}
		}
		set(w, "b", "2", "late", "3")
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		got := read(t, out.Bytes()).metadata()
		fingerprint := got["jetcapture.schema"]
		want := map[string]string{"a": "1", "b": "2", "late": "3", "bad": "\uFFFD", "jetcapture.schema": fingerprint}
		if !maps.Equal(got, want) || len(fingerprint) != 32 {
			t.Errorf("metadata is %q, want %q", got, want)
		}
		if other := read(t, encoded(t, newWriter(), orders(7)...)).metadata(); len(other) != 1 {
			t.Errorf("metadata of another block is %q", other)
		}
	}
}

func TestMetadataOfAStreamIsWhatWasSetBeforeItsFirstBatch(t *testing.T) {
	newWriter := factory[*order](t, arrow.Options{BatchRows: 3, Stream: true})
	for rows, late := range map[int]string{0: "3", 2: "3", 7: ""} {
		w := newWriter()
		var out bytes.Buffer
		if err := w.InitNew(&out); err != nil {
			t.Fatal(err)
		}
		set(w, "a", "1")
		for _, o := range orders(rows) {
			if _, err := w.Write(o); err != nil {
				t.Fatal(err)
			}
		}
		set(w, "late", "3")
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := read(t, out.Bytes()).metadata(); got["a"] != "1" || got["late"] != late {
			t.Errorf("%d rows: metadata is %q", rows, got)
		}
	}
}

// set sets metadata.
func set[P any](w format.Writer[P], namesAndValues ...string) {
	metadata := map[string]string{}
	for i := 0; i < len(namesAndValues); i += 2 {
		metadata[namesAndValues[i]] = namesAndValues[i+1]
	}
	w.(format.MetadataSetter).SetMetadata(metadata)
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
	newWriter := factory[*order](t, arrow.Options{BatchRows: 10, Codec: arrow.LZ4})
	all := orders(25)
	want := encoded(t, newWriter(), all...)
	broken := 0
	for _, panics := range []bool{false, true} {
		for n := range 3 {
			w := newWriter()
			if err := w.InitNew(&moody{left: n, panic: panics}); err != nil {
				t.Fatal(err)
			}
			var first error
			for _, o := range all {
				if _, err := w.Write(o); err != nil && first == nil {
					first = err
				} else if first != nil && !errors.Is(err, format.ErrBroken) {
					t.Fatalf("after %v, Write returned %v", first, err)
				}
			}
			err := w.Flush()
			if first != nil {
				broken++
				if held := w.(format.Bufferer).Buffered(); held != 0 {
					t.Errorf("a broken writer holds %d bytes", held)
				}
			}
			if first != nil && !errors.Is(first, format.ErrBroken) || !errors.Is(err, format.ErrBroken) {
				t.Fatalf("out failed at write %d: Write returned %v, Flush %v", n, first, err)
			}
			if got := encoded(t, newWriter(), all...); !bytes.Equal(got, want) {
				t.Fatalf("after a writer whose out failed at write %d, the next file differs", n)
			}
		}
	}
	if broken < 4 {
		t.Errorf("only %d writers broke while writing", broken)
	}
}

func TestAWriterServesOneBlockOnly(t *testing.T) {
	newWriter := factory[*order](t, arrow.Options{})
	w := newWriter()
	if _, err := w.Write(orders(1)[0]); !errors.Is(err, format.ErrBroken) {
		t.Errorf("Write before InitNew returns %v", err)
	}
	if err := newWriter().Flush(); !errors.Is(err, format.ErrBroken) {
		t.Errorf("Flush before InitNew returns %v", err)
	}
	if err := newWriter().(format.Spiller).Spill(); !errors.Is(err, format.ErrBroken) {
		t.Errorf("Spill before InitNew returns %v", err)
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

func TestBlocksAreWrittenAtTheSameTime(t *testing.T) {
	for _, codec := range []arrow.Codec{arrow.None, arrow.Zstd, arrow.LZ4} {
		newWriter := factory[*order](t, arrow.Options{BatchRows: 50, Codec: codec})
		all := orders(120)
		want := encoded(t, newWriter(), all...)
		var workers sync.WaitGroup
		for range 8 {
			workers.Go(func() {
				for range 10 {
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
}

func TestAllThatIsWrongWithTheOptionsIsSaid(t *testing.T) {
	_, err := arrow.Writers[struct{ A any }](arrow.Options{Codec: "snappy", BatchRows: -1, BatchBytes: 1 << 40})
	for _, want := range []string{`"snappy"`, "BatchRows", "BatchBytes", "A"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not have %s: %v", want, err)
		}
	}
	if _, err := arrow.PlanWriters[int](nil, arrow.Options{}); err == nil {
		t.Error("no plan was accepted")
	}
	if _, err := arrow.PlanWriters(columns.Rows[int, int](nil, nil), arrow.Options{}); err == nil {
		t.Error("a plan without a schema was accepted")
	}
}

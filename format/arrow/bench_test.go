package arrow_test

import (
	"io"
	"runtime"
	"testing"

	arrowgo "github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/arrow"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/schema/columns"
)

// counter is an out that only counts.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// Seek is for the yardstick.
func (c *counter) Seek(int64, int) (int64, error) { return c.n, nil }

// messages returns raw messages of 250 bytes, half of them with two headers.
func messages(n int) []*formattest.Message {
	list, first := make([]*formattest.Message, n), formattest.Messages()[0]
	for i := range list {
		m := *first
		m.StreamSeq, m.ConsumerSeq, m.Data = uint64(i), uint64(i), make([]byte, 250)
		if i%2 == 0 {
			m.Headers = map[string][]string{"Nats-Msg-Id": {"0123456789abcdef"}, "Trace": {"00-4bf92f3577b34da6a3ce929d0e0e4736-01"}}
		}
		list[i] = &m
	}
	return list
}

const benchRows = 50_000

func benchmark[P any](b *testing.B, newWriter func() format.Writer[P], rows []P) {
	b.ReportAllocs()
	var out counter
	for b.Loop() {
		out.n = 0
		w := newWriter()
		if err := w.InitNew(&out); err != nil {
			b.Fatal(err)
		}
		for _, p := range rows {
			if _, err := w.Write(p); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(out.n)
	perRow(b, len(rows), out.n)
}

func perRow(b *testing.B, rows int, bytes int64) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
	b.ReportMetric(float64(bytes)/float64(rows), "B/row")
}

var codecs = []arrow.Codec{arrow.None, arrow.Zstd, arrow.LZ4}

func BenchmarkRaw(b *testing.B) {
	for _, codec := range codecs {
		b.Run(string(codec), func(b *testing.B) { benchmark(b, rawFactory(b, arrow.Options{Codec: codec}), messages(benchRows)) })
	}
}

func BenchmarkOrders(b *testing.B) {
	for _, codec := range codecs {
		b.Run(string(codec), func(b *testing.B) {
			benchmark(b, factory[*order](b, arrow.Options{Codec: codec}), orders(benchRows))
		})
	}
}

func BenchmarkSmallBlocks(b *testing.B) {
	b.Run("0", func(b *testing.B) { benchmark(b, rawFactory(b, arrow.Options{}), messages(1)[:0]) })
	b.Run("1", func(b *testing.B) { benchmark(b, rawFactory(b, arrow.Options{}), messages(1)) })
	b.Run("1 with metadata", func(b *testing.B) {
		newWriter := rawFactory(b, arrow.Options{})
		benchmark(b, func() format.Writer[*formattest.Message] {
			w := newWriter()
			set(w, "jetcapture.first_seq", "1", "jetcapture.last_seq", "10")
			return w
		}, messages(1))
	})
	b.Run("10", func(b *testing.B) { benchmark(b, rawFactory(b, arrow.Options{}), messages(10)) })
	b.Run("100", func(b *testing.B) { benchmark(b, rawFactory(b, arrow.Options{}), messages(100)) })
}

// BenchmarkRawByArrow is the yardstick: the same rows by Arrow's RecordBuilder and its writer.
func BenchmarkRawByArrow(b *testing.B) {
	s := arrow.Schema(format.RawPlan[*formattest.Message]().Schema())
	for _, codec := range codecs {
		b.Run(string(codec), func(b *testing.B) { yardstick(b, s, codec, messages(benchRows), appendMessage) })
	}
}

// BenchmarkOrdersByArrow is the yardstick of typed rows.
func BenchmarkOrdersByArrow(b *testing.B) {
	s := arrow.Schema(mustSchema[*order](b))
	for _, codec := range codecs {
		b.Run(string(codec), func(b *testing.B) { yardstick(b, s, codec, orders(benchRows), appendOrder) })
	}
}

func yardstick[P any](b *testing.B, s *arrowgo.Schema, codec arrow.Codec, rows []P, add func(*array.RecordBuilder, P)) {
	b.ReportAllocs()
	options := []ipc.Option{ipc.WithSchema(s)}
	switch codec {
	case arrow.Zstd:
		options = append(options, ipc.WithZstd())
	case arrow.LZ4:
		options = append(options, ipc.WithLZ4())
	}
	var out counter
	for b.Loop() {
		out.n = 0
		w, err := ipc.NewFileWriter(&out, options...)
		if err != nil {
			b.Fatal(err)
		}
		builder := array.NewRecordBuilder(memory.DefaultAllocator, s)
		for _, row := range rows {
			add(builder, row)
		}
		record := builder.NewRecord()
		if err := w.Write(record); err != nil {
			b.Fatal(err)
		}
		record.Release()
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(out.n)
	perRow(b, len(rows), out.n)
}

func appendMessage(r *array.RecordBuilder, m *formattest.Message) {
	r.Field(0).(*array.StringBuilder).Append(m.Subject)
	if m.Reply == "" {
		r.Field(1).AppendNull()
	} else {
		r.Field(1).(*array.StringBuilder).Append(m.Reply)
	}
	headers := r.Field(2).(*array.MapBuilder)
	headers.Append(true)
	for name, values := range m.Headers {
		headers.KeyBuilder().(*array.StringBuilder).Append(name)
		list := headers.ItemBuilder().(*array.ListBuilder)
		list.Append(true)
		for _, v := range values {
			list.ValueBuilder().(*array.StringBuilder).Append(v)
		}
	}
	r.Field(3).(*array.BinaryBuilder).Append(m.Data)
	r.Field(4).(*array.StringBuilder).Append(m.Stream)
	r.Field(5).(*array.StringBuilder).Append(m.Consumer)
	r.Field(6).(*array.Int64Builder).Append(int64(m.StreamSeq))
	r.Field(7).(*array.Int64Builder).Append(int64(m.ConsumerSeq))
	r.Field(8).(*array.TimestampBuilder).Append(arrowgo.Timestamp(m.Timestamp.UnixMicro()))
	r.Field(9).(*array.Int64Builder).Append(m.Timestamp.UnixNano())
	r.Field(10).(*array.Int64Builder).Append(int64(m.NumDelivered))
	r.Field(11).(*array.Int64Builder).Append(int64(m.NumPending))
}

func appendOrder(r *array.RecordBuilder, o *order) {
	r.Field(0).(*array.StringBuilder).Append(o.ID)
	if o.Customer == nil {
		r.Field(1).AppendNull()
	} else {
		r.Field(1).(*array.StringBuilder).Append(*o.Customer)
	}
	r.Field(2).(*array.TimestampBuilder).Append(arrowgo.Timestamp(o.At.UnixMicro()))
	items := r.Field(3).(*array.ListBuilder)
	items.Append(o.Items != nil)
	for _, it := range o.Items {
		s := items.ValueBuilder().(*array.StructBuilder)
		s.Append(true)
		s.FieldBuilder(0).(*array.StringBuilder).Append(it.SKU)
		s.FieldBuilder(1).(*array.Int32Builder).Append(it.Quantity)
		if it.Discount == nil {
			s.FieldBuilder(2).AppendNull()
		} else {
			s.FieldBuilder(2).(*array.Float64Builder).Append(*it.Discount)
		}
	}
	labels := r.Field(4).(*array.MapBuilder)
	labels.Append(o.Labels != nil)
	for k, v := range o.Labels {
		labels.KeyBuilder().(*array.StringBuilder).Append(k)
		labels.ItemBuilder().(*array.StringBuilder).Append(v)
	}
	r.Field(5).(*array.Float64Builder).Append(o.Total)
	r.Field(6).(*array.Decimal128Builder).Append(decimal128.FromI64(o.Cents))
	r.Field(7).(*array.BooleanBuilder).Append(o.Paid)
}

// BenchmarkOpenBlocks holds 10,000 blocks of ten messages, whose own memory is not counted, then spills and closes them.
func BenchmarkOpenBlocks(b *testing.B) {
	const blocks = 10_000
	ten := messages(10)
	for _, codec := range codecs {
		b.Run(string(codec), func(b *testing.B) {
			newWriter := rawFactory(b, arrow.Options{Codec: codec})
			for b.Loop() {
				before := heap()
				open := opened(b, newWriter, blocks, ten)
				b.ReportMetric(float64(heap()-before)/1e6, "heap-MB-open")
				spill(b, open)
				b.ReportMetric(float64(heap()-before)/1e6, "heap-MB-spilled")
				for _, w := range open {
					if err := w.Flush(); err != nil {
						b.Fatal(err)
					}
				}
				runtime.KeepAlive(open)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*blocks), "us/block")
		})
	}
}

func opened[P any](t testing.TB, newWriter func() format.Writer[P], n int, payloads []P) []format.Writer[P] {
	t.Helper()
	open := make([]format.Writer[P], n)
	for i := range open {
		open[i] = newWriter()
		if err := open[i].InitNew(io.Discard); err != nil {
			t.Fatal(err)
		}
		for _, p := range payloads {
			if _, err := open[i].Write(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	return open
}

func spill[P any](t testing.TB, open []format.Writer[P]) {
	t.Helper()
	for _, w := range open {
		if err := w.(format.Spiller).Spill(); err != nil {
			t.Fatal(err)
		}
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestOpenBlocksAreSmall(t *testing.T) {
	const blocks = 500
	ten := messages(10)
	for _, codec := range codecs {
		newWriter := rawFactory(t, arrow.Options{Codec: codec})
		before := heap()
		open := opened(t, newWriter, blocks, ten)
		if held := (heap() - before) / blocks; held > 16<<10 {
			t.Errorf("%s: a block of ten messages takes %d bytes", codec, held)
		}
		spill(t, open)
		if held := (heap() - before) / blocks; held > 2<<10 {
			t.Errorf("%s: a spilled block takes %d bytes", codec, held)
		}
		runtime.KeepAlive(open)
	}
}

func TestBufferedIsAboutTheMemoryHeld(t *testing.T) {
	rows := orders(20_000)
	before := heap()
	open := opened(t, factory[*order](t, arrow.Options{}), 1, rows)
	used := heap() - before
	if ratio := float64(open[0].(format.Bufferer).Buffered()) / float64(used); ratio < 0.7 || ratio > 1.3 {
		t.Errorf("%d bytes are said to be held, %d are", open[0].(format.Bufferer).Buffered(), used)
	}
	runtime.KeepAlive(rows)
}

var _ columns.Appender[*order] = full{}

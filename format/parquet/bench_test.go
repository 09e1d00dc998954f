package parquet_test

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
)

// counter is an out that only counts.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

func benchmarkRaw(b *testing.B, rows int, options parquet.Options) {
	messages := manyMessages(rows)
	raw := int64(0)
	for _, m := range messages {
		raw += int64(len(m.Data))
		for name, values := range m.Headers {
			raw += int64(len(name) + len(values[0]))
		}
	}
	newWriter := rawWriters(b, options)
	b.SetBytes(raw)
	b.ReportAllocs()
	var out counter
	for b.Loop() {
		out.n = 0
		write(b, newWriter(), &out, messages)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
	b.ReportMetric(float64(out.n)/float64(rows), "B/row")
}

func write[P any](b *testing.B, w format.Writer[P], out io.Writer, payloads []P) {
	if err := w.InitNew(out); err != nil {
		b.Fatal(err)
	}
	for _, p := range payloads {
		if _, err := w.Write(p); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkRaw(b *testing.B) {
	for _, codec := range []parquet.Codec{parquet.Zstd, parquet.ZstdBetter, parquet.Snappy, parquet.GZip, parquet.Uncompressed} {
		b.Run(string(codec), func(b *testing.B) { benchmarkRaw(b, 50_000, parquet.Options{Codec: codec}) })
	}
}

func BenchmarkRawSmallBlocks(b *testing.B) {
	b.Run("1", func(b *testing.B) { benchmarkRaw(b, 1, parquet.Options{}) })
	b.Run("10", func(b *testing.B) { benchmarkRaw(b, 10, parquet.Options{}) })
	b.Run("100", func(b *testing.B) { benchmarkRaw(b, 100, parquet.Options{}) })
	b.Run("1000", func(b *testing.B) { benchmarkRaw(b, 1000, parquet.Options{}) })
}

// BenchmarkZstdAlone is the yardstick: the codec on the same data and headers, and nothing else.
func BenchmarkZstdAlone(b *testing.B) {
	messages := manyMessages(50_000)
	var pages [][]byte
	var page []byte
	for _, m := range messages {
		page = append(page, m.Data...)
		for name, values := range m.Headers {
			page = append(append(page, name...), values[0]...)
		}
		if len(page) >= 256<<10 {
			pages, page = append(pages, page), nil
		}
	}
	pages = append(pages, page)
	e, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	size, raw := 0, 0
	var out []byte
	for b.Loop() {
		size, raw = 0, 0
		for _, p := range pages {
			out = e.EncodeAll(p, out[:0])
			size += len(out)
			raw += len(p)
		}
	}
	b.SetBytes(int64(raw))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(messages)), "ns/row")
	b.ReportMetric(float64(size)/float64(len(messages)), "B/row")
}

func BenchmarkStructs(b *testing.B) {
	list := orders(50_000)
	values := make([]order, len(list))
	for i := range list {
		values[i] = *list[i]
	}
	b.Run("pointers", func(b *testing.B) { benchmarkStructs(b, list) })
	b.Run("values", func(b *testing.B) { benchmarkStructs(b, values) })
}

func benchmarkStructs[P any](b *testing.B, rows []P) {
	newWriter := writersOf[P](b, parquet.Options{})
	b.ReportAllocs()
	var out counter
	for b.Loop() {
		out.n = 0
		write(b, newWriter(), &out, rows)
	}
	b.SetBytes(out.n)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
	b.ReportMetric(float64(out.n)/float64(len(rows)), "B/row")
}

// BenchmarkOpenBlocks holds 10,000 blocks of ten messages, whose own memory is not counted, then closes them all.
func BenchmarkOpenBlocks(b *testing.B) {
	const blocks = 10_000
	messages := manyMessages(10)
	newWriter := rawWriters(b, parquet.Options{})
	for b.Loop() {
		before := heap()
		open := make([]format.Writer[*formattest.Message], blocks)
		for i := range open {
			open[i] = newWriter()
			if err := open[i].InitNew(io.Discard); err != nil {
				b.Fatal(err)
			}
			for _, m := range messages {
				if _, err := open[i].Write(m); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(heap()-before)/1e6, "heap-MB-open")
		for _, w := range open {
			if err := w.(format.Spiller).Spill(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heap()-before)/1e6, "heap-MB-spilled")
		for _, w := range open {
			if err := w.Flush(); err != nil {
				b.Fatal(err)
			}
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapSys)/1e6, "heap-MB-sys")
		runtime.KeepAlive(open)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*blocks), "us/block")
}

func BenchmarkInspect(b *testing.B) {
	file := encoded(b, rawWriters(b, parquet.Options{RowGroupRows: 100})(), manyMessages(1000))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parquet.Inspect(bytes.NewReader(file), int64(len(file))); err != nil {
			b.Fatal(err)
		}
	}
}

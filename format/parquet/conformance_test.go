package parquet_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/schema/columns"
)

func maker(options parquet.Options) formattest.Maker {
	return func(plan columns.Appender[any]) (func() format.Writer[any], error) {
		return parquet.PlanWriters(plan, options)
	}
}

func TestForeignReadersReadAllTypesBack(t *testing.T) {
	readers := formattest.ParquetReaders(t)
	t.Run("with the default options", func(t *testing.T) { formattest.Typed(t, maker(parquet.Options{}), readers) })
	for name, way := range map[string]struct {
		options parquet.Options
		cases   []*formattest.Case
	}{
		"pages of version 2, small, in many row groups": {
			parquet.Options{PageVersion: 2, Codec: parquet.Snappy, PageBytes: 1 << 10, RowGroupRows: 900}, formattest.Patterns(),
		},
		"row groups of 7 rows": {
			parquet.Options{RowGroupRows: 7, Codec: parquet.Uncompressed}, formattest.Matrix(),
		},
		"row groups of one row, gzip": {
			parquet.Options{RowGroupRows: 1, Codec: parquet.GZip, PageVersion: 2}, formattest.Traps(),
		},
		"small pages, lz4": {
			parquet.Options{PageBytes: 1 << 10, Codec: parquet.LZ4, PageVersion: 2}, formattest.Matrix(),
		},
		"small pages of version 1": {
			parquet.Options{PageBytes: 1 << 10, Codec: parquet.ZstdBetter}, formattest.Traps(),
		},
		"brotli": {parquet.Options{Codec: parquet.Brotli, RowGroupRows: 100}, formattest.Traps()},
	} {
		t.Run(name, func(t *testing.T) {
			for i, c := range way.cases {
				if testing.Short() && i%2 > 0 {
					continue // make test-long runs all; with the default options, make test does
				}
				t.Run(c.Name, func(t *testing.T) {
					if way.options.Codec == parquet.LZ4 {
						c.Run(t, maker(way.options), readers[1:]) // all but parquet-go: see FuzzRandomStructsAreReadBackByForeignReaders
					} else {
						c.Run(t, maker(way.options), readers)
					}
				})
			}
		})
	}
}

func TestForeignReadersReadRawMessagesBack(t *testing.T) {
	messages := formattest.Messages()
	var want []formattest.Struct
	for _, m := range messages {
		want = append(want, formattest.CanonicalRaw(m.Raw()))
	}
	readers := formattest.ParquetReaders(t)
	for _, options := range []parquet.Options{{}, {PageVersion: 2, RowGroupRows: 2, Codec: parquet.Snappy}} {
		factory, err := parquet.RawWriters[*formattest.Message](options)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		w := factory()
		if err := w.InitNew(&out); err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			if _, err := w.Write(m); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "raw.parquet")
		if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, reader := range readers {
			table, err := reader.Read(path)
			if err != nil {
				t.Error(err)
				continue
			}
			for _, d := range reader.Check(table, format.RawColumns(), want) {
				t.Error(d)
			}
		}
	}
}

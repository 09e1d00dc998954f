package parquet_test

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
)

// FuzzRandomStructsAreReadBackByForeignReaders writes random values of random struct types with random options. All files are
// read by parquet-go and by DuckDB, one in eight by all the others too. Instead of parquet-go, Rust's parquet reads those with
// LZ4 in them: where a page shrinks to more than a third by it, parquet-go v0.32 takes what its buffer had before for the page.
func FuzzRandomStructsAreReadBackByForeignReaders(f *testing.F) {
	readers := formattest.ParquetReaders(f)
	path := filepath.Join(f.TempDir(), "random.parquet")
	for seed := range uint64(100) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		c := formattest.Random(seed)
		options := randomOptions(seed, len(c.Rows))
		if err := c.Write(path, maker(options)); err != nil {
			t.Fatalf("%+v\n%s\n%v", options, c.Type, err)
		}
		chosen := readers[:2]
		switch lz4 := options.Codec == parquet.LZ4 || strings.Contains(c.Type.String(), "lz4"); {
		case lz4 && seed%8 == 0:
			chosen = readers[1:]
		case lz4:
			chosen = readers[1:3]
		case seed%8 == 0:
			chosen = readers
		}
		for _, d := range c.Differences(path, chosen) {
			t.Errorf("%+v\n%s\n%s", options, c.Type, d)
		}
	})
}

// randomOptions returns options by which so many rows make a hundred row groups at most.
func randomOptions(seed uint64, rows int) parquet.Options {
	r := rand.New(rand.NewPCG(seed, 7))
	groups := []int{0, 1, 2, 7, 64, 1000}
	for rows > 100*groups[1] {
		groups = append(groups[:1], groups[2:]...)
	}
	codecs := []parquet.Codec{
		"", parquet.Zstd, parquet.ZstdBetter, parquet.Snappy, parquet.GZip, parquet.LZ4, parquet.Brotli, parquet.Uncompressed,
	}
	return parquet.Options{
		Codec:        codecs[r.IntN(len(codecs))],
		PageVersion:  1 + r.IntN(2),
		RowGroupRows: groups[r.IntN(len(groups))],
		PageBytes:    []int{0, 1 << 10, 1 << 12, 1 << 16}[r.IntN(4)],
	}
}

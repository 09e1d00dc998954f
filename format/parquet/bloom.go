package parquet

import (
	"encoding/binary"

	"github.com/parquet-go/parquet-go/bloom"
	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/schema/columns"
)

// A filter is the bloom filter of a chunk. It is written after the row group.
type filter struct {
	chunk  *chunk
	blocks bloom.SplitBlockFilter
}

// bitsPerValue lets a filter report one of a hundred missing values as present.
const bitsPerValue = 10

// filter returns the bloom filter of all values. It hashes their PLAIN encoding, without lengths.
func (e *encoder) filter(k *chunk, v *values) filter {
	var hashes []uint64
	var hash bloom.XXH64
	add := func(i int) {
		if v.physical == columns.PhysicalBytes {
			hashes = append(hashes, hash.Sum64(v.at(i)))
		} else {
			e.scratch = v.plain(e.scratch[:0], i, i+1)
			hashes = append(hashes, hash.Sum64(e.scratch))
		}
	}
	if k.encoding == pqformat.RLEDictionary {
		for _, first := range e.dictionary.firsts {
			add(int(first))
		}
	} else {
		for i := range int(k.values - k.nulls) {
			add(i)
		}
	}
	f := filter{k, make(bloom.SplitBlockFilter, max(bloom.NumSplitBlocksOf(int64(len(hashes)), bitsPerValue), 1))}
	f.blocks.InsertBulk(hashes)
	return f
}

// bloom appends a filter to e.out.
func (e *encoder) bloom(f filter) {
	start := len(e.out)
	w := &e.thrift
	w.b = e.out
	w.begin()
	w.i32(1, int32(len(f.blocks)*bloom.BlockSize))
	for id := 2; id <= 4; id++ { // split blocks, of xxHash, uncompressed
		w.structure(id)
		w.empty(1)
		w.end()
	}
	w.end()
	e.out = w.b
	for i := range f.blocks {
		for _, word := range f.blocks[i] {
			e.out = binary.LittleEndian.AppendUint32(e.out, uint32(word))
		}
	}
	f.chunk.bloom = location{e.file.offset + int64(start), int32(len(e.out) - start)}
}

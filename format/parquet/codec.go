package parquet

import (
	"sync"

	"github.com/klauspost/compress/zstd"
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	pqformat "github.com/parquet-go/parquet-go/format"
)

var codecs = map[Codec]compress.Codec{
	Zstd:         newZstdCodec(zstd.SpeedFastest),
	ZstdBetter:   newZstdCodec(zstd.SpeedBetterCompression),
	Snappy:       &pq.Snappy,
	GZip:         &pq.Gzip,
	Uncompressed: &pq.Uncompressed,
}

// codecOf returns nil for an unknown codec.
func codecOf(c Codec) compress.Codec { return codecs[c] }

// zstdCodec is parquet-go's zstd codec with entropy coding of all literals, which makes typed files 16% smaller, and
// encoders that need less memory.
type zstdCodec struct{ encoders, decoders sync.Pool }

func newZstdCodec(level zstd.EncoderLevel) *zstdCodec {
	c := new(zstdCodec)
	c.encoders.New = func() any {
		e, _ := zstd.NewWriter(nil, // these options are no error
			zstd.WithEncoderLevel(level),
			zstd.WithAllLitEntropyCompression(true),
			zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderCRC(false), // pages have their own
			zstd.WithZeroFrames(true),
		)
		return e
	}
	c.decoders.New = func() any {
		d, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		return d
	}
	return c
}

func (*zstdCodec) String() string                              { return "ZSTD" }
func (*zstdCodec) CompressionCodec() pqformat.CompressionCodec { return pqformat.Zstd }

func (c *zstdCodec) Encode(dst, src []byte) ([]byte, error) {
	e := c.encoders.Get().(*zstd.Encoder)
	defer c.encoders.Put(e)
	return e.EncodeAll(src, dst[:0]), nil
}

func (c *zstdCodec) Decode(dst, src []byte) ([]byte, error) {
	d := c.decoders.Get().(*zstd.Decoder)
	defer c.decoders.Put(d)
	return d.DecodeAll(src, dst[:0])
}

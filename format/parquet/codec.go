package parquet

import (
	"fmt"
	"math/bits"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/compress/brotli"
	"github.com/parquet-go/parquet-go/compress/gzip"
	"github.com/parquet-go/parquet-go/compress/lz4"
	"github.com/parquet-go/parquet-go/compress/snappy"
	"github.com/parquet-go/parquet-go/compress/uncompressed"
	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/format"
)

// Codec is format.Codec. Pages can be compressed with all of them.
type Codec = format.Codec

// The codecs of pages.
const (
	Zstd         = format.Zstd       // at its fastest level, the default
	ZstdBetter   = format.ZstdBetter // takes about twice the CPU; smaller for some data and larger for others: try it
	Snappy       = format.Snappy
	GZip         = format.GZip
	LZ4          = format.LZ4 // LZ4_RAW in the file; parquet-go 0.32 misreads some of its pages
	Brotli       = format.Brotli
	Uncompressed = format.None
)

const defaultGZip = 6 // the default of gzip itself; the library's is 5

// maxLevels has the highest level of each codec, 0 for one without levels.
var maxLevels = map[Codec]int{Zstd: 22, ZstdBetter: 0, Snappy: 0, GZip: 9, LZ4: 0, Brotli: 11, Uncompressed: 0}

// checkCodec returns an error if c is no codec of pages, or has no such level.
func checkCodec(c Codec, level int) error {
	if err := c.Validate(); err != nil {
		return fmt.Errorf("Codec: %w", err)
	}
	most := maxLevels[c]
	switch {
	case level != 0 && most == 0:
		return fmt.Errorf("codec %q has no levels: leave Level at 0, not %d", c, level)
	case level < 0 || level > most:
		return fmt.Errorf("codec %q has no Level %d: use 1 to %d, or 0 for its default", c, level, most)
	}
	return nil
}

// A compressor compresses pages, and is safe for concurrent use.
type compressor interface {
	CompressionCodec() pqformat.CompressionCodec

	// Encode compresses a page with the given number of values into the memory of dst.
	Encode(dst, src []byte, values int) ([]byte, error)
}

// A library compresses with a codec of parquet-go.
type library struct{ compress.Codec }

func (l library) Encode(dst, src []byte, _ int) ([]byte, error) { return l.Codec.Encode(dst, src) }

// newCodec returns the compressor of a codec at a level.
func newCodec(c Codec, level int) compressor {
	switch c {
	case Zstd:
		if level > 0 {
			return newZstdCodec(zstd.EncoderLevelFromZstd(level))
		}
		return newZstdCodec(zstd.SpeedFastest)
	case ZstdBetter:
		return newZstdCodec(zstd.SpeedBetterCompression)
	case Snappy:
		return library{new(snappy.Codec)}
	case GZip:
		if level == 0 {
			level = defaultGZip
		}
		return library{&gzip.Codec{Level: level}}
	case LZ4:
		return library{&lz4.Codec{Level: lz4.DefaultLevel}}
	case Brotli:
		return library{&brotli.Codec{Quality: level}}
	}
	return library{new(uncompressed.Codec)}
}

// zstdCodec is parquet-go's zstd codec with entropy coding of all literals, which makes typed files 16% smaller, and
// encoders that need less memory and look back in a page only as far as it pays.
type zstdCodec struct {
	level    zstd.EncoderLevel
	encoders [windows]sync.Pool // by their window
}

// An encoder takes 1.5 MB with the largest of these windows, and 10 MB with the default window of its level.
const (
	minWindow  = 64 << 10 // bytes
	windows    = 5        // each twice as large as the one before, up to 1 MiB
	windowRows = 256
)

func newZstdCodec(level zstd.EncoderLevel) *zstdCodec { return &zstdCodec{level: level} }

func (*zstdCodec) CompressionCodec() pqformat.CompressionCodec { return pqformat.Zstd }

func (c *zstdCodec) Encode(dst, src []byte, values int) ([]byte, error) {
	window := windowOf(len(src), values)
	e, ok := c.encoders[window].Get().(*zstd.Encoder)
	if !ok {
		e = newZstd(c.level, minWindow<<window)
	}
	defer c.encoders[window].Put(e)
	return e.EncodeAll(src, dst[:0]), nil
}

// windowOf returns the window for a page. Values that are alike are near each other: a larger window would only make offsets take
// more bits. With a window of 256 messages, of 260 bytes, their JSON becomes 2% smaller in the same time.
func windowOf(size, values int) int {
	most := uint64(size) / uint64(max(values, 1)) * windowRows / minWindow
	return min(max(bits.Len64(most)-1, 0), windows-1)
}

func newZstd(level zstd.EncoderLevel, window int) *zstd.Encoder {
	e, _ := zstd.NewWriter(nil, // these options are no error
		zstd.WithEncoderLevel(level),
		zstd.WithWindowSize(window),
		zstd.WithLowerEncoderMem(true),
		zstd.WithAllLitEntropyCompression(true),
		zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), // pages have their own
		zstd.WithZeroFrames(true),
	)
	return e
}

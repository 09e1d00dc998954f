package format

import "github.com/jetcapture/lake/schema"

// A Codec names a way to compress: a whole file, which Compress does, or the parts of one, which Writers of Parquet and Arrow
// do. The zero value is the default of whoever compresses: none for a whole file, what its Options say for a Writer. None is
// no compression. What does not support a Codec refuses it, with an error that lists those it supports.
type Codec = schema.Codec

// The codecs. Compress supports None, GZip, Snappy and Zstd.
const (
	None       = schema.Uncompressed // "none"
	GZip       = schema.GZip         // "gzip"
	Snappy     = schema.Snappy       // "snappy"; as a whole file, Snappy's framing format
	Zstd       = schema.Zstd         // "zstd"
	ZstdBetter = schema.ZstdBetter   // "zstd-better"
	LZ4        = schema.LZ4          // "lz4"
	Brotli     = schema.Brotli       // "brotli"
)

// Extension returns what is added to the name of a file that Compress made, without its dot: "gz", "sz" or "zst", and "" for
// a file that is not compressed.
func Extension(c Codec) string {
	switch c {
	case GZip:
		return "gz"
	case Snappy:
		return "sz"
	case Zstd:
		return "zst"
	}
	return ""
}

package format

import "github.com/jetcapture/lake/schema"

// A Codec names a way to compress: a whole file by Compress, or parts of one by a Writer of Parquet or Arrow. None is no
// compression. The zero value is the default: no compression of a whole file, and the Codec of its Options for a Writer. Compress
// and Writers refuse a Codec that they do not support, with an error that lists those they support.
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

// Extension returns the extension of files that Compress made, without its dot: "gz", "sz" or "zst", and "" without compression.
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

package format

import "fmt"

// Compression is a codec for a whole file. The zero value means None.
type Compression string

// The codecs that Compress knows.
const (
	None   Compression = "none"
	GZip   Compression = "gzip"
	Snappy Compression = "snappy" // the framing format, .sz
	Zstd   Compression = "zstd"
)

// Validate returns an error, which lists the codecs there are, if c is none of them.
func (c Compression) Validate() error {
	switch c {
	case "", None, GZip, Snappy, Zstd:
		return nil
	}
	return fmt.Errorf("unknown compression %q: use %q, %q, %q or %q", string(c), None, GZip, Snappy, Zstd)
}

// Extension returns what is added to the name of a file that is compressed as a whole, without its dot: "gz", "sz", "zst",
// or "" for None.
func (c Compression) Extension() string {
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

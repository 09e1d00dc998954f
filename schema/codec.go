package schema

import (
	"fmt"
	"slices"
	"strings"
)

// A Codec names a way to compress. The names are the same for whole files (format.Compress), the pages of Parquet files, the
// buffers of Arrow files, and the columns of a struct by their tags. A format that does not support a Codec refuses it, with an
// error that lists those it supports.
type Codec string

// The codecs.
const (
	AnyCodec     Codec = ""     // the writer chooses; not the same as no compression
	Uncompressed Codec = "none" // no compression; "uncompressed" in tags and in JSON
	GZip         Codec = "gzip"
	Snappy       Codec = "snappy"
	Zstd         Codec = "zstd"
	ZstdBetter   Codec = "zstd-better" // takes about twice the CPU of zstd; smaller for some data, larger for others
	LZ4          Codec = "lz4"
	Brotli       Codec = "brotli"
)

var codecs = []Codec{Uncompressed, GZip, Snappy, Zstd, ZstdBetter, LZ4, Brotli}

// Validate returns an error, which lists all codecs, unless c is one of them or AnyCodec.
func (c Codec) Validate() error { return c.Check(codecs...) }

// Check returns an error, which lists the codecs that are supported, unless c is one of them or AnyCodec.
func (c Codec) Check(supported ...Codec) error {
	if c == AnyCodec || slices.Contains(supported, c) {
		return nil
	}
	problem := "unknown codec"
	if slices.Contains(codecs, c) {
		problem = "unsupported codec"
	}
	return fmt.Errorf("%s %q: use %s", problem, string(c), listOf(supported))
}

// listOf returns the codecs as "a", "b" or "c".
func listOf(codecs []Codec) string {
	var list strings.Builder
	for i, c := range codecs {
		switch i {
		case 0:
		case len(codecs) - 1:
			list.WriteString(" or ")
		default:
			list.WriteString(", ")
		}
		fmt.Fprintf(&list, "%q", string(c))
	}
	return list.String()
}

// word returns the codec as tags and JSON have it. It is empty for AnyCodec.
func (c Codec) word() string {
	if c == Uncompressed {
		return uncompressedWord
	}
	return string(c)
}

const uncompressedWord = "uncompressed" // as tags of parquet-go have it

// codecOf returns the codec of a word in a tag or in JSON. ok is false for an unknown word.
func codecOf(word string) (c Codec, ok bool) {
	if word == uncompressedWord {
		return Uncompressed, true
	}
	return Codec(word), Codec(word).Validate() == nil
}

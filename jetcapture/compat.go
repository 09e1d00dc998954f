package jetcapture

import (
	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/store"
)

// Names that users of the library's first generation know, for types that live in format and store.

// Payload is a decoded message. Any type will do.
type Payload = any

// DestKey is what messages are split by. Any comparable type will do; a struct's fields become folders.
type DestKey = comparable

// FormattedDataWriter encodes the payloads of one block: see format.Writer.
type FormattedDataWriter[P Payload] = format.Writer[P]

// BlockStore puts finished blocks where they belong: see store.BlockStore.
type BlockStore[K DestKey] = store.BlockStore[K]

// LocalFSStore stores blocks in the local folder that its Resolver names: see store.LocalFSStore.
type LocalFSStore[K DestKey] = store.LocalFSStore[K]

// NewLineDelimitedJSON writes each payload as a line of JSON; its zero value is ready: see format.JSONLines.
type NewLineDelimitedJSON[P Payload] = format.JSONLines[P]

// Compression names a way to compress files: see format.Codec.
type Compression = format.Codec

// The codecs for whole files. The zero Compression is the default: None for a whole file, what the writer's own options say for
// a format that compresses inside, such as Parquet.
const (
	None   = format.None
	GZip   = format.GZip
	Snappy = format.Snappy
	Zstd   = format.Zstd
)

// NewCSVWriter writes each payload as the CSV rows that flatten makes of it: see format.NewCSVWriter.
func NewCSVWriter[P Payload](header []string, flatten func(payload P) ([][]string, error)) FormattedDataWriter[P] {
	return format.NewCSVWriter(header, flatten)
}

// SingleDirStore stores all blocks under one local folder: see store.SingleDirStore.
func SingleDirStore[K DestKey](dir string) BlockStore[K] {
	return store.SingleDirStore[K](dir)
}

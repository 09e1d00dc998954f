package jetcapture

import (
	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/store"
)

// The names by which the older library had types and functions that are in format and store now. They keep their signatures.

// Payload is the older spelling of any: the type of a decoded message.
type Payload = any

// DestKey is the older spelling of comparable: the type of the key by which messages are split. The fields of a struct become folders.
type DestKey = comparable

// FormattedDataWriter is the older spelling of format.Writer, which encodes the payloads of one block.
type FormattedDataWriter[P Payload] = format.Writer[P]

// BlockStore is the older spelling of store.BlockStore, which stores finished blocks.
type BlockStore[K DestKey] = store.BlockStore[K]

// LocalFSStore is the older spelling of store.LocalFSStore, which stores blocks in the local folder that its Resolver names.
type LocalFSStore[K DestKey] = store.LocalFSStore[K]

// NewLineDelimitedJSON is the older spelling of format.JSONLines, which writes each payload as a line of JSON. Its zero
// value is ready for use.
type NewLineDelimitedJSON[P Payload] = format.JSONLines[P]

// CSVWriter is the older spelling of format.CSVWriter, which NewCSVWriter returns.
type CSVWriter[P Payload] = format.CSVWriter[P]

// Compression is the older spelling of format.Codec, the compression of a file or of what a writer compresses inside.
type Compression = format.Codec

// The codecs for whole files. The zero Compression is the default: None for a whole file, what the writer's own options say for
// a format that compresses inside, such as Parquet.
const (
	None   = format.None
	GZip   = format.GZip
	Snappy = format.Snappy
	Zstd   = format.Zstd
)

// NewCSVWriter is the older spelling of format.NewCSVWriter. It writes each payload as the CSV rows that flatten returns.
func NewCSVWriter[P Payload](header []string, flatten func(payload P) ([][]string, error)) FormattedDataWriter[P] {
	return format.NewCSVWriter(header, flatten)
}

// SingleDirStore is the older spelling of store.SingleDirStore. It stores all blocks below one local folder.
func SingleDirStore[K DestKey](dir string) BlockStore[K] {
	return store.SingleDirStore[K](dir)
}

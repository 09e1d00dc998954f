package format

import (
	"errors"
	"io"
	"time"
)

// The optional interfaces of Writers: find them with As.

// A Bufferer is a Writer that holds encoded or unencoded rows in memory, before it writes them to out.
type Bufferer interface {
	// Buffered returns the bytes held, for the capture's memory budget. It is called after every Write and must be cheap.
	Buffered() int64
}

// A Spiller is a Writer that can move what it holds to out before the block ends, as Parquet does with a row group.
type Spiller interface {
	// Spill encodes all rows held so far and writes them to out. After nil, Buffered is close to 0. After an error the
	// block is worthless, as with Flush.
	Spill() error
}

// A SelfCompressor is a Writer that compresses inside its own format, as Parquet does. The file is then not compressed as a
// whole and keeps its suffix.
type SelfCompressor interface {
	// SetCompression is called before InitNew. The zero Codec asks for nothing: the Writer keeps its own default. None asks for
	// no compression. The error is for a Codec that the format does not support, and lists those it supports.
	SetCompression(c Codec) error
}

// A MetadataSetter is a Writer whose format has room for key-value metadata.
type MetadataSetter interface {
	// SetMetadata may be called several times between InitNew and Flush; a later value of the same name wins. The Writer may
	// keep the map, which the caller does not change any more.
	SetMetadata(metadata map[string]string)
}

// A Describer is a Writer that knows more about a file than its capture does.
type Describer interface {
	// Attributes is called after Flush and returns what stores keep beside the file, such as the fingerprint of its
	// schema as "schema": see store.Attributed for the names.
	Attributes() map[string]string
}

// A ColumnLister is a Writer that knows the columns of its files. A capture refuses a folder name=value with the name of a
// column, since readers would return the value of the folder for that column.
type ColumnLister interface {
	// Columns returns the names of the outermost columns, in their order. It may be called at any time.
	Columns() []string
}

// A Suffixer is a Writer that knows how its files' names end.
type Suffixer interface {
	// Suffix returns the end of file names, such as "parquet", without a dot. It may be called at any time.
	Suffix() string
}

// A MessageReader is a Writer whose files tell which messages of a stream they have. With it a capture can enter files into its
// ledger that the ledger has lost.
type MessageReader interface {
	// ReadMessages reads a file that a Writer of this kind wrote, of size bytes, and calls each for every row, in any order.
	// The error wraps ErrNoMessages if the file does not have the sequence in the stream and the time of each message.
	ReadMessages(file io.ReaderAt, size int64, each func(streamSeq uint64, timestamp time.Time)) error
}

// ErrNoMessages is wrapped by the error of a MessageReader for a file that does not tell which messages it has.
var ErrNoMessages = errors.New("the file does not say which messages it has")

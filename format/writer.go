package format

import (
	"errors"
	"io"
	"time"
)

// ErrBroken is in the error of a Writer that cannot go on, because out failed or it panicked in the middle of encoding.
// Its block is worthless whatever is done next. The payload that got the error was not rejected, nor was any other: all
// of the block's messages are to be delivered again.
var ErrBroken = errors.New("writer is broken")

// Writer encodes the payloads of one block. It is used by one goroutine at a time and for one block only: a new
// block gets a new Writer.
//
// A Writer may keep what a payload refers to until Flush has returned, so a payload is never changed after it was
// written.
type Writer[P any] interface {
	// InitNew is called first and once. The Writer keeps out and writes the encoded block to it; it never closes it.
	InitNew(out io.Writer) error

	// Write appends one payload and returns the number of rows it became, which may be 0. An error rejects this
	// payload alone: the block then holds exactly what it held before the call, and goes on. A panic counts as such an
	// error; a Writer that cannot go on after one must fail from then on, in Flush too. An error that wraps ErrBroken
	// rejects nothing and ends the block.
	Write(payload P) (rows int, err error)

	// Flush is called last and once. When it returns nil, everything is in out, the footer too. When it returns an
	// error the block is worthless: it is thrown away, and its messages are delivered again.
	Flush() error
}

// A Bufferer is a Writer that holds encoded or unencoded rows outside of out.
type Bufferer interface {
	// Buffered returns the bytes held outside of out, for the capture's memory budget. It is called after every Write
	// and must be cheap.
	Buffered() int64
}

// A Spiller is a Writer that can move what it holds to out before the block ends, as Parquet does with a row group.
type Spiller interface {
	// Spill encodes all rows held so far and writes them to out. After nil, Buffered is close to 0. After an error the
	// block is worthless, as with Flush.
	Spill() error
}

// A SelfCompressor is a Writer that compresses inside of its own format, as Parquet does. The file is then not
// compressed as a whole and keeps its suffix.
type SelfCompressor interface {
	// SetCompression is called before InitNew. None asks for no particular codec: the Writer keeps its own default.
	SetCompression(c Compression) error
}

// A MetadataSetter is a Writer whose format has room for key-value metadata.
type MetadataSetter interface {
	// SetMetadata may be called several times between InitNew and Flush; a later value of the same name wins. The Writer may
	// keep the map, which does not change any more.
	SetMetadata(metadata map[string]string)
}

// A Describer is a Writer that knows more of a file than its capture does.
type Describer interface {
	// Attributes is called after Flush and returns what stores keep beside the file, such as the fingerprint of its
	// schema as "schema": see store.Attributed for the names.
	Attributes() map[string]string
}

// A ColumnLister is a Writer that knows the columns of its files. A capture refuses folders name=value of the same name, of which
// readers take the value for that of the column.
type ColumnLister interface {
	// Columns returns the names of the outermost columns, in their order. It may be called at any time.
	Columns() []string
}

// A Suffixer is a Writer that knows how its files are named.
type Suffixer interface {
	// Suffix returns the end of file names, such as "parquet", without a dot. It may be called at any time.
	Suffix() string
}

// A Wrapper is a Writer around another, which a capture asks for what it has no methods for itself: Columns and Suffix.
type Wrapper[P any] interface {
	// Unwrap returns the Writer inside.
	Unwrap() Writer[P]
}

// Columns returns what w, or a Writer that it wraps, says as a ColumnLister, or nil.
func Columns[P any](w Writer[P]) []string {
	if l, ok := find[ColumnLister](w); ok {
		return l.Columns()
	}
	return nil
}

// Suffix returns what w, or a Writer that it wraps, says as a Suffixer, or "".
func Suffix[P any](w Writer[P]) string {
	if s, ok := find[Suffixer](w); ok {
		return s.Suffix()
	}
	return ""
}

// find returns the outermost T of w and what it wraps.
func find[T, P any](w Writer[P]) (found T, ok bool) {
	for w != nil {
		if found, ok = w.(T); ok {
			return found, true
		}
		outer, ok := w.(Wrapper[P])
		if !ok {
			break
		}
		w = outer.Unwrap()
	}
	return found, false
}

// A MessageReader is a Writer whose files tell which messages of a stream they have. With it a capture can take over files
// of which its ledger has lost what it knew.
type MessageReader interface {
	// ReadMessages reads a file that a Writer of this kind wrote, of size bytes, and calls each for every row, in any order.
	// The error wraps ErrNoMessages if the file does not have the sequence in the stream and the time of each message.
	ReadMessages(file io.ReaderAt, size int64, each func(streamSeq uint64, timestamp time.Time)) error
}

// ErrNoMessages is what a MessageReader returns for a file that does not tell which messages it has.
var ErrNoMessages = errors.New("the file does not say which messages it has")

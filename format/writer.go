package format

import (
	"errors"
	"io"
)

// ErrBroken is wrapped by the error of a Writer that cannot continue, because out failed or the Writer panicked in the middle
// of encoding. Its block is worthless whatever is done next. The payload that got the error was not rejected, nor was any
// other: all messages of the block are delivered again.
var ErrBroken = errors.New("writer is broken")

// Writer encodes the payloads of one block. It is used by one goroutine at a time and for one block only: a new
// block gets a new Writer.
//
// A Writer may keep what a payload refers to until Flush has returned, so a payload is never changed after it was
// written.
//
// What a Writer can do besides, it says by the optional interfaces of this package, such as Bufferer. Find them with As.
type Writer[P any] interface {
	// InitNew is called first and once. The Writer keeps out and writes the encoded block to it; it never closes it.
	InitNew(out io.Writer) error

	// Write appends one payload and returns the number of rows it became, which may be 0. An error rejects this
	// payload alone: the block then holds exactly what it held before the call, and takes more payloads. A panic counts as
	// such an error; a Writer that cannot continue after one must fail from then on, in Flush too. An error that wraps
	// ErrBroken rejects nothing and ends the block.
	Write(payload P) (rows int, err error)

	// Flush is called last and once. When it returns nil, everything is in out, the footer too. When it returns an
	// error the block is worthless: it is thrown away, and its messages are delivered again.
	Flush() error
}

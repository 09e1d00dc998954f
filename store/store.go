package store

import (
	"context"
	"io"
	"iter"
	"time"
)

// BlockStore puts finished blocks where they belong. K is the destination key by which messages are split.
type BlockStore[K comparable] interface {
	// Write stores block under dir (slash-separated, may be empty) and fileName, below the place of destKey.
	//
	// nil means: the block is durable under its final name, whole, and visible at once. Before that nothing is visible
	// under that name. Write creates and never overwrites: it returns an error that wraps fs.ErrExist if other content
	// has the name, and nil if the same content has it.
	//
	// A capture passes an io.ReadSeeker, positioned at its start, so that Write can rewind and retry. It is also an io.ReaderAt
	// and Attributed. Calls for different names may overlap. Write does not close block and keeps no
	// reference to it.
	//
	// location tells a person where the block is (a path or URL, without credentials), n is its length in bytes, and duration is the
	// time that storing took.
	Write(ctx context.Context, block io.Reader, destKey K, dir, fileName string) (location string, n int64, duration time.Duration, err error)
}

// RootWriter is a BlockStore that can also write blocks of no destination key. Captures write dead-letter files through it; in other
// BlockStores these go under the zero destination key.
type RootWriter interface {
	// WriteRoot is Write without a destination key.
	WriteRoot(ctx context.Context, block io.Reader, dir, fileName string) (location string, n int64, duration time.Duration, err error)
}

// Bucket is a flat space of objects by name: a folder, an S3 bucket with a prefix, an Azure container. It is all that a
// driver has to implement; Blocks makes a BlockStore of it.
//
// Names are slash-separated, relative and valid by ValidName; for others the error is Permanent. All methods may be called
// concurrently. Errors name the operation and the object. They wrap fs.ErrNotExist if there is no such object.
type Bucket interface {
	// Create stores content under name, or fails and leaves nothing visible. nil means durable and visible, whole. Create
	// never overwrites: it returns an error that wraps fs.ErrExist if other content has the name, and nil if the same content has
	// it. After either answer the content under the name is durable. No other failure may wrap fs.ErrExist.
	//
	// content is read from its start, whatever its position is, and may be read more than once. If it is an io.ReaderAt too,
	// several parts of it may be read at a time. attrs may be nil, see Attributed; a driver that cannot keep attributes
	// ignores them. The same content with other attributes is the same content.
	//
	// After a crash or a network failure the object may exist despite an error. To find out, call Create again with the same
	// content.
	Create(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (Object, error)

	// Open reads length bytes from offset; length -1 reads to the end. A range that exceeds the object is cut at its end, so a
	// range beyond the end reads as empty. The caller closes the reader.
	Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error)

	// Stat describes one object.
	Stat(ctx context.Context, name string) (Object, error)

	// List yields the objects whose name starts with prefix in the order of their names (by bytes), and ends after an
	// error. prefix is the start of a name and need not be a folder. Objects created or removed meanwhile may be left out.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]

	// Remove deletes one object. It returns nil if there is none.
	Remove(ctx context.Context, name string) error
}

// Object describes a stored object.
type Object struct {
	Name     string    // below the bucket's root, slash-separated
	Location string    // for people and other programs: a path or URL, without credentials
	Size     int64     // bytes
	Modified time.Time // when it became visible, or was written just before

	// Attributes are the attributes given to Create. Only Stat returns them, and only if the Bucket keeps them; otherwise nil.
	Attributes map[string]string
}

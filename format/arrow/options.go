package arrow

import (
	"errors"
	"fmt"

	"github.com/jetcapture/lake/format"
)

// Options says how files are written. The zero value is the documented defaults.
type Options struct {
	// Codec compresses the buffers of record batches. Default None: readers can then map a file into memory, and each of
	// them reads it. A capture whose Options have a Compression overrides it.
	Codec Codec

	// BatchRows is the number of rows after which a record batch ends. Default 65,536. Readers work on one batch at a time,
	// or on several in parallel.
	BatchRows int

	// BatchBytes is the memory in bytes after which a record batch ends, as Buffered counts it. Default 64 MiB. It also
	// bounds a batch in the file, at twice as much, since nulls take room in Arrow. Only a batch of one row can be larger.
	BatchBytes int64

	// Stream writes the streaming format, .arrows, instead of a file, .arrow. A stream has no footer: it can be read while
	// it is written, but only from its beginning, and it has only the metadata that was set before its first batch.
	Stream bool
}

// Codec is format.Codec. Buffers can be compressed with Zstd and LZ4 only.
type Codec = format.Codec

// The codecs of buffers.
const (
	None = format.None
	Zstd = format.Zstd // at its fastest level
	LZ4  = format.LZ4  // in frames
)

const (
	defaultBatchRows  = 65_536
	defaultBatchBytes = 64 << 20
	maxBatchBytes     = 1 << 30
)

// withDefaults returns o with every default filled in, or an error that lists all problems.
func (o Options) withDefaults() (Options, error) {
	var errs []error
	if o.Codec == "" {
		o.Codec = None
	}
	if err := o.Codec.Check(None, Zstd, LZ4); err != nil {
		errs = append(errs, fmt.Errorf("Codec: %w", err))
	}
	switch {
	case o.BatchRows == 0:
		o.BatchRows = defaultBatchRows
	case o.BatchRows < 0:
		errs = append(errs, fmt.Errorf("BatchRows %d is negative: use 0 for %d", o.BatchRows, defaultBatchRows))
	}
	switch {
	case o.BatchBytes == 0:
		o.BatchBytes = defaultBatchBytes
	case o.BatchBytes < 0 || o.BatchBytes > maxBatchBytes:
		errs = append(errs, fmt.Errorf("BatchBytes %d is not between 1 and %d: use 0 for %d",
			o.BatchBytes, maxBatchBytes, defaultBatchBytes))
	}
	if len(errs) > 0 {
		return o, fmt.Errorf("arrow options: %w", errors.Join(errs...))
	}
	return o, nil
}

// codecFor returns the codec of a Writer that SetCompression was called for.
func (o Options) codecFor(c Codec) (Codec, error) {
	if c == "" {
		return o.Codec, nil
	}
	if err := c.Check(None, Zstd, LZ4); err != nil {
		return "", fmt.Errorf("arrow: %w", err)
	}
	return c, nil
}

package arrow

import (
	"errors"
	"fmt"

	"github.com/jetcapture/lake/format"
)

// Options says how files are written. The zero value is the documented defaults.
type Options struct {
	// Codec compresses the buffers of record batches. Default None: readers can then map a file into memory, and each of
	// them reads it. A capture that asks for a compression of its own overrides it.
	Codec Codec

	// BatchRows is the number of rows after which a record batch ends. Default 65,536. Readers work on one batch at a time,
	// and on several at once if there are.
	BatchRows int

	// BatchBytes is the memory in bytes after which a record batch ends, as Buffered counts it. Default 64 MiB. It bounds a
	// batch in the file too, at twice as much, unless one row alone is larger: nulls take room in Arrow.
	BatchBytes int64

	// Stream writes the streaming format, .arrows, instead of a file, .arrow. A stream has no footer: it can be read while
	// it is written, but only from its beginning, and it has just the metadata that was set before its first batch.
	Stream bool
}

// Codec names what compresses buffers.
type Codec string

// The codecs that the format has.
const (
	None Codec = "none"
	Zstd Codec = "zstd" // at its fastest level
	LZ4  Codec = "lz4"  // in frames
)

const (
	defaultBatchRows  = 65_536
	defaultBatchBytes = 64 << 20
	maxBatchBytes     = 1 << 30
)

// withDefaults returns o with every default filled in, or an error that says all that is wrong.
func (o Options) withDefaults() (Options, error) {
	var errs []error
	switch o.Codec {
	case "":
		o.Codec = None
	case None, Zstd, LZ4:
	default:
		errs = append(errs, fmt.Errorf("Codec %q is unknown: use %q, %q or %q", string(o.Codec), None, Zstd, LZ4))
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

// codecFor returns the codec for a capture's compression.
func (o Options) codecFor(c format.Compression) (Codec, error) {
	switch c {
	case "", format.None:
		return o.Codec, nil
	case format.Zstd:
		return Zstd, nil
	}
	if err := c.Validate(); err != nil {
		return "", err
	}
	return "", fmt.Errorf("arrow: buffers cannot be compressed with %q: use %q, or %q and set Codec in the writer's Options to %q",
		string(c), format.Zstd, format.None, LZ4)
}

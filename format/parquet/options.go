package parquet

import (
	"errors"
	"fmt"

	"github.com/jetcapture/lake/schema"
)

// Options says how files are written. The zero value is the documented defaults.
type Options struct {
	// Codec compresses the pages of all columns that have no codec in their tag. Default Zstd. A capture whose Options have a
	// Compression overrides it.
	Codec Codec

	// Level is the compression level of Zstd (1 to 22), GZip (1 to 9) or Brotli (1 to 11). Higher levels make smaller files and
	// take more CPU. Default 0: level 6 of GZip, the fastest level of the others.
	Level int

	// PageVersion is the version of data pages: 1, which every reader knows, or 2. Default 1.
	PageVersion int

	// RowGroupRows is the number of rows after which a row group ends. Default 122,880, which DuckDB scans best; under
	// 10,000 files grow and scans slow down.
	RowGroupRows int

	// RowGroupBytes is the memory in bytes after which a row group ends, as Buffered counts it. Default 128 MiB.
	RowGroupBytes int64

	// PageBytes is the size of pages in bytes, before compression: a page of a column ends with the row that brings it to this
	// size, or after 20,000 rows. Larger pages compress a little better; with smaller ones, readers of a few rows read less.
	// Default 256 KiB.
	PageBytes int

	earlyBytes int // of tests, instead of the constant
}

const (
	defaultRowGroupRows  = 122_880
	defaultRowGroupBytes = 128 << 20
	defaultPageBytes     = 256 << 10

	minPageBytes     = 1 << 10
	maxPageBytes     = 256 << 20
	maxRowGroupBytes = 4 << 30
	maxPageRows      = 20_000 // so that the page index lets readers skip more
)

// withDefaults returns o with every default filled in, or an error that lists all problems.
func (o Options) withDefaults() (Options, error) {
	var errs []error
	if o.Codec == "" {
		o.Codec = Zstd
	}
	if err := checkCodec(o.Codec, o.Level); err != nil {
		errs = append(errs, err)
	}
	switch {
	case o.PageVersion == 0:
		o.PageVersion = 1
	case o.PageVersion < 0 || o.PageVersion > 2:
		errs = append(errs, fmt.Errorf("PageVersion %d is unknown: use 1 or 2", o.PageVersion))
	}
	switch {
	case o.RowGroupRows == 0:
		o.RowGroupRows = defaultRowGroupRows
	case o.RowGroupRows < 0:
		errs = append(errs, fmt.Errorf("RowGroupRows %d is negative: use 0 for %d", o.RowGroupRows, defaultRowGroupRows))
	}
	switch {
	case o.RowGroupBytes == 0:
		o.RowGroupBytes = defaultRowGroupBytes
	case o.RowGroupBytes < 0 || o.RowGroupBytes > maxRowGroupBytes:
		errs = append(errs, fmt.Errorf("RowGroupBytes %d is not between 1 and %d: use 0 for %d",
			o.RowGroupBytes, maxRowGroupBytes, defaultRowGroupBytes))
	}
	switch {
	case o.PageBytes == 0:
		o.PageBytes = defaultPageBytes
	case o.PageBytes < minPageBytes || o.PageBytes > maxPageBytes:
		errs = append(errs, fmt.Errorf("PageBytes %d is not between %d and %d: use 0 for %d",
			o.PageBytes, minPageBytes, maxPageBytes, defaultPageBytes))
	}
	if len(errs) > 0 {
		return o, fmt.Errorf("parquet options: %w", errors.Join(errs...))
	}
	return o, nil
}

// codecFor returns the codec of a Writer that SetCompression was called for. Who asks for zstd gets it as the options have it.
func (o Options) codecFor(c Codec) (Codec, error) {
	switch {
	case c == schema.AnyCodec, c == Zstd && o.Codec == ZstdBetter:
		return o.Codec, nil
	}
	return c, c.Validate()
}

package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// FileInfo has what the footer of a Parquet file says.
type FileInfo struct {
	Bytes     int64  // of the file
	Schema    string // in the notation of the Parquet specification
	Rows      int64
	RowGroups []RowGroupInfo
	Metadata  map[string]string // the last value if a key is there twice, "" for a key without a value
	CreatedBy string
	Encrypted bool // some columns are; the footer is plain text
}

// RowGroupInfo describes a row group.
type RowGroupInfo struct {
	Rows       int64
	Bytes      int64 // encoded, before compression
	Compressed int64 // bytes in the file
	Columns    []ColumnInfo
}

// ColumnInfo describes a column of a row group.
type ColumnInfo struct {
	Path       []string // from the root of the schema
	Type       string   // BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY or FIXED_LEN_BYTE_ARRAY
	Encrypted  bool     // the fields below may be missing
	Codec      string   // ZSTD, SNAPPY, GZIP, UNCOMPRESSED, …
	Encodings  []string // PLAIN, RLE_DICTIONARY, DELTA_BINARY_PACKED, RLE (of the levels), …
	Values     int64    // with nulls; in lists and maps there may be more than rows
	Nulls      int64
	Bytes      int64 // encoded, before compression
	Compressed int64 // bytes in the file

	// Min and Max are bounds of the values: bool, int64, uint64, float64, string, time.Time in UTC, or []byte. They are nil
	// if the file has none.
	Min, Max any
}

// maxFooter is the length in bytes of the longest footer that Inspect reads.
const maxFooter = 64 << 20

// Inspect reads the footer of a Parquet file of size bytes, whoever wrote it. It reads no page.
//
// It fails for a file that is not Parquet, and for a footer that is encrypted, longer than 64 MiB or damaged.
func Inspect(r io.ReaderAt, size int64) (info *FileInfo, err error) {
	defer func() {
		if p := recover(); p != nil {
			info, err = nil, fmt.Errorf("parquet: damaged footer: %v", p)
		}
	}()
	footer, err := readFooter(r, size)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	info, err = parseFooter(footer)
	if err != nil {
		return nil, fmt.Errorf("parquet: damaged footer: %w", err)
	}
	info.Bytes = size
	return info, nil
}

func readFooter(r io.ReaderAt, size int64) ([]byte, error) {
	const tail = 8 // the footer's length and the magic bytes
	if size < int64(len(magic))+tail {
		return nil, fmt.Errorf("%d bytes are no Parquet file", size)
	}
	var end [tail]byte
	if n, err := r.ReadAt(end[:], size-tail); n < tail {
		return nil, fmt.Errorf("read the end of the file: %w", err)
	}
	switch string(end[4:]) {
	case magic:
	case "PARE":
		return nil, errors.New("the file is encrypted")
	default:
		return nil, errors.New("no Parquet file, or one that is cut off: it does not end in PAR1")
	}
	length := int64(binary.LittleEndian.Uint32(end[:]))
	if length > size-tail-int64(len(magic)) {
		return nil, fmt.Errorf("damaged footer: it claims to have %d bytes", length)
	}
	if length > maxFooter {
		return nil, fmt.Errorf("its footer has %d bytes, and none above %d is read: rewrite the file with fewer row groups", length, maxFooter)
	}
	footer := make([]byte, length)
	if n, err := r.ReadAt(footer, size-tail-length); n < len(footer) {
		return nil, fmt.Errorf("read footer: %w", err)
	}
	return footer, nil
}

// Sequences returns the least and the greatest stream sequence of the file's messages. They come from the bounds of the column
// stream_seq if all row groups have them, and otherwise from the metadata of the capture. ok is false if the file has neither.
func (f *FileInfo) Sequences() (first, last uint64, ok bool) {
	for _, g := range f.RowGroups {
		i := slices.IndexFunc(g.Columns, func(c ColumnInfo) bool { return slices.Equal(c.Path, []string{"stream_seq"}) })
		if i < 0 {
			ok = false
			break
		}
		least, isLeast := sequence(g.Columns[i].Min)
		greatest, isGreatest := sequence(g.Columns[i].Max)
		if !isLeast || !isGreatest {
			ok = false
			break
		}
		if !ok {
			first, last, ok = least, greatest, true
		}
		first, last = min(first, least), max(last, greatest)
	}
	if ok {
		return first, last, true
	}
	first, err1 := strconv.ParseUint(f.Metadata["jetcapture.first_seq"], 10, 64)
	last, err2 := strconv.ParseUint(f.Metadata["jetcapture.last_seq"], 10, 64)
	if err1 != nil || err2 != nil {
		return 0, 0, false
	}
	return first, last, true
}

// sequence returns a bound of a column of sequences.
func sequence(bound any) (seq uint64, ok bool) {
	switch n := bound.(type) {
	case int64:
		return uint64(n), n >= 0
	case uint64:
		return n, true
	}
	return 0, false
}

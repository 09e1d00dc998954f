package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"
)

// An encoder makes row groups of rows as the block holds them. It is parquet-go's writer, which holds megabytes: it is
// needed for one row group at a time, not for as long as the block is open, and is shared by all blocks.
//
// For each row group the writer makes a file of its own. Of that file the pages go into the block's file, the magic bytes
// before them are dropped, and the footer after them says what the block's footer needs to know.
type encoder[H any] struct {
	rows    rowWriter[H]
	columns []column
	file    fragment
}

// A rowWriter is a parquet-go writer, or what stands before one.
type rowWriter[H any] interface {
	Reset(out io.Writer)
	Write(rows []H) (int, error)
	Flush() error
	Close() error
}

// A rowGroup is what a file's footer says about one row group. Its offsets are those of the block's file.
type rowGroup struct {
	meta          pqformat.RowGroup
	columnIndexes []*pqformat.ColumnIndex // nil for a column that has none
	offsetIndexes []*pqformat.OffsetIndex
}

// encode writes the batches as one row group to out, which is at offset of the block's file, and returns how many bytes
// that were.
func (e *encoder[H]) encode(out io.Writer, offset int64, batches [][]H) (group *rowGroup, written int64, err error) {
	e.file.reset(out)
	e.rows.Reset(&e.file)
	for _, rows := range batches {
		if _, err := e.rows.Write(rows); err != nil {
			return nil, 0, fmt.Errorf("encode rows: %w", err)
		}
	}
	if err := e.rows.Flush(); err != nil {
		return nil, 0, fmt.Errorf("write row group: %w", err)
	}
	e.file.ending = true
	if err := e.rows.Close(); err != nil {
		return nil, 0, fmt.Errorf("end row group: %w", err)
	}
	group, err = e.file.rowGroup(offset, e.columns)
	if err != nil {
		return nil, 0, fmt.Errorf("read footer of row group: %w", err)
	}
	return group, e.file.pages, nil
}

// A fragment is the file of one row group, taken apart as it is written.
type fragment struct {
	out    io.Writer
	magic  int   // bytes of it seen
	pages  int64 // bytes of them written to out
	ending bool  // what comes now is for end
	end    bytes.Buffer
}

const magic = "PAR1"

func (f *fragment) reset(out io.Writer) {
	f.out, f.magic, f.pages, f.ending = out, 0, 0, false
	f.end.Reset()
}

func (f *fragment) Write(p []byte) (int, error) {
	if f.ending {
		return f.end.Write(p)
	}
	dropped := min(len(p), len(magic)-f.magic)
	f.magic += dropped
	if dropped == len(p) {
		return dropped, nil
	}
	n, err := f.out.Write(p[dropped:])
	f.pages += int64(n)
	return dropped + n, err
}

// rowGroup reads the fragment's end, for pages that are at offset of the block's file.
func (f *fragment) rowGroup(offset int64, columns []column) (*rowGroup, error) {
	meta, err := decodeFooter(f.end.Bytes())
	if err != nil {
		return nil, err
	}
	if len(meta.RowGroups) != 1 || len(meta.RowGroups[0].Columns) != len(columns) {
		return nil, errors.New("not one row group of all columns")
	}
	g := &rowGroup{meta: meta.RowGroups[0]}
	shift := offset - int64(len(magic))
	g.meta.FileOffset += shift
	for i := range g.meta.Columns {
		c := &g.meta.Columns[i]
		columnIndex, offsetIndex := new(pqformat.ColumnIndex), new(pqformat.OffsetIndex)
		if err := f.decode(c.ColumnIndexOffset, c.ColumnIndexLength, columnIndex); err != nil {
			return nil, fmt.Errorf("column index: %w", err)
		}
		if err := f.decode(c.OffsetIndexOffset, c.OffsetIndexLength, offsetIndex); err != nil {
			return nil, fmt.Errorf("offset index: %w", err)
		}
		c.MetaData.PathInSchema = columns[i].path // empty after a Reset: github.com/parquet-go/parquet-go/issues/602
		c.ColumnIndexOffset, c.ColumnIndexLength = 0, 0
		c.OffsetIndexOffset, c.OffsetIndexLength = 0, 0
		c.MetaData.DataPageOffset += shift
		if c.MetaData.DictionaryPageOffset != 0 {
			c.MetaData.DictionaryPageOffset += shift
		}
		for j := range offsetIndex.PageLocations {
			offsetIndex.PageLocations[j].Offset += shift
		}
		g.columnIndexes = append(g.columnIndexes, columns[i].stats.keep(&c.MetaData.Statistics, columnIndex))
		g.offsetIndexes = append(g.offsetIndexes, offsetIndex)
	}
	return g, nil
}

// decode reads a structure of length bytes at offset of the fragment into v.
func (f *fragment) decode(offset int64, length int32, v any) error {
	start := offset - f.pages - int64(len(magic))
	if start < 0 || length <= 0 || start+int64(length) > int64(f.end.Len()) {
		return fmt.Errorf("%d bytes at %d are out of bounds", length, offset)
	}
	return thrift.Unmarshal(new(thrift.CompactProtocol), f.end.Bytes()[start:start+int64(length)], v)
}

// decodeFooter reads the footer at the end of a file that this package wrote.
func decodeFooter(file []byte) (*pqformat.FileMetaData, error) {
	end := len(file) - len(magic) - 4
	if end < 0 || string(file[end+4:]) != magic {
		return nil, errors.New("no magic bytes")
	}
	length := int(binary.LittleEndian.Uint32(file[end:]))
	if length > end {
		return nil, errors.New("no footer")
	}
	meta := new(pqformat.FileMetaData)
	return meta, thrift.Unmarshal(new(thrift.CompactProtocol), file[end-length:end], meta)
}

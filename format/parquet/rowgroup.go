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
	rows rowWriter[H]
	file fragment
}

// A rowWriter is a parquet-go writer, or what stands before one.
type rowWriter[H any] interface {
	Reset(out io.Writer)
	Write(rows []H) (int, error)
	Flush() error
	Close() error
}

// encode writes the batches as one row group to out, which is at offset of the block's file.
func (e *encoder[H]) encode(out io.Writer, offset int64, batches [][]H) (*rowGroup, error) {
	e.file.reset(out)
	e.rows.Reset(&e.file)
	for _, rows := range batches {
		if _, err := e.rows.Write(rows); err != nil {
			return nil, fmt.Errorf("encode rows: %w", err)
		}
	}
	if err := e.rows.Flush(); err != nil {
		return nil, fmt.Errorf("write row group: %w", err)
	}
	e.file.ending = true
	if err := e.rows.Close(); err != nil {
		return nil, fmt.Errorf("end row group: %w", err)
	}
	return &rowGroup{offset: offset, pages: e.file.pages, end: bytes.Clone(e.file.end.Bytes())}, nil
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

// A rowGroup is what a block keeps of a row group until its footer is written: some kilobytes, a fourth of what they take
// when they are read.
type rowGroup struct {
	offset  int64  // in the block's file
	pages   int64  // bytes there
	end     []byte // of the fragment
	sorting []pqformat.SortingColumn
}

// A groupFooter is what the block's footer says about a row group. Its offsets are those of the block's file.
type groupFooter struct {
	meta          pqformat.RowGroup
	columnIndexes []*pqformat.ColumnIndex // nil for a column that has none
	offsetIndexes []*pqformat.OffsetIndex
}

// footer reads the end of the fragment.
func (g *rowGroup) footer(columns []column) (*groupFooter, error) {
	meta, err := decodeFooter(g.end)
	if err != nil {
		return nil, err
	}
	if len(meta.RowGroups) != 1 || len(meta.RowGroups[0].Columns) != len(columns) {
		return nil, errors.New("not one row group of all columns")
	}
	footer := &groupFooter{meta: meta.RowGroups[0]}
	shift := g.offset - int64(len(magic))
	footer.meta.FileOffset += shift
	footer.meta.SortingColumns = g.sorting
	for i := range footer.meta.Columns {
		c := &footer.meta.Columns[i]
		columnIndex, offsetIndex := new(pqformat.ColumnIndex), new(pqformat.OffsetIndex)
		if err := g.decode(c.ColumnIndexOffset, c.ColumnIndexLength, columnIndex); err != nil {
			return nil, fmt.Errorf("column index: %w", err)
		}
		if err := g.decode(c.OffsetIndexOffset, c.OffsetIndexLength, offsetIndex); err != nil {
			return nil, fmt.Errorf("offset index: %w", err)
		}
		c.ColumnIndexOffset, c.ColumnIndexLength = 0, 0
		c.OffsetIndexOffset, c.OffsetIndexLength = 0, 0
		c.MetaData.PathInSchema = columns[i].path // empty after a Reset: github.com/parquet-go/parquet-go/issues/602
		c.MetaData.DataPageOffset += shift
		if c.MetaData.DictionaryPageOffset != 0 {
			c.MetaData.DictionaryPageOffset += shift
		}
		for j := range offsetIndex.PageLocations {
			offsetIndex.PageLocations[j].Offset += shift
		}
		footer.columnIndexes = append(footer.columnIndexes, columns[i].stats.keep(&c.MetaData.Statistics, columnIndex))
		footer.offsetIndexes = append(footer.offsetIndexes, offsetIndex)
	}
	return footer, nil
}

// decode reads a structure of length bytes at offset of the fragment into v.
func (g *rowGroup) decode(offset int64, length int32, v any) error {
	start := offset - g.pages - int64(len(magic))
	if start < 0 || length <= 0 || start+int64(length) > int64(len(g.end)) {
		return fmt.Errorf("%d bytes at %d are out of bounds", length, offset)
	}
	return thrift.Unmarshal(new(thrift.CompactProtocol), g.end[start:start+int64(length)], v)
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

package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// A file keeps what the footer of a block's file will say about the pages that were written to out.
type file struct {
	out    io.Writer
	offset int64 // bytes in out
	groups []*rowGroup
	rows   int64
}

const magic = "PAR1"

// begin writes the magic bytes, if nothing has been written.
func (f *file) begin() error {
	if f.offset > 0 {
		return nil
	}
	return f.write([]byte(magic))
}

func (f *file) write(p []byte) error {
	n, err := f.out.Write(p)
	f.offset += int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return err
}

// add records a row group that was written.
func (f *file) add(group *rowGroup) error {
	if len(f.groups) > math.MaxInt16 {
		return errors.New("more row groups than a file can have: raise RowGroupRows and RowGroupBytes")
	}
	f.groups = append(f.groups, group)
	f.rows += group.rows
	return nil
}

// end writes the column indexes, the offset indexes and the footer.
func (f *file) end(t *table, metadata map[string]string) error {
	if err := f.begin(); err != nil {
		return err
	}
	w := footerWriter{file: f, table: t}
	for _, g := range f.groups {
		w.columnIndexes(g)
	}
	for _, g := range f.groups {
		w.offsetIndexes(g)
	}
	start := len(w.b)
	w.footer(metadata)
	if len(w.b)-start > math.MaxInt32 {
		return fmt.Errorf("a footer of %d bytes is too large: raise RowGroupRows and RowGroupBytes", len(w.b)-start)
	}
	w.b = binary.LittleEndian.AppendUint32(w.b, uint32(len(w.b)-start))
	w.b = append(w.b, magic...)
	if err := f.write(w.b); err != nil {
		return fmt.Errorf("write footer: %w", err)
	}
	return nil
}

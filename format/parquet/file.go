package parquet

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"
)

// A file is what has been written of a block's file: the pages are in out, and what the footer says of them is here,
// about a kilobyte for each column of a row group.
type file struct {
	out    io.Writer
	offset int64 // bytes in out
	groups []*rowGroup
}

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
	return err
}

// add keeps what the footer will say of a row group of written bytes.
func (f *file) add(group *rowGroup, written int64) error {
	if len(f.groups) > math.MaxInt16 {
		return errors.New("more row groups than a file can have: raise RowGroupRows and RowGroupBytes")
	}
	group.meta.Ordinal = int16(len(f.groups))
	f.groups = append(f.groups, group)
	f.offset += written
	return nil
}

// end writes the column indexes, the offset indexes and the footer.
func (f *file) end(schema *schema, metadata map[string]string) error {
	if err := f.begin(); err != nil {
		return err
	}
	var end bytes.Buffer
	encoder := thrift.NewEncoder(new(thrift.CompactProtocol).NewWriter(&end))
	at := func() int64 { return f.offset + int64(end.Len()) }
	for _, g := range f.groups {
		for i, index := range g.columnIndexes {
			if index == nil {
				continue
			}
			c := &g.meta.Columns[i]
			c.ColumnIndexOffset = at()
			if err := encoder.Encode(index); err != nil {
				return fmt.Errorf("encode column index: %w", err)
			}
			c.ColumnIndexLength = int32(at() - c.ColumnIndexOffset)
		}
	}
	for _, g := range f.groups {
		for i, index := range g.offsetIndexes {
			c := &g.meta.Columns[i]
			c.OffsetIndexOffset = at()
			if err := encoder.Encode(index); err != nil {
				return fmt.Errorf("encode offset index: %w", err)
			}
			c.OffsetIndexLength = int32(at() - c.OffsetIndexOffset)
		}
	}
	start := end.Len()
	if err := encoder.Encode(f.footer(schema, metadata)); err != nil {
		return fmt.Errorf("encode footer: %w", err)
	}
	end.Write(binary.LittleEndian.AppendUint32(nil, uint32(end.Len()-start)))
	end.WriteString(magic)
	if err := f.write(end.Bytes()); err != nil {
		return fmt.Errorf("write footer: %w", err)
	}
	return nil
}

func (f *file) footer(schema *schema, metadata map[string]string) *pqformat.FileMetaData {
	meta := &pqformat.FileMetaData{
		Version:      schema.version,
		Schema:       schema.elements,
		ColumnOrders: schema.orders,
		CreatedBy:    createdBy,
		RowGroups:    []pqformat.RowGroup{}, // it is not optional
	}
	for _, g := range f.groups {
		meta.NumRows += g.meta.NumRows
		meta.RowGroups = append(meta.RowGroups, g.meta)
	}
	for key, value := range metadata {
		meta.KeyValueMetadata = append(meta.KeyValueMetadata, pqformat.KeyValue{Key: key, Value: value})
	}
	slices.SortFunc(meta.KeyValueMetadata, func(a, b pqformat.KeyValue) int { return strings.Compare(a.Key, b.Key) })
	return meta
}

// createdBy has the form that the Parquet specification asks for. Readers look in it for writers with known bugs.
var createdBy = func() string {
	const module, encoder = "github.com/jetcapture/lake", "github.com/parquet-go/parquet-go"
	versions := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range append(info.Deps, &info.Main) {
			versions[dep.Path] = dep.Version
		}
	}
	return fmt.Sprintf("%s version %s (build parquet-go %s)",
		module, cmp.Or(versions[module], "(devel)"), cmp.Or(versions[encoder], "(devel)"))
}()

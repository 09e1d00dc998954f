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

// A file is what has been written of a block's file. The pages are in out; what the footer has to say of them is here.
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

// add takes note of a row group that was written at offset.
func (f *file) add(group *rowGroup) error {
	if len(f.groups) > math.MaxInt16 {
		return errors.New("more row groups than a file can have: raise RowGroupRows and RowGroupBytes")
	}
	f.groups = append(f.groups, group)
	f.offset += group.pages
	return nil
}

// end writes the column indexes, the offset indexes and the footer.
func (f *file) end(schema *schema, metadata map[string]string) error {
	if err := f.begin(); err != nil {
		return err
	}
	groups := make([]*groupFooter, len(f.groups))
	for i, g := range f.groups {
		var err error
		if groups[i], err = g.footer(schema.columns); err != nil {
			return fmt.Errorf("footer of row group %d: %w", i, err)
		}
		groups[i].meta.Ordinal = int16(i)
	}
	e := footerEncoder{start: f.offset}
	e.thrift.Reset(new(thrift.CompactProtocol).NewWriter(&e.text))
	for _, g := range groups {
		for i, index := range g.columnIndexes {
			if index != nil {
				c := &g.meta.Columns[i]
				c.ColumnIndexOffset, c.ColumnIndexLength = e.encode(index)
			}
		}
	}
	for _, g := range groups {
		for i, index := range g.offsetIndexes {
			c := &g.meta.Columns[i]
			c.OffsetIndexOffset, c.OffsetIndexLength = e.encode(index)
		}
	}
	_, length := e.encode(footerOf(schema, groups, metadata))
	if e.err != nil {
		return fmt.Errorf("encode footer: %w", e.err)
	}
	e.text.Write(binary.LittleEndian.AppendUint32(nil, uint32(length)))
	e.text.WriteString(magic)
	if err := f.write(e.text.Bytes()); err != nil {
		return fmt.Errorf("write footer: %w", err)
	}
	return nil
}

// A footerEncoder collects what stands at the end of a file, from start on.
type footerEncoder struct {
	start  int64
	text   bytes.Buffer
	thrift thrift.Encoder
	err    error // the first
}

// encode returns where in the file v now is.
func (e *footerEncoder) encode(v any) (offset int64, length int32) {
	before := e.text.Len()
	if err := e.thrift.Encode(v); err != nil && e.err == nil {
		e.err = err
	}
	return e.start + int64(before), int32(e.text.Len() - before)
}

func footerOf(schema *schema, groups []*groupFooter, metadata map[string]string) *pqformat.FileMetaData {
	meta := &pqformat.FileMetaData{
		Version:      schema.version,
		Schema:       schema.elements,
		ColumnOrders: schema.orders,
		CreatedBy:    createdBy,
	}
	for _, g := range groups {
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

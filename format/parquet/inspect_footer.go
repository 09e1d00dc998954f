package parquet

import (
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"
)

const (
	maxElements = 1 << 20 // of a schema
	maxChunks   = 1 << 22 // of all row groups

	signature = 28 // bytes that follow a footer in plain text, if columns of the file are encrypted
)

// A footerReader makes a FileInfo of a footer. It decodes the fields it needs and skips the rest, so that a large footer takes
// little more memory than its FileInfo. The numbers of fields are those of parquet.thrift.
type footerReader struct {
	thriftChecker
	info   *FileInfo
	leaves []leaf
	chunks int

	encodings map[string][]string // by the bytes of their list
}

func parseFooter(footer []byte) (*FileInfo, error) {
	f := footerReader{
		thriftChecker: thriftChecker{rest: footer},
		info:          &FileInfo{Metadata: map[string]string{}},
		encodings:     map[string][]string{},
	}
	var schema []pqformat.SchemaElement
	var groups []byte // the list of row groups, which can come before the schema
	hasRows, hasGroups := false, false
	err := f.fields(func(id int16, kind byte) (err error) {
		switch id {
		case 2:
			schema, err = f.schema(kind)
		case 3:
			hasRows = true
			f.info.Rows, err = f.integer(kind)
		case 4:
			hasGroups = true
			groups = f.rest
			err = f.value(kind, 1)
			groups = groups[:len(groups)-len(f.rest)]
		case 5:
			err = f.each(kind, f.metadata)
		case 6:
			f.info.CreatedBy, err = f.text(kind)
		case 8:
			f.info.Encrypted = true
			err = f.value(kind, 1)
		default:
			err = f.value(kind, 1)
		}
		return err
	})
	switch rest := len(f.rest); {
	case err != nil:
		return nil, err
	case rest > 0 && (!f.info.Encrypted || rest != signature):
		return nil, fmt.Errorf("%d bytes follow it", rest)
	case !hasRows || !hasGroups:
		return nil, errors.New("it has no row groups")
	}
	if f.info.Schema, f.leaves, err = describeSchema(schema); err != nil {
		return nil, err
	}
	f.rest = groups
	return f.info, f.each(thriftList, f.rowGroup)
}

func (f *footerReader) schema(kind byte) (elements []pqformat.SchemaElement, err error) {
	err = f.each(kind, func() error {
		b := f.rest
		if err := f.structure(1); err != nil {
			return err
		}
		if len(elements) == maxElements {
			return fmt.Errorf("the schema has more than %d elements", maxElements)
		}
		elements = append(elements, pqformat.SchemaElement{})
		return thrift.Unmarshal(new(thrift.CompactProtocol), b[:len(b)-len(f.rest)], &elements[len(elements)-1])
	})
	return elements, err
}

func (f *footerReader) metadata() error {
	var key, value string // which may be left out
	err := f.fields(func(id int16, kind byte) (err error) {
		switch id {
		case 1:
			key, err = f.text(kind)
		case 2:
			value, err = f.text(kind)
		default:
			err = f.value(kind, 1)
		}
		return err
	})
	f.info.Metadata[key] = value
	return err
}

func (f *footerReader) rowGroup() error {
	n := len(f.info.RowGroups)
	var g RowGroupInfo
	err := f.fields(func(id int16, kind byte) (err error) {
		switch id {
		case 1:
			err = f.each(kind, func() error { return f.chunk(&g) })
		case 2:
			g.Bytes, err = f.integer(kind)
		case 3:
			g.Rows, err = f.integer(kind)
		default:
			err = f.value(kind, 1)
		}
		return err
	})
	if err == nil && len(g.Columns) != len(f.leaves) {
		err = fmt.Errorf("row group %d has %d columns, the schema %d", n, len(g.Columns), len(f.leaves))
	}
	f.info.RowGroups = append(f.info.RowGroups, g)
	return err
}

func (f *footerReader) chunk(g *RowGroupInfo) error {
	n := len(g.Columns)
	if n == len(f.leaves) {
		return fmt.Errorf("row group %d has more columns than the schema, which has %d", len(f.info.RowGroups), n)
	}
	if f.chunks++; f.chunks > maxChunks {
		return fmt.Errorf("it has more than %d columns in all row groups", maxChunks)
	}
	if g.Columns == nil {
		g.Columns = make([]ColumnInfo, 0, min(len(f.leaves), len(f.rest)))
	}
	leaf := f.leaves[n]
	c, described := ColumnInfo{Path: leaf.path, Type: leaf.element.Type.V.String()}, false
	err := f.fields(func(id int16, kind byte) (err error) {
		switch {
		case id == 3 && kind == thriftStructure:
			described = true
			err = f.column(&c, leaf.element)
		case id == 8:
			c.Encrypted = true
			err = f.value(kind, 1)
		default:
			err = f.value(kind, 1)
		}
		return err
	})
	if err == nil && !described && !c.Encrypted {
		err = fmt.Errorf("column %d of row group %d has no metadata", n, len(f.info.RowGroups))
	}
	g.Compressed += c.Compressed
	g.Columns = append(g.Columns, c)
	return err
}

func (f *footerReader) column(c *ColumnInfo, e *pqformat.SchemaElement) error {
	return f.fields(func(id int16, kind byte) (err error) {
		switch id {
		case 2:
			c.Encodings, err = f.encodingsOf(kind)
		case 4:
			var codec int64
			codec, err = f.integer(kind)
			c.Codec = pqformat.CompressionCodec(codec).String()
		case 5:
			c.Values, err = f.integer(kind)
		case 6:
			c.Bytes, err = f.integer(kind)
		case 7:
			c.Compressed, err = f.integer(kind)
		case 12:
			if kind != thriftStructure {
				return fmt.Errorf("its statistics have type %d", kind)
			}
			err = f.statistics(c, e)
		default:
			err = f.value(kind, 1)
		}
		return err
	})
}

func (f *footerReader) statistics(c *ColumnInfo, e *pqformat.SchemaElement) error {
	return f.fields(func(id int16, kind byte) (err error) {
		var b []byte
		switch id {
		case 3:
			c.Nulls, err = f.integer(kind)
		case 5:
			b, err = f.bytes(kind)
			c.Max = boundOf(e, b)
		case 6:
			b, err = f.bytes(kind)
			c.Min = boundOf(e, b)
		default:
			err = f.value(kind, 1)
		}
		return err
	})
}

// encodingsOf returns a list of encodings. Equal lists are the same slice.
func (f *footerReader) encodingsOf(kind byte) ([]string, error) {
	list := f.rest
	if err := f.value(kind, 1); err != nil {
		return nil, err
	}
	list = list[:len(list)-len(f.rest)]
	if known, ok := f.encodings[string(list)]; ok {
		return known, nil
	}
	names := []string{}
	inner := thriftChecker{rest: list}
	err := inner.each(kind, func() error {
		n, err := inner.integer(thriftI32)
		names = append(names, pqformat.Encoding(n).String())
		return err
	})
	f.encodings[string(list)] = names
	return names, err
}

// fields calls take for each field of a structure except booleans, none of which matter here.
func (c *thriftChecker) fields(take func(id int16, kind byte) error) error {
	id := int16(0)
	for {
		header, err := c.take(1)
		if err != nil {
			return err
		}
		kind, delta := header[0]&0x0f, header[0]>>4
		if kind == thriftStop {
			return nil
		}
		if id += int16(delta); delta == 0 {
			n, err := c.integer(thriftI16)
			if err != nil {
				return err
			}
			id = int16(n)
		}
		if kind == thriftTrue || kind == thriftFalse {
			continue // the value is the type
		}
		if err := take(id, kind); err != nil {
			return err
		}
	}
}

// each calls take for each element of a list. take must read something.
func (c *thriftChecker) each(kind byte, take func() error) error {
	if kind != thriftList {
		return fmt.Errorf("a list has type %d", kind)
	}
	header, err := c.take(1)
	if err != nil {
		return err
	}
	n := uint64(header[0] >> 4)
	if n == 15 {
		if n, err = c.varint(); err != nil {
			return err
		}
	}
	if n > uint64(len(c.rest)) {
		return fmt.Errorf("it claims a list of %d", n)
	}
	for range n {
		if err := take(); err != nil {
			return err
		}
	}
	return nil
}

func (c *thriftChecker) integer(kind byte) (int64, error) {
	if kind < thriftI16 || kind > thriftI64 {
		return 0, fmt.Errorf("an integer has type %d", kind)
	}
	n, err := c.varint()
	return int64(n>>1) ^ -int64(n&1), err
}

// bytes returns a copy, so that nothing keeps the footer in memory.
func (c *thriftChecker) bytes(kind byte) ([]byte, error) {
	if kind != thriftBinary {
		return nil, fmt.Errorf("a text has type %d", kind)
	}
	n, err := c.varint()
	if err != nil {
		return nil, err
	}
	b, err := c.take(n)
	return append(make([]byte, 0, len(b)), b...), err
}

func (c *thriftChecker) text(kind byte) (string, error) {
	b, err := c.bytes(kind)
	return string(b), err
}

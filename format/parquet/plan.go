package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
	"unsafe"

	pq "github.com/parquet-go/parquet-go"
	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/format"
)

// A plan is what all Writers of one factory share. Payloads of type P are held as rows of type H until they are encoded.
type plan[P, H any] struct {
	options Options
	schema  *schema

	// row returns what is held of a payload.
	row func(payload P) H

	// measure returns the bytes that a row refers to, beside its own size, or an error that rejects it.
	measure func(row *H) (bytes int64, err error)

	// sorting returns by which columns the rows are sorted, which only they tell. It may be nil.
	sorting func(batches [][]H) []pqformat.SortingColumn

	encoders map[Codec]*sync.Pool // of *encoder[H]
	rowSize  int64
}

// schema is what a file's footer says about its columns.
type schema struct {
	columns  []column
	version  int32
	elements []pqformat.SchemaElement
	orders   []pqformat.ColumnOrder
}

// prepare takes over the options and tries the encoders out: a type that parquet-go cannot write makes it panic, which is an
// error here.
func (p *plan[P, H]) prepare(options Options, newRows func(options ...pq.WriterOption) rowWriter[H], root *pq.Schema) (err error) {
	if p.options, err = options.withDefaults(); err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("parquet schema: %v", r)
		}
	}()
	p.rowSize = int64(unsafe.Sizeof(*new(H)))
	columns, skip := columnsOf(root)
	p.encoders = map[Codec]*sync.Pool{}
	for name, codec := range codecs {
		all := append([]pq.WriterOption{
			root,
			pq.Compression(codec),
			pq.PageBufferSize(p.options.PageBytes),
			pq.DataPageVersion(1),
			pq.DefaultEncodingFor(pq.ByteArray, &pq.Plain),                 // older Spark cannot read DELTA_LENGTH_BYTE_ARRAY
			pq.DataPageStatistics(false),                                   // page headers would hold bounds of any length
			pq.ColumnIndexSizeLimit(func([]string) int { return 1 << 30 }), // cut, they would end within a rune
			pq.DictionaryMaxBytes(dictionaryBytes),
			pq.WriteBufferSize(0), // pages are large, and the rest is for a bytes.Buffer
		}, skip...)
		p.encoders[name] = &sync.Pool{New: func() any { return &encoder[H]{rows: newRows(all...)} }}
	}
	p.schema, err = p.readSchema(columns)
	return err
}

// dictionaryBytes is the size at which a column's dictionary is no longer worth it: later pages have plain values.
const dictionaryBytes = 1 << 20

// readSchema writes an empty file and reads its footer.
func (p *plan[P, H]) readSchema(columns []column) (*schema, error) {
	e := p.encoders[p.options.Codec].Get().(*encoder[H])
	var file bytes.Buffer
	e.rows.Reset(&file)
	if err := e.rows.Close(); err != nil {
		return nil, fmt.Errorf("parquet schema: %w", err)
	}
	meta, err := decodeFooter(file.Bytes())
	if err != nil {
		return nil, fmt.Errorf("parquet schema: %w", err)
	}
	p.encoders[p.options.Codec].Put(e)
	return &schema{columns: columns, version: meta.Version, elements: meta.Schema, orders: meta.ColumnOrders}, nil
}

func (p *plan[P, H]) newWriter() format.Writer[P] {
	return &writer[P, H]{plan: p, codec: p.options.Codec}
}

// encode writes the batches as one row group. An encoder that failed or panicked is not used again.
func (p *plan[P, H]) encode(codec Codec, out io.Writer, offset int64, batches [][]H) (*rowGroup, error) {
	e := p.encoders[codec].Get().(*encoder[H])
	group, err := e.encode(out, offset, batches)
	if err != nil {
		return nil, err
	}
	e.rows.Reset(nil)
	e.file.reset(nil)
	p.encoders[codec].Put(e)
	if p.sorting != nil {
		group.sorting = p.sorting(batches)
	}
	return group, nil
}

var errNilPayload = errors.New("the payload is nil")

// schemaOf returns parquet-go's schema of the struct type t.
func schemaOf(t reflect.Type, tags []pq.SchemaOption) (root *pq.Schema, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("parquet schema of %s: %v", t, r)
		}
	}()
	return pq.SchemaOf(reflect.New(t).Interface(), tags...), nil
}

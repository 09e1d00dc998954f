package jsoncolumns

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// A Plan appends messages to columns.Columns: it is the columns.Appender of a list of columns. It is safe for concurrent use.
type Plan[P format.RawMessager] struct {
	schema   *schema.Schema
	columns  []Column
	fits     []fitFunc
	readers  sync.Pool
	bucket   bool // there is a column Operation that is not of the list
	counts   *Counts
	onMisfit func(Misfit)
}

// Options of a plan. The zero value is the default.
type Options struct {
	// Bucket is set if the messages are those of a key-value bucket: there is a column Operation, behind Metadata, unless
	// the list has one of that name.
	Bucket bool

	// OnMisfit, if not nil, is called once for each column that a value did not fit into, with the first one.
	OnMisfit func(Misfit)
}

// New returns the plan of a list of columns, such as Parse returns.
//
// The same list and options always make the same schema: Metadata, the columns in their order, Rest.
func New[P format.RawMessager](columns []Column, o Options) (*Plan[P], error) {
	if len(columns) == 0 {
		return nil, errNoColumns
	}
	all := fields(columns)
	operations := o.Bucket && !hasOperation(columns)
	if operations {
		all = slices.Insert(all, len(metadata), operationField)
	}
	s, err := schema.New(all...)
	if err != nil {
		return nil, err
	}
	p := &Plan[P]{schema: s, columns: slices.Clone(columns), bucket: operations, counts: newCounts(columns), onMisfit: o.OnMisfit}
	for i := range p.columns {
		fit := fitOf(p.columns[i].Type)
		if fit == nil || len(p.columns[i].Path) == 0 {
			return nil, fmt.Errorf("column %s: it has no path, or the type %s, which no payload has", p.columns[i].Name, p.columns[i].Type)
		}
		p.fits = append(p.fits, fit)
	}
	p.readers.New = func() any { return p.newReader() }
	return p, nil
}

var errNoColumns = errors.New("there are no columns: list some, or archive messages as they are")

// Schema returns the schema of the columns.
func (p *Plan[P]) Schema() *schema.Schema { return p.schema }

// Append appends one row. It rejects a message, and names the reason, if format.RawMessage.Validate does, if readers
// would not take its payload as JSON, and if a column that is not nullable has no value. A message that deletes or purges a key of a
// key-value bucket has no payload, and its row has nulls.
func (p *Plan[P]) Append(c *columns.Columns, payload P) (rows int, err error) {
	if c.Schema() != p.schema {
		return 0, errors.New("the columns are of another schema than the plan: take those that columns.New returns for it")
	}
	r, ok := p.readers.Get().(*reader)
	if !ok {
		r = p.newReader()
	}
	defer p.release(r)
	r.message.RawMessage = payload.Raw()
	if err := r.message.Validate(); err != nil {
		return 0, err
	}
	if err := r.readMessage(); err != nil {
		return 0, err
	}
	if rows, err = c.AppendRow(r.build); err != nil {
		return 0, err
	}
	p.counts.add(r, p.onMisfit)
	return rows, nil
}

// Counts returns how many values of the messages fitted, so far and from now on. A message that is appended twice counts twice.
func (p *Plan[P]) Counts() *Counts { return p.counts }

func (p *Plan[P]) newReader() *reader {
	r := newReader(p.columns, p.fits)
	r.bucket = p.bucket
	return r
}

// maxPooled is the size in bytes above which what was made of a message is not kept for the next.
const maxPooled = 1 << 20

func (p *Plan[P]) release(r *reader) {
	if cap(r.scratch)+cap(r.router.rest)+cap(r.headers)+cap(r.digits)+cap(r.router.name) > maxPooled {
		return
	}
	r.message.RawMessage = format.RawMessage{}
	clear(r.message.names[:cap(r.message.names)])
	clear(r.values)
	clear(r.misfits[:cap(r.misfits)])
	r.router.text = nil
	clear(r.router.path[:cap(r.router.path)])
	p.readers.Put(r)
}

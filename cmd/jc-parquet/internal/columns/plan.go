package columns

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema"
)

// A Misfit is the first value of a column that did not fit. It is in the column _rest of the message.
type Misfit struct {
	Column    Column
	StreamSeq uint64 // of the message
}

// A Plan appends messages to schema.Columns: it is the schema.Appender of a list of columns. It is safe for concurrent use.
type Plan[P format.RawMessager] struct {
	schema   *schema.Schema
	columns  []Column
	fits     []fitFunc
	readers  sync.Pool
	told     []atomic.Bool
	onMisfit func(Misfit)
}

// New returns the plan of a list of columns, such as Parse returns. onMisfit, if not nil, is called once for each column
// that a value did not fit into.
//
// The same list always makes the same schema: Metadata, the columns in their order, Rest.
func New[P format.RawMessager](columns []Column, onMisfit func(Misfit)) (*Plan[P], error) {
	if len(columns) == 0 {
		return nil, errNoColumns
	}
	s, err := schema.New(fields(columns)...)
	if err != nil {
		return nil, err
	}
	p := &Plan[P]{schema: s, columns: slices.Clone(columns), told: make([]atomic.Bool, len(columns)), onMisfit: onMisfit}
	for i := range p.columns {
		fit := fitOf(p.columns[i].Type)
		if fit == nil || len(p.columns[i].Path) == 0 {
			return nil, fmt.Errorf("column %s: it has no path, or the type %s, which no payload has", p.columns[i].Name, p.columns[i].Type)
		}
		p.fits = append(p.fits, fit)
	}
	p.readers.New = func() any { return newReader(p.columns, p.fits) }
	return p, nil
}

var errNoColumns = errors.New("there are no columns: list some, or archive messages as they are")

// Schema returns the schema of the columns.
func (p *Plan[P]) Schema() *schema.Schema { return p.schema }

// Append appends one row. It rejects a message, and names the reason, if format.RawMessage.Validate does, if its payload is
// no JSON that readers take, and if a column that is not nullable has no value.
func (p *Plan[P]) Append(c *schema.Columns, payload P) (rows int, err error) {
	if c.Schema() != p.schema {
		return 0, errors.New("the columns are of another schema than the plan: take those of its NewColumns")
	}
	r, ok := p.readers.Get().(*reader)
	if !ok {
		r = newReader(p.columns, p.fits)
	}
	defer p.release(r)
	r.message.RawMessage = payload.Raw()
	if err := r.message.Validate(); err != nil {
		return 0, err
	}
	if err := r.read(r.message.Data); err != nil {
		return 0, err
	}
	if rows, err = c.AppendRow(r.build); err != nil {
		return 0, err
	}
	for _, column := range r.misfits {
		p.tell(column, r.message.StreamSeq)
	}
	return rows, nil
}

func (p *Plan[P]) tell(column int, seq uint64) {
	if p.onMisfit != nil && !p.told[column].Load() && !p.told[column].Swap(true) {
		p.onMisfit(Misfit{p.columns[column], seq})
	}
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
	r.router.text = nil
	clear(r.router.path[:cap(r.router.path)])
	p.readers.Put(r)
}

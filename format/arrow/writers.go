package arrow

import (
	"errors"
	"fmt"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// Writers returns a factory of Writers of the struct type P, or of the struct type that P points to: a capture takes it
// as its WriterFactory. Package schema says which columns a struct has, and what its options change.
//
// Writers reports everything that can be wrong with the type or the options, all at once; opening a block reports nothing more.
//
// Write rejects a payload with the error of columns.Plan.Append. The Writers are a format.Bufferer, Spiller, SelfCompressor
// and MetadataSetter.
func Writers[P any](o Options, opts ...schema.Option) (func() format.Writer[P], error) {
	_, err := o.withDefaults()
	rows, planErr := columns.PlanOf[P](opts...)
	if err := errors.Join(err, planErr); err != nil {
		return nil, err
	}
	return PlanWriters(rows, o)
}

// RawWriters returns a factory of Writers of raw messages, with the columns that format.RawMessage describes and field
// ids from 1 on. It fails only for invalid options.
//
// Write rejects a message with the error of format.RawMessage.Validate.
func RawWriters[P format.RawMessager](o Options) (func() format.Writer[P], error) {
	return PlanWriters(format.RawPlan[P](), o)
}

// PlanWriters returns a factory of Writers of the rows that an Appender makes of payloads: a columns.Plan, one of columns.Rows, or
// one with columns that are known only at run time.
func PlanWriters[P any](rows columns.Appender[P], o Options) (func() format.Writer[P], error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if rows == nil {
		return nil, errors.New("arrow: there is no plan that makes rows of payloads: take one from columns.Compile")
	}
	s := rows.Schema()
	if s == nil {
		return nil, errors.New("arrow: the plan has no schema: take one from columns.Compile")
	}
	p := &plan[P]{options: o, rows: rows, schema: s, arrow: Schema(s), layout: layoutOf(s)}
	if p.plain, err = headOf(p.arrow, nil); err != nil {
		return nil, fmt.Errorf("arrow: %w", err)
	}
	return p.newWriter, nil
}

func (p *plan[P]) newWriter() format.Writer[P] {
	return &writer[P]{plan: p, codec: p.options.Codec, file: file{stream: p.options.Stream}}
}

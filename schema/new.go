package schema

import (
	"errors"
	"fmt"

	"github.com/jetcapture/lake/schema/internal/gosource"
)

// A Field describes a column, or a part of a nested column, to New.
//
//	schema.Field{Name: "at", Type: schema.Type{Kind: schema.Timestamp, Unit: schema.Micros}, Nullable: true}
type Field struct {
	Name     string // in a List "element", in a Map "key" and "value"
	ID       int    // the field id, or 0 for the next that is free
	Type     Type
	Nullable bool
	Hints    Hints
	Children []Field // of a List one, of a Map two, of a Struct at least one, of others none
}

// New returns a schema without a Go type: rows are appended by columns.Columns.AppendRow, and no plan can be compiled for it.
//
// Names, types, ids, hints and limits are checked as by Of; the error lists all problems.
func New(fields ...Field) (*Schema, error) {
	p := parse{ids: make(map[int]string), number: true}
	s := &Schema{columns: nodes(&p, fields, nil, 0), source: new(gosource.Rows)}
	if len(fields) == 0 {
		p.errs = append(p.errs, errNoColumns)
	}
	if len(p.errs) > 0 {
		return nil, fmt.Errorf("new schema: %w", errors.Join(p.errs...))
	}
	s.number(p.ids)
	s.findLeaves()
	return s, nil
}

// describe returns f itself, and an error if JSON could not hold it.
func (f Field) describe() (Field, error) {
	var err error
	if reported, bad := parseType(f.Type.String()); bad == nil && reported != f.Type {
		err = fmt.Errorf("the type has more fields than %s needs: leave them out", reported)
	}
	h := f.Hints
	if int(h.Encoding) >= len(encodingNames) || h.Codec.Validate() != nil || int(h.Sort) >= len(sortNames) {
		err = errors.Join(err, errUnknownHint)
	}
	return f, err
}

func (f Field) inner() []Field { return f.Children }

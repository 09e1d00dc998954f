package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/jetcapture/lake/schema/internal/gosource"
)

// jsonSchema is the JSON of a schema. Users have files of it: fields may be added, but not removed.
type jsonSchema struct {
	Fingerprint string     `json:"fingerprint"`
	Columns     []jsonNode `json:"columns"`
}

type jsonNode struct {
	Name     string     `json:"name"`
	ID       int        `json:"id"`
	Type     string     `json:"type"`
	Nullable bool       `json:"nullable,omitempty"`
	Encoding string     `json:"encoding,omitempty"`
	Codec    string     `json:"codec,omitempty"`
	Bloom    bool       `json:"bloom,omitempty"`
	Sort     string     `json:"sort,omitempty"`
	Columns  []jsonNode `json:"columns,omitempty"` // of a list, a map or a struct
}

// MarshalJSON returns the columns as files show them, and the hints. It leaves out the paths in Go.
//
//	{"fingerprint": "…", "columns": [{"name": "at", "id": 1, "type": "timestamp(micros)", "nullable": true}]}
func (s *Schema) MarshalJSON() ([]byte, error) {
	return json.Marshal(jsonSchema{s.Fingerprint(), toJSON(s.columns)})
}

func toJSON(nodes []*Node) []jsonNode {
	out := make([]jsonNode, 0, len(nodes))
	for _, n := range nodes {
		h := n.hints
		out = append(out, jsonNode{
			Name: n.name, ID: n.id, Type: n.typ.String(), Nullable: n.nullable,
			Encoding: h.Encoding.String(), Codec: h.Codec.word(), Bloom: h.Bloom, Sort: h.Sort.String(),
			Columns: toJSON(n.children),
		})
	}
	return out
}

// UnmarshalJSON sets s to a schema that MarshalJSON wrote. The schema knows no Go type, so no plan can be compiled for it.
//
// The error lists all problems, also a fingerprint of other columns: leave it out when editing the JSON by hand.
func (s *Schema) UnmarshalJSON(data []byte) error {
	var in jsonSchema
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields() // a column of a newer version must not be read as another
	if err := d.Decode(&in); err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read schema: there is more behind its JSON")
	}
	p := parse{ids: make(map[int]string)}
	read := Schema{columns: nodes(&p, in.Columns, nil, 0), source: new(gosource.Rows)}
	if len(read.columns) == 0 {
		p.errs = append(p.errs, errNoColumns)
	}
	if len(p.errs) > 0 {
		return fmt.Errorf("read schema: %w", errors.Join(p.errs...))
	}
	read.findLeaves()
	if got := read.Fingerprint(); in.Fingerprint != "" && in.Fingerprint != got {
		return fmt.Errorf("read schema: the fingerprint is %.64q, that of the columns is %q: "+
			"if they were changed on purpose, leave the fingerprint out", in.Fingerprint, got)
	}
	*s = read
	return nil
}

// describe returns the column of j, and an error for unknown types and hints.
func (j jsonNode) describe() (f Field, err error) {
	f = Field{Name: j.Name, ID: j.ID, Nullable: j.Nullable, Hints: Hints{Bloom: j.Bloom}}
	if f.Type, err = parseType(j.Type); err != nil {
		f.Type = Type{}
	}
	var ok [3]bool
	f.Hints.Encoding, ok[0] = parseHint[Encoding](encodingNames[:], j.Encoding)
	f.Hints.Codec, ok[1] = codecOf(j.Codec)
	f.Hints.Sort, ok[2] = parseHint[Sort](sortNames[:], j.Sort)
	if ok != [3]bool{true, true, true} {
		err = errors.Join(err, errUnknownHint)
	}
	return f, err
}

func (j jsonNode) inner() []jsonNode { return j.Columns }

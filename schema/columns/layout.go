package columns

import "github.com/jetcapture/lake/schema"

// A layout has the parts that all Columns of a schema share.
type layout struct {
	leaves  []Leaf // without values
	setters rowSetters
}

func layoutOf(s *schema.Schema) *layout {
	if s.Source() == nil { // the zero Schema
		return new(layout)
	}
	shared, _ := s.Source().Layout(func() any { return newLayout(s) }).(*layout)
	return shared
}

func newLayout(s *schema.Schema) *layout {
	shared := new(layout)
	for _, n := range s.Leaves() {
		shared.leaves = append(shared.leaves, newLeaf(n))
	}
	return shared
}

package parquet

import (
	"fmt"
	"strings"

	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// A column has what all blocks of a factory know about a leaf.
type column struct {
	path     []string
	physical columns.Physical
	parquet  pqformat.Type
	kind     schema.Kind
	order    order
	hints    schema.Hints
	codec    compressor // of its tag, or nil

	maxDef, maxRep uint8
}

func newColumn(leaf *schema.Node, path []string, level func(Codec) int) column {
	def, rep := leaf.MaxLevels()
	physical, _ := columns.PhysicalOf(leaf.Type())
	c := column{
		path: path, physical: physical, parquet: physicalTypes[physical], kind: leaf.Kind(),
		order: orderOf(leaf.Type()), hints: leaf.Hints(),
		maxDef: uint8(def), maxRep: uint8(rep), // a schema's depth keeps them in a byte
	}
	if codec := c.hints.Codec; codec != schema.AnyCodec {
		c.codec = newCodec(codec, level(codec))
	}
	return c
}

// name returns the path, joined by dots.
func (c *column) name() string { return strings.Join(c.path, ".") }

// compressor returns the compressor of the column's tag, or else the one of all other columns.
func (c *column) compressor(others compressor) compressor {
	if c.codec != nil {
		return c.codec
	}
	return others
}

// hasFilter reports whether chunks get a bloom filter. Equal floats may differ in their bits, as 0 and -0 do. For
// bytes, DuckDB 1.5 looks up the hash of their escaped text, and so misses rows even in its own files.
func (c *column) hasFilter() bool {
	switch c.kind {
	case schema.Float32, schema.Float64, schema.Bytes, schema.Fixed:
		return false
	}
	return c.hints.Bloom
}

// A table has what all blocks of a factory know about the schema.
type table struct {
	columns  []column
	elements []byte // of the footer, encoded
	count    int    // of elements
	sorted   []int  // the columns whose tags say that rows are sorted by them
	early    []int  // the columns that can have early pages
	metadata map[string]string
}

func newTable(s *schema.Schema, name string, level func(Codec) int) (*table, error) {
	tree := treeOf(s, name)
	encoded, err := tree.encode()
	if err != nil {
		return nil, fmt.Errorf("parquet schema: %w", err)
	}
	t := &table{elements: encoded, count: len(tree.elements), metadata: map[string]string{fingerprintKey: s.Fingerprint()}}
	for i, leaf := range s.Leaves() {
		c := newColumn(leaf, tree.leaves[i], level)
		t.columns = append(t.columns, c)
		if c.hasEarlyPages() {
			t.early = append(t.early, i)
		}
		if leaf.Hints().Sort != schema.Unsorted {
			t.sorted = append(t.sorted, i)
		}
	}
	return t, nil
}

// fingerprintKey is the name of schema.Schema.Fingerprint in the metadata of every file.
const fingerprintKey = "jetcapture.schema"

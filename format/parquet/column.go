package parquet

import (
	"fmt"
	"strings"

	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/schema"
)

// A column is what all blocks of a factory know of a leaf.
type column struct {
	path     []string
	physical schema.Physical
	parquet  pqformat.Type
	kind     schema.Kind
	order    order
	hints    schema.Hints
	codec    compressor // of its tag, or nil

	maxDef, maxRep uint8
}

func newColumn(leaf *schema.Node, path []string, level func(Codec) int) column {
	def, rep := leaf.MaxLevels()
	physical, _ := leaf.Type().Physical()
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

// name returns the path with dots between.
func (c *column) name() string { return strings.Join(c.path, ".") }

// compressor returns that of the column's tag, or the one that all others have.
func (c *column) compressor(others compressor) compressor {
	if c.codec != nil {
		return c.codec
	}
	return others
}

// hasFilter reports whether chunks get a bloom filter. Floats that are equal may differ in their bits, as 0 and -0 do. Of
// bytes, DuckDB 1.5 looks for the hash of their escaped text, and so misses rows, even in files of its own.
func (c *column) hasFilter() bool {
	switch c.kind {
	case schema.Float32, schema.Float64, schema.Bytes, schema.Fixed:
		return false
	}
	return c.hints.Bloom
}

// A table is what all blocks of a factory know of the schema.
type table struct {
	columns  []column
	elements []byte // of the footer, encoded
	count    int    // of elements
	sorted   []int  // the columns that rows are to be sorted by
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

// fingerprintKey is where the metadata of every file has schema.Schema.Fingerprint.
const fingerprintKey = "jetcapture.schema"

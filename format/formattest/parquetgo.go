package formattest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/parquet-go/parquet-go"
	pqformat "github.com/parquet-go/parquet-go/format"
)

// ParquetGo returns a reader that takes the values and levels of each column from parquet-go's pages, and assembles rows by
// the schema in the file. It also fails if statistics, column indexes or bloom filters are wrong. It uses
// nothing of this module.
func ParquetGo() Reader { return Reader{"parquet-go", readParquetGo, limitsOfParquetGo} }

func readParquetGo(path string) (table *Table, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	info, err := in.Stat()
	if err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(in, info.Size(), parquet.SkipPageIndex(true)) // read by itself for each column
	if err != nil {
		return nil, err
	}
	table = new(Table)
	for _, c := range file.Root().Columns() {
		table.Columns = append(table.Columns, c.Name())
	}
	leaves := leavesOf(file.Root())
	for _, group := range file.RowGroups() {
		a := &assembly{}
		for i, chunk := range group.ColumnChunks() {
			leaf := leafChunk{leaves[i], chunk, nil}
			if leaf.pages, err = pagesOf(chunk); err == nil {
				err = leaf.checkStatistics()
			}
			if err != nil {
				return nil, fmt.Errorf("column %q: %w", leaves[i].Path(), err)
			}
			a.leaves = append(a.leaves, slices.Concat(leaf.pages...))
		}
		for range group.NumRows() {
			row, err := a.fields(file.Root(), 0, 0)
			if err != nil {
				return nil, fmt.Errorf("row %d: %w", len(table.Rows), err)
			}
			table.Rows = append(table.Rows, row)
		}
		for i, rest := range a.leaves {
			if len(rest) > 0 {
				return nil, fmt.Errorf("column %d has %d values behind the last row", i, len(rest))
			}
		}
	}
	return table, nil
}

func leavesOf(c *parquet.Column) (leaves []*parquet.Column) {
	if c.Leaf() {
		return []*parquet.Column{c}
	}
	for _, child := range c.Columns() {
		leaves = append(leaves, leavesOf(child)...)
	}
	return leaves
}

// pagesOf returns the values of a column of a row group with their levels, page by page.
func pagesOf(chunk parquet.ColumnChunk) (all [][]parquet.Value, err error) {
	pages := chunk.Pages()
	defer func() { _ = pages.Close() }()
	buffer := make([]parquet.Value, 1000)
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		var own []parquet.Value
		for values := page.Values(); ; {
			n, err := values.ReadValues(buffer)
			for _, v := range buffer[:n] {
				own = append(own, v.Clone()) // the page is reused
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
		}
		all = append(all, own)
		parquet.Release(page)
	}
}

// An assembly makes rows of the remaining values of each leaf.
type assembly struct{ leaves [][]parquet.Value }

// next returns the next value of the first leaf below c.
func (a *assembly) next(c *parquet.Column) (parquet.Value, error) {
	for !c.Leaf() {
		c = c.Columns()[0]
	}
	values := a.leaves[c.Index()]
	if len(values) == 0 {
		return parquet.Value{}, fmt.Errorf("column %q has too few values", c.Path())
	}
	return values[0], nil
}

// drop takes one value, which is a null, from all leaves below c.
func (a *assembly) drop(c *parquet.Column) error {
	if !c.Leaf() {
		for _, child := range c.Columns() {
			if err := a.drop(child); err != nil {
				return err
			}
		}
		return nil
	}
	v, err := a.next(c)
	if err != nil {
		return err
	}
	if !v.IsNull() {
		return fmt.Errorf("column %q has a value in what is null or empty", c.Path())
	}
	a.leaves[c.Index()] = a.leaves[c.Index()][1:]
	return nil
}

// value returns the next value of c. def and rep are the definition and the repetition level of the node around c.
func (a *assembly) value(c *parquet.Column, def, rep int) (any, error) {
	if c.Optional() {
		def++
		switch first, err := a.next(c); {
		case err != nil:
			return nil, err
		case first.DefinitionLevel() < def:
			return nil, a.drop(c)
		}
	}
	if c.Leaf() {
		v, err := a.next(c)
		if err != nil {
			return nil, err
		}
		if v.DefinitionLevel() != def || v.IsNull() {
			return nil, fmt.Errorf("column %q has a value of definition level %d, not %d", c.Path(), v.DefinitionLevel(), def)
		}
		a.leaves[c.Index()] = a.leaves[c.Index()][1:]
		return canonicalOfParquet(c, v)
	}
	switch logicalOf(c).(type) {
	case *pqformat.ListType:
		return a.list(c.Columns()[0], def+1, rep+1)
	case *pqformat.MapType:
		return a.mapping(c.Columns()[0], def+1, rep+1)
	}
	if c.Repeated() {
		return nil, fmt.Errorf("column %q is repeated, but in no list", c.Path())
	}
	return a.fields(c, def, rep)
}

func (a *assembly) list(repeated *parquet.Column, def, rep int) (any, error) {
	list := List{}
	err := a.repeat(repeated, def, rep, func() error {
		v, err := a.value(repeated.Columns()[0], def, rep)
		list = append(list, v)
		return err
	})
	return list, err
}

func (a *assembly) mapping(repeated *parquet.Column, def, rep int) (any, error) {
	entries := Map{}
	err := a.repeat(repeated, def, rep, func() error {
		k, err := a.value(repeated.Columns()[0], def, rep)
		if err != nil {
			return err
		}
		v, err := a.value(repeated.Columns()[1], def, rep)
		entries = append(entries, Entry{k, v})
		return err
	})
	return entries, err
}

// repeat calls each for each element of c, whose levels are def and rep.
func (a *assembly) repeat(c *parquet.Column, def, rep int, each func() error) error {
	first, err := a.next(c)
	if err != nil {
		return err
	}
	if first.DefinitionLevel() < def {
		return a.drop(c)
	}
	for {
		if err := each(); err != nil {
			return err
		}
		if next, err := a.next(c); err != nil || next.RepetitionLevel() < rep {
			return nil //nolint:nilerr // there is no more: the row group ends here
		}
	}
}

func (a *assembly) fields(c *parquet.Column, def, rep int) (Struct, error) {
	row := make(Struct, 0, len(c.Columns()))
	for _, child := range c.Columns() {
		v, err := a.value(child, def, rep)
		if err != nil {
			return nil, err
		}
		row = append(row, Field{child.Name(), v})
	}
	return row, nil
}

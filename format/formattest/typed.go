package formattest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// A Maker returns the factory of a format's Writers for a plan, such as parquet.PlanWriters with some options. The payloads
// are pointers to the plan's Go type.
type Maker func(plan columns.Appender[any]) (func() format.Writer[any], error)

// Typed has the tests that every format of columns must pass: it writes all cases, and has each reader read them back value for
// value. Invalid payloads must be rejected alone. Each case is a subtest.
func Typed(t *testing.T, maker Maker, readers []Reader) {
	for _, cases := range [][]*Case{Matrix(), Traps(), Patterns()} {
		for _, c := range cases {
			t.Run(c.Name, func(t *testing.T) { c.Run(t, maker, readers) })
		}
	}
}

// Run writes the case, and has each reader read it back.
func (c *Case) Run(t *testing.T, maker Maker, readers []Reader) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "case")
	if err := c.Write(path, maker); err != nil {
		t.Fatal(err)
	}
	for _, d := range c.Differences(path, readers) {
		t.Error(d)
	}
}

// Differences returns the differences between the values that the readers read and those that were written.
func (c *Case) Differences(path string, readers []Reader) []string {
	var found []string
	for _, reader := range readers {
		table, err := reader.Read(path)
		if err != nil {
			found = append(found, err.Error())
			continue
		}
		found = append(found, reader.Check(table, c.Columns, c.Want)...)
	}
	return found
}

// Write writes the rows to a file, with the rejected ones between them.
func (c *Case) Write(path string, maker Maker) error {
	s, err := schema.OfType(c.Type, c.Options...)
	if err != nil {
		return err
	}
	plan, err := columns.Compile[any](s)
	if err != nil {
		return err
	}
	factory, err := maker(plan)
	if err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(c.writeTo(factory(), out), out.Close())
}

func (c *Case) writeTo(w format.Writer[any], out *os.File) error {
	if err := w.InitNew(out); err != nil {
		return err
	}
	var found []error
	for i := range max(len(c.Rows), len(c.Rejected)) {
		if i < len(c.Rejected) {
			switch n, err := w.Write(c.Rejected[i]); {
			case err == nil || n != 0:
				found = append(found, fmt.Errorf("rejected row %d was accepted as %d rows", i, n))
			case errors.Is(err, format.ErrBroken):
				return fmt.Errorf("rejected row %d broke the writer: %w", i, err)
			}
		}
		if i < len(c.Rows) {
			if n, err := w.Write(c.Rows[i]); err != nil || n != 1 {
				return fmt.Errorf("row %d was written as %d rows: %w", i, n, err)
			}
		}
	}
	found = append(found, w.Flush())
	return errors.Join(found...)
}

// Package rowtest helps the tests of packages schema and columns: it makes random Go types and values, appends values, and
// reads rows back from the levels of their leaves.
package rowtest

import (
	"fmt"
	"testing"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// Of returns the schema of T.
func Of[T any](t testing.TB, opts ...schema.Option) *schema.Schema {
	t.Helper()
	s, err := schema.Of[T](opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Appended returns the columns of one row each for values, and the error of the last.
func Appended[T any](t testing.TB, opts []schema.Option, values ...T) (*columns.Columns, error) {
	t.Helper()
	s := Of[T](t, opts...)
	plan, err := columns.Compile[T](s)
	if err != nil {
		t.Fatal(err)
	}
	c := columns.New(s)
	for _, value := range values {
		var rows int
		rows, err = plan.Append(c, value)
		if (rows == 1) != (err == nil) {
			t.Errorf("%d rows with the error %v", rows, err)
		}
	}
	return c, err
}

// Rows returns the rows of values as Assemble reads them back.
func Rows[T any](t testing.TB, values ...T) string {
	t.Helper()
	c, err := Appended(t, nil, values...)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(Assemble(c))
}

// Allocations returns how often a row of the value is allocated for.
func Allocations[T any](t testing.TB, value T) float64 {
	t.Helper()
	s := Of[T](t)
	plan, err := columns.Compile[T](s)
	if err != nil {
		t.Fatal(err)
	}
	c := columns.New(s)
	return testing.AllocsPerRun(5000, func() {
		if _, err := plan.Append(c, value); err != nil {
			t.Error(err)
		}
		if c.Rows() == 100 {
			c.Reset()
		}
	})
}

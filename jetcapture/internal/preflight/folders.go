package preflight

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jetcapture/lake/jetcapture/internal/guard"
	"github.com/jetcapture/lake/store"
)

// DestKey returns the error of a store that cannot be used with the type of destination keys.
func DestKey(s any) error {
	checker, ok := s.(store.DestKeyChecker)
	if !ok {
		return nil
	}
	if err := guard.Call("the store", checker.CheckDestKey); err != nil {
		return fmt.Errorf("Options.Store: %w", err)
	}
	return nil
}

// Folders returns an error about columns that readers hide. For a file below a folder name=value, readers return the value for the column
// of the same name. DuckDB does so by default, whatever the case of letters. all are the names of such folders, and ofLayout those of them
// that Options.Layout makes.
func Folders(columns, all, ofLayout []string) error {
	var problems []error
	for _, folder := range all {
		column, ok := foldedIn(columns, folder)
		if !ok {
			continue
		}
		change := fmt.Sprintf("give the folder another name, by a tag of the field of the destination key such as `hive:\"by_%s\"`", folder)
		if _, ok := foldedIn(ofLayout, folder); ok {
			change = "leave the folders out with Layout = store.DateLayout (--layout date)"
		}
		problems = append(problems, fmt.Errorf("options: the files have a column %q, and are in folders %s=…: readers such as DuckDB show the value of the folder instead of the column's. Rename the column, by a tag such as `parquet:\"message_%s\"` or in the list of --columns, or %s",
			column, folder, folder, change))
	}
	return errors.Join(problems...)
}

// foldedIn returns the one of names that equals name, except for the case of letters.
func foldedIn(names []string, name string) (string, bool) {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return n, true
		}
	}
	return "", false
}

package jetcapture

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/store"
)

// checkFiles reports problems with where files go. It asks functions of the user, and leaves out the checks for which they give no
// answer.
func (o *Options[P, K]) checkFiles() error {
	var columns []string
	if o.WriterFactory != nil {
		_ = noPanic("WriterFactory", func() error {
			columns = format.Columns(o.WriterFactory())
			return nil
		})
	}
	return errors.Join(checkDestKey(o.Store), o.checkFolders(columns))
}

// checkDestKey reports a store that does not suit the type of destination keys.
func checkDestKey(s any) error {
	checker, ok := s.(store.DestKeyChecker)
	if !ok {
		return nil
	}
	if err := noPanic("the store", checker.CheckDestKey); err != nil {
		return fmt.Errorf("options: Store: %w", err)
	}
	return nil
}

// checkFolders reports columns that readers hide: of a file below a folder name=value they return that value for the column of the
// same name. DuckDB does so without being asked, whatever the case of letters.
func (o *Options[P, K]) checkFolders(columns []string) error {
	if o.Store == nil || len(columns) == 0 {
		return nil
	}
	var ofLayout, all []string
	_ = noPanic("the store", func() error {
		dir := o.Layout(time.Unix(0, 0).UTC())
		ofLayout = store.FolderNames[K](nil, dir)
		all = store.FolderNames(o.Store, dir)
		return nil
	})
	var problems []error
	for _, folder := range all {
		column, ok := foldedIn(columns, folder)
		if !ok {
			continue
		}
		change := fmt.Sprintf("give the folder another name, which a field of the destination key has by a tag such as `hive:\"by_%s\"`", folder)
		if _, ok := foldedIn(ofLayout, folder); ok {
			change = "leave the folders out with Layout = store.DateLayout (--layout date)"
		}
		problems = append(problems, fmt.Errorf("options: the files have a column %q, and are in folders %s=…, of which readers such as DuckDB show the value instead of the column's: rename the column, by a tag such as `parquet:\"message_%s\"` or in the list of --columns, or %s",
			column, folder, folder, change))
	}
	return errors.Join(problems...)
}

// foldedIn returns the one of names that is name but for the case of letters.
func foldedIn(names []string, name string) (string, bool) {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return n, true
		}
	}
	return "", false
}

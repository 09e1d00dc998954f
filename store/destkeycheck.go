package store

import (
	"fmt"
	"reflect"
)

// A DestKeyChecker is a BlockStore that does not work with all types of destination keys.
type DestKeyChecker interface {
	// CheckDestKey returns an error if no destination key of the type works, and says what to do. It does no I/O.
	CheckDestKey() error
}

// checkSingleDir refuses types of destination keys whose fields are meant to become folders.
func checkSingleDir[K comparable]() error {
	t := reflect.TypeFor[K]()
	fields, tagged := 0, false
	if isFolders(t) {
		for _, f := range reflect.VisibleFields(t) {
			name, hasTag := f.Tag.Lookup("hive")
			if !f.IsExported() || name == "-" || f.Anonymous && isFolders(f.Type) {
				continue
			}
			fields++
			tagged = tagged || hasTag
		}
	}
	if fields < 2 && !tagged {
		return nil
	}
	return Permanent(fmt.Errorf("SingleDirStore puts all blocks into one folder, but the fields of %s are meant to become folders name=value: use store.Blocks[%s](store.NewDir(dir), nil)", t, t))
}

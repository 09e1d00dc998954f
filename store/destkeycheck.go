package store

import (
	"fmt"
	"reflect"
)

// A DestKeyChecker is a BlockStore that may not suit the type of its destination keys.
type DestKeyChecker interface {
	// CheckDestKey returns what is wrong for all destination keys, and what to do. It does no I/O.
	CheckDestKey() error
}

// checkSingleDir refuses types of destination keys that are meant to make folders.
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
	return Permanent(fmt.Errorf("SingleDirStore puts all blocks into one folder, and %s has fields to make folders of, name=value: use store.Blocks[%s](store.NewDir(dir), nil), which does", t, t))
}

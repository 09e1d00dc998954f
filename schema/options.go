package schema

import (
	"errors"
	"fmt"
)

// An Option of Of holds for a whole type. Without any, times are microseconds, text must be UTF-8, integers keep their
// size, nil is null, columns come as they are declared, and interfaces are refused.
type Option func(*options)

type options struct {
	unit    Unit
	utf8    UTF8Policy
	nulls   NullPolicy
	widen   bool
	anyJSON bool
	order   []string
	exclude map[string]bool   // by path, true once it was met
	asJSON  map[string]bool   // the same
	rename  map[string]string // by path
	renamed map[string]bool
}

// TimestampUnit sets the unit of the timestamps of time.Time that have none in their tags. Finer digits are cut
// off, towards the past. Nanos hold 1677-09-22 to 2262-04-11 only.
func TimestampUnit(u Unit) Option { return func(o *options) { o.unit = u } }

// UTF8Policy is the treatment of text that is not UTF-8, which DuckDB refuses to read.
type UTF8Policy uint8

// The policies for text that is not UTF-8.
const (
	RejectInvalid  UTF8Policy = iota // Append rejects the value
	ReplaceInvalid                   // each run of wrong bytes becomes one U+FFFD; JSON and keys of maps are still rejected
	TextAsBytes                      // columns of strings are Bytes instead; JSON is not concerned
)

// UTF8 sets the treatment of text that is not UTF-8.
func UTF8(p UTF8Policy) Option { return func(o *options) { o.utf8 = p } }

// NullPolicy is the treatment of nil slices and maps.
type NullPolicy uint8

// The policies for nil slices and maps. Nil pointers are always null.
const (
	NilIsNull  NullPolicy = iota // null, and the node is nullable
	NilIsEmpty                   // empty, and the node is not nullable unless it is marked "optional" or "omitempty"
)

// Nulls sets the treatment of nil slices and maps. A tag `lake:"required"` sets NilIsEmpty for one field.
func Nulls(p NullPolicy) Option { return func(o *options) { o.nulls = p } }

// WidenIntegers makes all integers without a size in their tags Int64, so that a field may change its size later. Append
// rejects unsigned ones above math.MaxInt64.
func WidenIntegers() Option { return func(o *options) { o.widen = true } }

// AnyAsJSON makes JSON of fields that are interfaces, as the tag "json" does for one of them.
func AnyAsJSON() Option { return func(o *options) { o.anyJSON = true } }

// Order puts the named columns first, in this order; the others follow as they are declared. Field ids do not change.
func Order(columns ...string) Option {
	return func(o *options) { o.order = append(o.order, columns...) }
}

// Exclude leaves out columns, or parts of them, whatever their Go types are. A path is as Node.PathString has it: names with
// dots between, "element" for what is in a list, "key" and "value" for what is in a map.
func Exclude(paths ...string) Option {
	return func(o *options) {
		for _, path := range paths {
			o.exclude[path] = false
		}
	}
}

// AsJSON makes json columns of columns, or parts of them, whatever their Go types are, as the tag "json" does: the values are
// as encoding/json writes them. It is for types that contain themselves, or have no tags, such as generated code. Paths are as
// in Exclude.
func AsJSON(paths ...string) Option {
	return func(o *options) {
		for _, path := range paths {
			o.asJSON[path] = false
		}
	}
}

// Rename calls the column, or the field of a nested struct, at a path by another name. The paths of other options have the
// old names, except that of Order.
func Rename(path, name string) Option { return func(o *options) { o.rename[path] = name } }

func newOptions(opts []Option) (*options, error) {
	o := &options{unit: Micros, exclude: map[string]bool{}, asJSON: map[string]bool{}, rename: map[string]string{}, renamed: map[string]bool{}}
	for _, opt := range opts {
		if opt != nil {
			opt(o)
		}
	}
	var errs []error
	if o.unit < Millis || o.unit > Nanos {
		errs = append(errs, fmt.Errorf("TimestampUnit: write Millis, Micros or Nanos, not %s", o.unit))
	}
	if o.utf8 > TextAsBytes {
		errs = append(errs, fmt.Errorf("UTF8: write RejectInvalid, ReplaceInvalid or TextAsBytes, not %d", o.utf8))
	}
	if o.nulls > NilIsEmpty {
		errs = append(errs, fmt.Errorf("Nulls: write NilIsNull or NilIsEmpty, not %d", o.nulls))
	}
	return o, errors.Join(errs...)
}

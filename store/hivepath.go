package store

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/jetcapture/lake/store/internal/destkey"
)

// maxHivePath limits the length of all folders of a destination key, in bytes. It leaves a third of a valid name for the interval's
// folder, the file name and the prefix of a bucket.
const maxHivePath = 640

// HivePath returns the folder of a destination key, in the form that readers of Hive-style folders expect:
//
//   - A string, integer, bool or time.Time, or a value with a method MarshalText or String, becomes one folder, named by
//     EscapeHive. The methods take precedence over the kind.
//   - A struct with exported fields becomes one name=value folder for each of them, in their order, as by HivePart. The
//     name comes from a tag such as hive:"region", or else is the field's name in snake_case. A tag hive:"-" leaves a field out.
//     An embedded struct counts as its fields.
//   - A struct without fields has no folder: the path is empty.
//
// Times are in RFC 3339 and UTC, with a fraction if there is one. Two destination keys share a path only if their methods or the
// fields left out make them equal, or if their times differ only in the location. Long values are cut as by EscapeHive, and shorter
// if all folders together would have more than 640 bytes.
//
// Errors are Permanent, and wrap ErrDestKey if a method MarshalText returned one. For types that cannot name a folder (floats,
// pointers, interfaces, nested structs, unexported fields) they say what to do.
func HivePath[K comparable](destKey K) (string, error) {
	if err := checkHivePath[K](); err != nil {
		return "", err
	}
	t := reflect.TypeFor[K]()
	path, err := hivePlanOf(t).path(reflect.ValueOf(&destKey).Elem())
	if err != nil {
		return "", noPlace(Permanent(fmt.Errorf("folder of destination key %s: %w", t, err)))
	}
	return path, nil
}

// checkHivePath returns the error that HivePath returns for all destination keys of a type, if there is one.
func checkHivePath[K comparable]() error {
	t := reflect.TypeFor[K]()
	if err := hivePlanOf(t).err; err != nil {
		return Permanent(fmt.Errorf("folder of destination key %s: %w", t, &destkey.TypeError{Err: err}))
	}
	return nil
}

// A hivePlan is how destination keys of a type become folders.
type hivePlan struct {
	whole  textFunc // not nil: one folder of that text
	fields []hiveField
	err    error
}

type hiveField struct {
	name   string
	prefix string // up to the "="
	index  []int
	text   textFunc
}

// A textFunc returns a value, which is addressable, as text.
type textFunc func(reflect.Value) (string, error)

var hivePlans sync.Map // reflect.Type → *hivePlan

func hivePlanOf(t reflect.Type) *hivePlan {
	if plan, ok := hivePlans.Load(t); ok {
		return plan.(*hivePlan)
	}
	plan := new(hivePlan)
	if isFolders(t) || isEmptyStruct(t) {
		plan.err = plan.addFields(t, nil)
	} else if plan.whole = textOf(t); plan.whole == nil {
		plan.err = fmt.Errorf("a %s cannot name a folder; use a string, an integer or a struct of them, or give the store a function of your own that resolves destination keys", t.Kind())
	}
	hivePlans.Store(t, plan)
	return plan
}

// isFolders reports whether t is a struct with a folder for each field. A struct without exported fields, such as netip.Addr, is
// a single value.
func isFolders(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.IsExported() || f.Anonymous && isFolders(f.Type) {
			return true
		}
	}
	return false
}

func isEmptyStruct(t reflect.Type) bool { return t.Kind() == reflect.Struct && t.NumField() == 0 }

func (p *hivePlan) addFields(t reflect.Type, index []int) error {
	for i := range t.NumField() {
		f := t.Field(i)
		name, tagged := f.Tag.Lookup("hive")
		if name == "-" || f.Name == "_" {
			continue
		}
		at := append(slices.Clone(index), i)
		if f.Anonymous && !tagged && isFolders(f.Type) {
			if err := p.addFields(f.Type, at); err != nil {
				return err
			}
			continue
		}
		if !tagged {
			name = snakeCase(f.Name)
		}
		if err := p.addField(f, name, at); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	return nil
}

func (p *hivePlan) addField(f reflect.StructField, name string, index []int) error {
	if !f.IsExported() {
		return errors.New("destination keys that differ in an unexported field would share a folder; export it, or leave it out with `hive:\"-\"`")
	}
	text := textOf(f.Type)
	if text == nil || isFolders(f.Type) {
		return fmt.Errorf("a %s cannot name a folder; make it a string or an integer, or leave it out with `hive:\"-\"`; a struct can be embedded", f.Type.Kind())
	}
	if name == "" {
		return errors.New("the name in its hive tag is empty")
	}
	if slices.ContainsFunc(p.fields, func(other hiveField) bool { return other.name == name }) {
		return fmt.Errorf("another field has the name %q already; give one of them another name, as with `hive:\"%s2\"`", name, name)
	}
	p.fields = append(p.fields, hiveField{name, hivePrefix(name), index, text})
	if p.spareBytes() < cutMark {
		return fmt.Errorf("the folders of all fields would have more than %d bytes; give them shorter names, or leave some out with `hive:\"-\"`", maxHivePath)
	}
	return nil
}

// spareBytes returns how long each value can be so that all folders fit in maxHivePath.
func (p *hivePlan) spareBytes() int {
	spare := maxHivePath
	for _, f := range p.fields {
		spare -= len(f.prefix) + len("/")
	}
	return spare / max(1, len(p.fields))
}

func (p *hivePlan) path(key reflect.Value) (string, error) {
	if p.whole != nil {
		text, err := p.whole(key)
		return EscapeHive(text), err
	}
	texts := make([]string, len(p.fields))
	for i, f := range p.fields {
		text, err := f.text(key.FieldByIndex(f.index))
		if err != nil {
			return "", fmt.Errorf("field %s: %w", f.name, err)
		}
		texts[i] = text
	}
	path := p.join(texts, maxFolder)
	if len(path) > maxHivePath {
		path = p.join(texts, p.spareBytes())
	}
	return path, nil
}

// join makes folders of the fields' texts, each at most limit bytes long after escaping.
func (p *hivePlan) join(texts []string, limit int) string {
	var b strings.Builder
	for i, f := range p.fields {
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(f.prefix)
		b.WriteString(escape(texts[i], min(limit, maxFolder-len(f.prefix))))
	}
	return b.String()
}

var (
	timeType          = reflect.TypeFor[time.Time]()
	textMarshalerType = reflect.TypeFor[encoding.TextMarshaler]()
	stringerType      = reflect.TypeFor[fmt.Stringer]()
)

// textOf returns the function that writes values of t as text, or nil if they cannot name a folder. Equal values must have equal
// text, and different values should differ.
func textOf(t reflect.Type) textFunc {
	kind := t.Kind()
	switch {
	case t == timeType:
		return func(v reflect.Value) (string, error) {
			return v.Interface().(time.Time).UTC().Format(time.RFC3339Nano), nil
		}
	case kind == reflect.Pointer || kind == reflect.Interface:
		return nil
	case reflect.PointerTo(t).Implements(textMarshalerType):
		return func(v reflect.Value) (string, error) {
			text, err := v.Addr().Interface().(encoding.TextMarshaler).MarshalText()
			return string(text), err
		}
	case reflect.PointerTo(t).Implements(stringerType):
		return func(v reflect.Value) (string, error) { return v.Addr().Interface().(fmt.Stringer).String(), nil }
	case kind == reflect.String:
		return func(v reflect.Value) (string, error) { return v.String(), nil }
	case kind == reflect.Bool:
		return func(v reflect.Value) (string, error) { return strconv.FormatBool(v.Bool()), nil }
	case kind >= reflect.Int && kind <= reflect.Int64:
		return func(v reflect.Value) (string, error) { return strconv.FormatInt(v.Int(), 10), nil }
	case kind >= reflect.Uint && kind <= reflect.Uint64:
		return func(v reflect.Value) (string, error) { return strconv.FormatUint(v.Uint(), 10), nil }
	}
	return nil
}

// snakeCase makes tenant_id of TenantID and http_server of HTTPServer.
func snakeCase(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) {
			afterLower := !unicode.IsUpper(runes[i-1]) && runes[i-1] != '_'
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1]) && runes[i-1] != '_'
			if afterLower || beforeLower {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

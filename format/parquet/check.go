package parquet

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	pq "github.com/parquet-go/parquet-go"
)

// check walks a Go type before parquet-go does, which would write some types wrongly without a word, panic at others, and
// never return from one that contains itself.
//
// On its way it settles the names and the tags of all fields, and compiles what measures a value.
type check struct {
	tags   []pq.SchemaOption // that replace those of the type
	errs   []error
	within []reflect.Type
}

// checkType returns the schema of the struct type t, how its values are measured, and the tags that parquet-go is to use
// instead of the type's own. Its error says all that is wrong.
func checkType(t reflect.Type) (tags []pq.SchemaOption, m measure, err error) {
	if t.Kind() != reflect.Struct || t == timeType {
		return nil, nil, fmt.Errorf("parquet: payload type %s is neither a struct nor a pointer to one", t)
	}
	c := new(check)
	m = c.structure(t, t.Name(), nil)
	if len(c.errs) > 0 {
		return nil, nil, fmt.Errorf("parquet: type %s: %w", t, errors.Join(c.errs...))
	}
	return c.tags, m, nil
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	rawJSONType  = reflect.TypeFor[json.RawMessage]()
	numberType   = reflect.TypeFor[json.Number]()
)

func (c *check) refuse(at, format string, args ...any) measure {
	c.errs = append(c.errs, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...)))
	return nil
}

// structure checks a struct whose columns are under path. at is what errors call it.
func (c *check) structure(t reflect.Type, at string, path []string) measure {
	if slices.Contains(c.within, t) {
		return c.refuse(at, "type %s contains itself, which no schema can: cut it off with a tag `parquet:\"-\"`", t)
	}
	if _, proto := reflect.PointerTo(t).MethodByName("ProtoReflect"); proto {
		return c.refuse(at, "%s is a protocol buffer: copy it into a struct of its own", t)
	}
	c.within = append(c.within, t)
	defer func() { c.within = c.within[:len(c.within)-1] }()

	fields := new(fields)
	m := c.fields(fields, t, at, path)
	if len(fields.columns) == 0 {
		return c.refuse(at, "type %s has no exported fields, so no column could hold its values: "+
			"use a string, or leave it out with a tag `parquet:\"-\"`", t)
	}
	return m
}

// fields are the names that are taken in one struct, by those that it embeds too.
type fields struct{ columns, goNames []string }

func (c *check) fields(taken *fields, t reflect.Type, at string, path []string) measure {
	var measures structMeasure
	for i := range t.NumField() {
		f := t.Field(i)
		at := at + "." + f.Name
		tag := tagOf(f)
		switch {
		case tag.skip && (!f.Anonymous || f.Tag.Get("parquet") == "-"):
			if !f.Anonymous && f.IsExported() {
				c.replace(`parquet:"-"`, path, f.Name)
			}
			continue
		case f.Anonymous:
			measures.add(i, c.embedded(taken, f, at, path))
			continue
		case !f.IsExported():
			continue
		}
		c.take(taken, at, tag.name, f.Name)
		measures.add(i, c.field(f, &tag, at, path))
	}
	return measures.measure()
}

func (c *check) embedded(taken *fields, f reflect.StructField, at string, path []string) measure {
	tag := tagOf(f)
	switch {
	case tag.skip || tag.named:
		return c.refuse(at, "an embedded field has no name of its own: give it one in Go, or leave it out with a tag `parquet:\"-\"`")
	case f.Type == timeType || f.Type.Kind() != reflect.Struct:
		return c.refuse(at, "%s cannot be embedded: give the field a name in Go", f.Type)
	case slices.Contains(c.within, f.Type):
		return c.refuse(at, "type %s contains itself, which no schema can", f.Type)
	}
	c.within = append(c.within, f.Type)
	defer func() { c.within = c.within[:len(c.within)-1] }()
	return c.fields(taken, f.Type, at, path)
}

// take refuses a column or a field's name that the struct has already.
func (c *check) take(taken *fields, at, column, goName string) {
	same := func(other string) bool { return strings.EqualFold(other, column) }
	switch {
	case column == "-":
		c.refuse(at, "a column cannot be called \"-\": name it in its tag")
	case !utf8.ValidString(column):
		c.refuse(at, "the column's name %q is not UTF-8", column)
	case slices.ContainsFunc(taken.columns, same):
		c.refuse(at, "there is a column %q already, and readers do not tell upper from lower case: name one of them in its tag", column)
	case slices.Contains(taken.goNames, goName):
		c.refuse(at, "there is an embedded field of this name: rename one of them in Go")
	}
	taken.columns = append(taken.columns, column)
	taken.goNames = append(taken.goNames, goName)
}

// replace makes tag that of the field goName, whose struct's columns are under path.
func (c *check) replace(tag string, path []string, goName string) {
	c.tags = append(c.tags, pq.StructTag(reflect.StructTag(tag), append(slices.Clone(path), goName)...))
}

// field checks one column of a struct, or a group of them.
func (c *check) field(f reflect.StructField, tag *fieldTag, at string, path []string) measure {
	inner := append(slices.Clone(path), tag.name)
	var m measure
	switch t := f.Type; {
	case isList(t):
		m = c.list(t, tag.options, tag.element, at, inner)
	case t.Kind() == reflect.Map:
		if strings.Contains(tag.name, "json") {
			c.refuse(at, "parquet-go takes a map whose name contains \"json\" for JSON: name the column differently")
		}
		c.onlyID(tag.options, at)
		m = c.mapping(t, tag, at, inner)
	default:
		m = c.value(t, tag.options, at, inner)
	}
	c.replace(tag.String(), path, f.Name)
	return m
}

func isList(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8
}

func (c *check) list(t reflect.Type, options, element *tagOptions, at string, path []string) measure {
	options.add("list")
	c.onlyID(options, at, "list")
	at, path = at+"[]", append(path, "list", "element")
	var m measure
	if inner := t.Elem(); isList(inner) { // parquet-go makes it a list, of elements without a tag
		c.onlyID(element, at, "list")
		if kind := inner.Elem().Kind(); isList(inner.Elem()) || kind == reflect.Map || kind == reflect.Pointer {
			return c.refuse(at, "%s is nested too deep: put a struct in between", t)
		}
		m = listMeasure(inner, c.value(inner.Elem(), nil, at+"[]", append(path, "list", "element")))
	} else if inner.Kind() == reflect.Map {
		c.onlyID(element, at)
		m = c.mapping(inner, new(fieldTag), at, path)
	} else {
		m = c.inner(inner, element, at, path)
	}
	return listMeasure(t, m)
}

// inner is value for an element of a list and a part of a map, where parquet-go loses what is marked as JSON.
func (c *check) inner(t reflect.Type, options *tagOptions, at string, path []string) measure {
	if options.has("json") || t == rawJSONType {
		return c.refuse(at, "JSON would be lost here: put it in a struct, or take a string without the option")
	}
	return c.value(t, options, at, path)
}

func (c *check) mapping(t reflect.Type, tag *fieldTag, at string, path []string) measure {
	switch kind := t.Key().Kind(); {
	case kind == reflect.String, kind >= reflect.Int && kind <= reflect.Int64, kind >= reflect.Uint && kind <= reflect.Uint64:
	default:
		return c.refuse(at, "a map's keys are strings or integers, not %s", t.Key())
	}
	key := c.inner(t.Key(), tag.key, at+"[key]", append(slices.Clone(path), "key_value", "key"))
	at, path = at+"[value]", append(slices.Clone(path), "key_value", "value")
	var value measure
	switch inner := t.Elem(); {
	case isList(inner) && tag.value != nil:
		value = c.list(inner, tag.value, nil, at, path)
	case isList(inner), inner.Kind() == reflect.Map:
		return c.refuse(at, "%s is nested too deep: put a struct in between", t)
	default:
		value = c.inner(inner, tag.value, at, path)
	}
	return mapMeasure(t, key, value)
}

package parquet

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A fieldTag is what the tags of a field say: its column's name, and the options of the field, of a map's keys and values,
// and of a list's elements.
type fieldTag struct {
	name  string
	named bool // in a tag
	skip  bool

	options, key, value, element *tagOptions
}

// tagOf reads the tags of a field. The column is named by the tag `parquet`, else by the tag `json`, else like the field.
func tagOf(f reflect.StructField) fieldTag {
	name, options, _ := strings.Cut(f.Tag.Get("parquet"), ",")
	if name == "" {
		name, _, _ = strings.Cut(f.Tag.Get("json"), ",")
		if f.Tag.Get("json") == "-" {
			return fieldTag{skip: true}
		}
	}
	tag := fieldTag{
		name: name, named: name != "", skip: f.Tag.Get("parquet") == "-",
		options: parseOptions(options),
		key:     parseInnerOptions(f.Tag.Get("parquet-key")),
		value:   parseInnerOptions(f.Tag.Get("parquet-value")),
		element: parseInnerOptions(f.Tag.Get("parquet-element")),
	}
	if name == "" {
		tag.name = f.Name
	}
	return tag
}

// String returns the tag as parquet-go reads it.
func (t *fieldTag) String() string {
	s := "parquet:" + strconv.Quote(t.name+t.options.String())
	for _, inner := range []struct {
		name    string
		options *tagOptions
	}{{"parquet-key", t.key}, {"parquet-value", t.value}, {"parquet-element", t.element}} {
		if options := inner.options.String(); options != "" {
			s += " " + inner.name + ":" + strconv.Quote(options)
		}
	}
	return s
}

// tagOptions are the words of a tag behind the name. A nil one stands where parquet-go knows no tag.
type tagOptions struct{ words []string }

func parseOptions(s string) *tagOptions {
	o := new(tagOptions)
	for word := range strings.SplitSeq(s, ",") {
		if word = strings.TrimSpace(word); word != "" {
			o.words = append(o.words, word)
		}
	}
	return o
}

// parseInnerOptions leaves out the name, which the inner columns of lists and maps have from the format.
func parseInnerOptions(s string) *tagOptions {
	_, options, _ := strings.Cut(s, ",")
	return parseOptions(options)
}

func (o *tagOptions) String() string {
	if o == nil || len(o.words) == 0 {
		return ""
	}
	return "," + strings.Join(o.words, ",")
}

func (o *tagOptions) all() []string {
	if o == nil {
		return nil
	}
	return o.words
}

// add adds a word if it is not there. It reports false where there can be no tag.
func (o *tagOptions) add(word string) bool {
	if o == nil {
		return false
	}
	if !slices.Contains(o.words, word) {
		o.words = append(o.words, word)
	}
	return true
}

// has reports whether there is the word, with or without arguments.
func (o *tagOptions) has(word string) bool {
	return slices.ContainsFunc(o.all(), func(w string) bool { return w == word || strings.HasPrefix(w, word+"(") })
}

// onlyID refuses all options but id and the given ones, for a list or a map as a whole.
func (c *check) onlyID(o *tagOptions, at string, but ...string) {
	for _, word := range o.all() {
		name, _, _ := strings.Cut(word, "(")
		switch {
		case name == "id" || slices.Contains(but, name):
		case name == "optional":
			c.refuse(at, "%s", adviceOptional)
		default:
			c.refuse(at, "%q is no option of a list or a map as a whole: put it into the tag "+
				"`parquet-element`, `parquet-key` or `parquet-value`", word)
		}
	}
}

const adviceOptional = `"optional" on a value loses nulls: use a pointer, whose nil is the null, and leave the option out`

// bitsOf returns the n of int(n) or uint(n).
func bitsOf(word string) (bits int, signed, ok bool) {
	name, args, _ := strings.Cut(word, "(")
	if name != "int" && name != "uint" {
		return 0, false, false
	}
	_, err := fmt.Sscanf(args, "%d)", &bits)
	return bits, name == "int", err == nil
}

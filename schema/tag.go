package schema

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// A fieldTag has the options in the tags of a field.
type fieldTag struct {
	name string // empty if no tag has one
	skip bool
	spec spec // of the field itself

	key, value, element spec // of the parts of a map or a list
}

// tagOf reads the tags of a field. Those that are wrong are in its error, and left out of the fieldTag.
//
// A field is named by its tag `parquet`, else by its tag `json`. Options of `json` count only without a tag
// `parquet`, which says itself what may be null.
func tagOf(f reflect.StructField) (t fieldTag, err error) {
	parquet, hasParquet := f.Tag.Lookup("parquet")
	json := f.Tag.Get("json")
	if parquet == "-" || (json == "-" && (parquet == "" || parquet[0] == ',')) {
		return fieldTag{skip: true}, nil
	}
	if !wellFormed(string(f.Tag)) {
		return t, fmt.Errorf("tag %q is malformed: write it as `parquet:\"name,option\" json:\"name\"`", f.Tag)
	}
	var errs []error
	t.name, parquet, _ = strings.Cut(parquet, ",")
	jsonName, jsonOptions, _ := strings.Cut(json, ",")
	if t.name == "" {
		t.name = jsonName
	}
	errs = append(errs, t.spec.add(parquet))
	for word := range strings.SplitSeq(jsonOptions, ",") {
		// "string" is about how JSON writes a number, which is a number all the same.
		t.spec.emptyIsNull = t.spec.emptyIsNull || (word == "omitempty" && !hasParquet)
		t.spec.zeroIsNull = t.spec.zeroIsNull || (word == "omitzero" && !hasParquet)
	}
	errs = append(errs, t.spec.addOwn(f.Tag.Get("lake")))
	for i, inner := range []*spec{&t.key, &t.value, &t.element} {
		part := parts[i]
		_, words, _ := strings.Cut(f.Tag.Get("parquet-"+part), ",") // the name is settled by the format
		if err := inner.add(words); err != nil {
			errs = append(errs, fmt.Errorf("tag parquet-%s: %w", part, err))
		}
		if err := inner.addOwn(f.Tag.Get("lake-" + part)); err != nil {
			errs = append(errs, fmt.Errorf("tag lake-%s: %w", part, err))
		}
	}
	return t, errors.Join(append(errs, t.checkRequired(f.Type))...)
}

// parts are the parts of maps and lists. Each has tags of its name.
var parts = [...]string{"key", "value", "element"}

// checkRequired returns an error if a tag says "required" of a type other than slices and maps.
func (t *fieldTag) checkRequired(of reflect.Type) error {
	var errs []error
	check := func(s *spec, tag string, of reflect.Type) {
		if s.required && (of == nil || of.Kind() != reflect.Slice && of.Kind() != reflect.Map) {
			errs = append(errs, fmt.Errorf("tag %s: \"required\" is for slices and maps, whose nil is then empty: leave it out", tag))
		}
	}
	var key, value, element reflect.Type
	switch of.Kind() {
	case reflect.Map:
		key, value = of.Key(), of.Elem()
	case reflect.Slice, reflect.Array:
		element = of.Elem()
	}
	check(&t.spec, "lake", of)
	check(&t.key, "lake-key", key)
	check(&t.value, "lake-value", value)
	check(&t.element, "lake-element", element)
	return errors.Join(errs...)
}

// wellFormed reports whether all of a tag can be read by its keys, or none of it is for this package. Go ignores what is
// behind a mistake.
func wellFormed(tag string) bool {
	rest := tag
	for rest = strings.TrimLeft(rest, " "); rest != ""; rest = strings.TrimLeft(rest, " ") {
		key, value, ok := strings.Cut(rest, ":")
		quoted, err := strconv.QuotedPrefix(value)
		if !ok || err != nil || key == "" || strings.ContainsAny(key, " \"") || quoted[0] != '"' {
			return !strings.Contains(tag, "parquet") && !strings.Contains(tag, "json") && !strings.Contains(tag, "lake")
		}
		rest = value[len(quoted):]
	}
	return true
}

// A spec has the options in the words of one tag.
type spec struct {
	form string // the word that sets the kind, such as "decimal", or ""
	word string // the same as it was written, for errors

	bits             int  // of the forms "int" and "uint"
	unit             Unit // of "time" and "timestamp"; 0 if not said
	local            bool // of "time" and "timestamp"
	scale, precision int  // of "decimal"

	id                      int // 0 if not said
	list                    bool
	zeroIsNull, emptyIsNull bool
	required                bool // a nil slice or map is empty
	hints                   Hints
}

// add takes the words of parquet-go.
func (s *spec) add(words string) error {
	var errs []error
	for word := range strings.SplitSeq(words, ",") {
		if word = strings.TrimSpace(word); word != "" {
			errs = append(errs, s.addWord(word))
		}
	}
	return errors.Join(errs...)
}

func (s *spec) addWord(word string) (err error) {
	name, args, hasArgs := strings.Cut(word, "(")
	if hasArgs {
		var closed bool
		if args, closed = strings.CutSuffix(args, ")"); !closed {
			return fmt.Errorf("tag option %q has no closing parenthesis", word)
		}
	}
	switch name {
	case "id", "decimal", "int", "uint":
		if !hasArgs {
			return fmt.Errorf("tag option %q wants arguments: write %s", word, usage[name])
		}
	case "time", "timestamp":
	default:
		if hasArgs {
			return fmt.Errorf("tag option %q takes no arguments", word)
		}
	}
	switch name {
	case "optional":
		s.zeroIsNull = true
	case "list":
		s.list = true
	case "id":
		s.id, err = parseNumber(word, args, 1, maxID)
	case "plain", "dict", "delta", "split":
		s.hints.Encoding, err = choose(s.hints.Encoding, encodingNames[:], name)
	case "snappy", "gzip", "brotli", "lz4", "zstd", "zstd-better", uncompressedWord:
		err = s.addCodec(name)
	case "variant":
		err = errors.New(`"variant" is not supported, as Polars and others cannot open files that have one: write "json"`)
	case "enum", "bytes", "string", "json", "uuid", "decimal", "date", "time", "timestamp", "int", "uint":
		if s.form != "" && s.word != word {
			return fmt.Errorf("tag options %q and %q exclude each other", s.word, word)
		}
		s.form, s.word = name, word
		err = s.addArgs(args)
	default:
		err = fmt.Errorf("tag option %q is not known", word)
	}
	return err
}

func (s *spec) addCodec(word string) error {
	codec, _ := codecOf(word)
	if before := s.hints.Codec; before != AnyCodec && before != codec {
		return fmt.Errorf("tag options %q and %q exclude each other", before.word(), word)
	}
	s.hints.Codec = codec
	return nil
}

const maxID = 1 << 30

var usage = map[string]string{
	"id": "id(number)", "decimal": "decimal(scale:precision)", "int": "int(bits)", "uint": "uint(bits)",
}

func (s *spec) addArgs(args string) error {
	var err error
	switch s.form {
	case "decimal":
		scale, precision, _ := strings.Cut(args, ":")
		if s.precision, err = parseNumber(s.word, precision, 1, MaxPrecision); err == nil {
			s.scale, err = parseNumber(s.word, scale, 0, s.precision)
		}
		if err != nil {
			return fmt.Errorf("%w: write %s, such as decimal(2:18)", err, usage["decimal"])
		}
	case "int", "uint":
		if s.bits, err = parseNumber(s.word, args, 8, 64); err == nil && s.bits&(s.bits-1) != 0 {
			err = fmt.Errorf("tag option %q: the bits are 8, 16, 32 or 64", s.word)
		}
	case "time", "timestamp":
		if args == "" {
			return nil
		}
		unit, zone, _ := strings.Cut(args, ":")
		var ok bool
		if s.unit, ok = parquetUnits[unit]; !ok || (zone != "" && zone != "utc" && zone != "local") {
			return fmt.Errorf("tag option %q: write millisecond, microsecond or nanosecond, then :utc or :local or nothing", s.word)
		}
		s.local = zone == "local"
	}
	return err
}

var parquetUnits = map[string]Unit{"millisecond": Millis, "microsecond": Micros, "nanosecond": Nanos}

// addOwn takes the words that parquet-go would not know; they are in a tag of their own, so that it can read the struct.
func (s *spec) addOwn(words string) error {
	var errs []error
	for word := range strings.SplitSeq(words, ",") {
		var err error
		switch word = strings.TrimSpace(word); word {
		case "":
		case "bloom":
			s.hints.Bloom = true
		case "required":
			s.required = true
		case "ascending", "descending":
			s.hints.Sort, err = choose(s.hints.Sort, sortNames[:], word)
		default:
			err = fmt.Errorf("tag lake: option %q is not known: there are bloom, required, ascending and descending", word)
		}
		errs = append(errs, err)
	}
	if s.required && s.zeroIsNull {
		errs = append(errs, errors.New(`tag options "optional" and "required" exclude each other`))
	}
	return errors.Join(errs...)
}

// choose returns the hint of that name, and an error if another was chosen before.
func choose[I ~uint8](before I, names []string, name string) (I, error) {
	chosen, _ := parseHint[I](names, name)
	if before != 0 && before != chosen {
		return before, fmt.Errorf("tag options %q and %q exclude each other", hint(names, before), name)
	}
	return chosen, nil
}

func parseNumber(word, s string, least, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("tag option %q: %q is no number from %d to %d", word, s, least, most)
	}
	return n, nil
}

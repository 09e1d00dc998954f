package schema

import "errors"

// Hints are requests of a schema to the writers of files. Readers do not need them: they may change from file to file, and
// neither the fingerprint nor Compare regards them.
type Hints struct {
	Encoding Encoding
	Codec    Codec
	Bloom    bool // a bloom filter
	Sort     Sort // rows come in this order; columns sort by their own order in the schema
}

// Encoding is the requested encoding of values. A writer that cannot encode a type so writes plain.
type Encoding uint8

// The encodings.
const (
	AnyEncoding Encoding = iota // the writer chooses
	Plain
	Dict
	Delta // integers and times: differences of neighbors; strings: differences of lengths
	Split // bytes of numbers by their place: all first ones, all second ones and so on
)

var encodingNames = [...]string{Plain: "plain", Dict: "dict", Delta: "delta", Split: "split"}

// String returns the word of the encoding in a tag; it is empty for AnyEncoding.
func (e Encoding) String() string { return hint(encodingNames[:], e) }

// Sort is an order of rows.
type Sort uint8

// The orders.
const (
	Unsorted Sort = iota
	Ascending
	Descending
)

var sortNames = [...]string{Ascending: "ascending", Descending: "descending"}

// String returns the word of the order in a tag; it is empty for Unsorted.
func (s Sort) String() string { return hint(sortNames[:], s) }

var errUnknownHint = errors.New("the encoding, the codec or the sort order is not known")

func hint[I ~uint8](names []string, i I) string {
	if i == 0 {
		return ""
	}
	return name(names, i)
}

// parseHint is the inverse of hint.
func parseHint[I ~uint8](names []string, s string) (I, bool) {
	for i, name := range names {
		if name == s {
			return I(i), true
		}
	}
	return 0, s == ""
}

// check returns an error if a leaf of kind k cannot have the hints.
func (h Hints) check(k Kind, repeated bool) error {
	var errs []error
	switch {
	case h.Encoding == Delta && !deltaKinds[k]:
		errs = append(errs, errors.New(`"delta" is for integers, times and strings: leave it out`))
	case h.Encoding == Split && !splitKinds[k]:
		errs = append(errs, errors.New(`"split" is for numbers, times and bytes of a fixed length: leave it out`))
	case h.Encoding == Dict && k == Bool:
		errs = append(errs, errors.New(`"dict" is of no use for two values: leave it out`))
	}
	if h.Bloom && k == Bool {
		errs = append(errs, errors.New(`"bloom" is of no use for two values: leave it out`))
	}
	if h.Sort != Unsorted && repeated {
		errs = append(errs, errors.New("rows cannot be sorted by what is in a list or a map"))
	}
	return errors.Join(errs...)
}

var (
	deltaKinds = kinds(Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Timestamp, Date, TimeOfDay, Duration,
		String, Bytes, JSON)
	splitKinds = kinds(Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Timestamp, Date, TimeOfDay, Duration,
		Float32, Float64, Decimal, Fixed, UUID)
)

func kinds(of ...Kind) (set [Struct + 1]bool) {
	for _, k := range of {
		set[k] = true
	}
	return set
}

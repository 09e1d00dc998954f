package jsoncolumns

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jetcapture/lake/schema"
)

// A Column describes a column and the place of its values in payloads.
type Column struct {
	Name     string
	Path     []string // names of members, from the payload's object inwards; at least one
	Type     schema.Type
	Nullable bool
	Epoch    Epoch // unit of the numbers that a timestamp takes
	Exact    bool  // a time that is finer than the column's unit does not fit, instead of being cut
	Hints    schema.Hints
}

// Epoch is the unit in which numbers count the time since 1970, in a column of timestamps.
type Epoch uint8

// The units of numbers.
const (
	NoEpoch Epoch = iota // numbers do not fit
	EpochSeconds
	EpochMillis
	EpochMicros
	EpochNanos
)

var epochWords = [...]string{"", "seconds", "millis", "micros", "nanos"}

// String returns the word for the unit in a file, "" for NoEpoch.
func (e Epoch) String() string { return epochWords[e] }

// digits returns how many digits behind the point a second has.
func (e Epoch) digits() int { return 3 * int(e-EpochSeconds) }

// Rest is the name of the last column, a nullable JSON of everything that no other column has.
const Rest = "_rest"

// metadata are the columns of each message, before those of its payload: those of a format.RawMessage except data, which the
// other columns are made of; reply, which messages of a stream do not have; and consumer, consumer_seq, num_delivered and
// num_pending, which describe the capture and not the message.
var metadata = []schema.Field{
	{Name: "subject", Type: schema.Type{Kind: schema.String}},
	{Name: "headers", Type: schema.Type{Kind: schema.JSON}, Nullable: true},
	{Name: "stream", Type: schema.Type{Kind: schema.String}},
	{Name: "stream_seq", Type: schema.Type{Kind: schema.Int64}, Hints: schema.Hints{Encoding: schema.Delta, Sort: schema.Ascending}},
	{Name: "timestamp", Type: schema.Type{Kind: schema.Timestamp, Unit: schema.Micros}, Hints: schema.Hints{Encoding: schema.Delta}},
	{Name: "timestamp_ns", Type: schema.Type{Kind: schema.Int64}, Hints: schema.Hints{Encoding: schema.Delta}},
}

// Metadata returns the names of the columns that come before those of the payload, in their order.
func Metadata() []string {
	names := make([]string, len(metadata))
	for i := range metadata {
		names[i] = metadata[i].Name
	}
	return names
}

// reserved reports whether a column of a payload cannot have the name.
func reserved(name string) bool {
	return fold(name) == Rest || slices.Contains(Metadata(), fold(name))
}

// fold returns the same text for all spellings of a name that readers do not tell apart.
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// fields returns the columns of files: Metadata, those of the payload, Rest. The field ids of the first and the last are
// the same for all lists, so that a column can be added at the end of one. Rows are in the order of stream_seq unless
// columns say that they have another.
func fields(columns []Column) []schema.Field {
	all := slices.Clone(metadata)
	ordered := slices.ContainsFunc(columns, func(c Column) bool { return c.Hints.Sort != schema.Unsorted })
	for i := range all {
		all[i].ID = i + 1
		if ordered {
			all[i].Hints.Sort = schema.Unsorted
		}
	}
	restID := len(all) + 1
	for i, c := range columns {
		all = append(all, schema.Field{Name: c.Name, ID: restID + 1 + i, Type: c.Type, Nullable: c.Nullable, Hints: c.Hints})
	}
	return append(all, schema.Field{Name: Rest, ID: restID, Type: schema.Type{Kind: schema.JSON}, Nullable: true})
}

// pathText writes a path as it stands in a file or an error.
func pathText(path []string) string {
	if !slices.ContainsFunc(path, func(name string) bool { return !isPlain(name) }) {
		return strings.Join(path, ".")
	}
	quoted := make([]string, len(path))
	for i, name := range path {
		quoted[i] = strconv.Quote(name)
	}
	return fmt.Sprintf("[%s]", strings.Join(quoted, ", "))
}

// isPlain reports whether a name can stand in a path with dots.
func isPlain(name string) bool {
	return name != "" && !strings.ContainsAny(name, ".") && strconv.Quote(name) == `"`+name+`"`
}

package parquet

import (
	"slices"
	"strings"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/format"
)

// RawWriters returns a factory of Writers of raw messages, with the columns that format.RawMessage describes and field
// ids from 1 on. Options that are not valid are its only error.
//
// Write rejects a message with the error of format.RawMessage.Validate. Row groups whose messages are in the order of
// their stream sequence say so in the footer.
func RawWriters[P format.RawMessager](options Options) (func() format.Writer[P], error) {
	p := &plan[P, format.RawMessage]{
		row:     func(payload P) format.RawMessage { return payload.Raw() },
		measure: measureRaw,
		sorting: rawSorting,
	}
	root := pq.SchemaOf(rawRow{})
	err := p.prepare(options, func(options ...pq.WriterOption) rowWriter[format.RawMessage] {
		return &rawRows{GenericWriter: pq.NewGenericWriter[rawRow](nil, options...)}
	}, root)
	if err != nil {
		return nil, err
	}
	p.schema.elements[0].Name = "message"
	annotateHeaders(p.schema)
	return p.newWriter, nil
}

// rawRow is a raw message as parquet-go is to see it.
type rawRow struct {
	Subject      string     `parquet:"subject,dict,id(1)"`
	Reply        *string    `parquet:"reply,id(2)"`
	Headers      rawHeaders `parquet:"headers,id(3)"`
	Data         []byte     `parquet:"data,id(4)"`
	Stream       string     `parquet:"stream,dict,id(5)"`
	Consumer     string     `parquet:"consumer,dict,id(6)"`
	StreamSeq    int64      `parquet:"stream_seq,delta,id(7)"`
	ConsumerSeq  int64      `parquet:"consumer_seq,delta,id(8)"`
	Timestamp    int64      `parquet:"timestamp,timestamp(microsecond),delta,id(9)"`
	TimestampNS  int64      `parquet:"timestamp_ns,delta,id(10)"`
	NumDelivered int64      `parquet:"num_delivered,delta,id(11)"`
	NumPending   int64      `parquet:"num_pending,delta,id(12)"`
}

// rawHeaders is a MAP in all but the annotation, which annotateHeaders adds. parquet-go would write a Go map in no order.
type rawHeaders struct {
	Entries []rawHeader `parquet:"key_value"`
}

type rawHeader struct {
	Name   string   `parquet:"key,dict,id(13)"`
	Values []string `parquet:"value,list,id(14)" parquet-element:",plain,id(15)"`
}

func annotateHeaders(s *schema) {
	for i := range s.elements {
		if e := &s.elements[i]; e.Name == "headers" {
			e.LogicalType = pqformat.LogicalType{Value: new(pqformat.MapType)}
			e.ConvertedType.Set(deprecated.Map)
		}
	}
}

func measureRaw(m *format.RawMessage) (bytes int64, err error) {
	if err := m.Validate(); err != nil {
		return 0, err
	}
	n := len(m.Subject) + len(m.Reply) + len(m.Data) + len(m.Stream) + len(m.Consumer)
	for name, values := range m.Headers {
		n += headerSize + len(name)
		for _, value := range values {
			n += stringSize + len(value)
		}
	}
	return int64(n), nil
}

// Memory of a header in a Go map and of a value beside its text, in bytes.
const (
	headerSize = 64
	stringSize = 16
)

// rawSorting says that messages are in the order of their sequence in the stream, if they are of one stream and in order.
func rawSorting(batches [][]format.RawMessage) []pqformat.SortingColumn {
	last := &batches[0][0]
	for _, batch := range batches {
		for i := range batch {
			m := &batch[i]
			if m.StreamSeq < last.StreamSeq || m.Stream != last.Stream {
				return nil
			}
			last = m
		}
	}
	return bySequence
}

// bySequence is the column stream_seq, the eighth leaf.
var bySequence = []pqformat.SortingColumn{{ColumnIdx: 7}}

// rawRows turns messages into rows, some at a time, in memory that it uses again.
type rawRows struct {
	*pq.GenericWriter[rawRow]
	rows    []rawRow
	headers []rawHeader
}

// rowsAtOnce is what parquet-go takes in one step.
const rowsAtOnce = 64

func (r *rawRows) Write(messages []format.RawMessage) (n int, err error) {
	for some := range slices.Chunk(messages, rowsAtOnce) {
		r.rows, r.headers = r.rows[:0], r.headers[:0]
		for i := range some {
			r.rows = append(r.rows, r.row(&some[i]))
		}
		written, err := r.GenericWriter.Write(r.rows)
		n += written
		if err != nil {
			return n, err
		}
	}
	clear(r.rows[:cap(r.rows)])
	clear(r.headers[:cap(r.headers)])
	return n, nil
}

func (r *rawRows) row(m *format.RawMessage) rawRow {
	row := rawRow{
		Subject: m.Subject, Data: m.Data, Stream: m.Stream, Consumer: m.Consumer,
		StreamSeq: int64(m.StreamSeq), ConsumerSeq: int64(m.ConsumerSeq),
		Timestamp: m.Timestamp.UnixMicro(), TimestampNS: m.Timestamp.UnixNano(),
		NumDelivered: int64(m.NumDelivered), NumPending: int64(m.NumPending),
	}
	if m.Reply != "" {
		row.Reply = &m.Reply
	}
	first := len(r.headers)
	for name, values := range m.Headers {
		r.headers = append(r.headers, rawHeader{name, values})
	}
	row.Headers.Entries = r.headers[first:len(r.headers):len(r.headers)]
	slices.SortFunc(row.Headers.Entries, func(a, b rawHeader) int { return strings.Compare(a.Name, b.Name) })
	return row
}

package format

import (
	"sync"
	"time"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// RawPlan returns the plan that appends raw messages to columns: the ones of RawMessage, with field ids from 1 on.
//
// Append rejects a message with the error of RawMessage.Validate.
func RawPlan[P RawMessager]() columns.Appender[P] { return rawPlan[P]{rawRows} }

// rawRow is a raw message in the form for package schema.
type rawRow struct {
	Subject      string              `parquet:"subject,id(1)"`
	Reply        string              `parquet:"reply,id(2),optional"`
	Headers      map[string][]string `parquet:"headers,id(3)" parquet-key:",id(13)" parquet-value:",id(14)"`
	Data         []byte              `parquet:"data,id(4)"`
	Stream       string              `parquet:"stream,id(5)"`
	Consumer     string              `parquet:"consumer,id(6)"`
	StreamSeq    int64               `parquet:"stream_seq,id(7),delta" lake:"ascending"`
	ConsumerSeq  int64               `parquet:"consumer_seq,id(8),delta"`
	Timestamp    time.Time           `parquet:"timestamp,id(9),delta"`
	TimestampNS  int64               `parquet:"timestamp_ns,id(10),delta"`
	NumDelivered int64               `parquet:"num_delivered,id(11),delta"`
	NumPending   int64               `parquet:"num_pending,id(12),delta"`
}

// rawRows is shared by all raw plans. Its type is valid, so there is no error.
var rawRows = sync.OnceValue(func() *columns.Plan[*rawRow] {
	plan, err := columns.PlanOf[*rawRow](schema.Nulls(schema.NilIsEmpty))
	if err != nil {
		panic(err)
	}
	return plan
})

type rawPlan[P RawMessager] struct{ rows func() *columns.Plan[*rawRow] }

// Schema returns the schema of raw messages.
func (p rawPlan[P]) Schema() *schema.Schema { return p.rows().Schema() }

// rawRowPool saves an allocation for each message.
var rawRowPool = sync.Pool{New: func() any { return new(rawRow) }}

// Append appends a message as one row.
func (p rawPlan[P]) Append(c *columns.Columns, payload P) (rows int, err error) {
	m := payload.Raw()
	row := rawRowPool.Get().(*rawRow)
	*row = rawRow{
		Subject: m.Subject, Reply: m.Reply, Headers: m.Headers, Data: m.Data, Stream: m.Stream, Consumer: m.Consumer,
		StreamSeq: int64(m.StreamSeq), ConsumerSeq: int64(m.ConsumerSeq),
		Timestamp: m.Timestamp, TimestampNS: m.Timestamp.UnixNano(),
		NumDelivered: int64(m.NumDelivered), NumPending: int64(m.NumPending),
	}
	defer func() {
		*row = rawRow{}
		rawRowPool.Put(row)
	}()
	if row.StreamSeq|row.ConsumerSeq|row.NumDelivered|row.NumPending < 0 ||
		m.Timestamp.Before(firstTime) || m.Timestamp.After(lastTime) {
		return 0, m.Validate()
	}
	if rows, err = p.rows().Append(c, row); err != nil {
		if invalid := m.Validate(); invalid != nil {
			return 0, invalid // the same error in all formats
		}
	}
	return rows, err
}

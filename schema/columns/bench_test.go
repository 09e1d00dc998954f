package columns_test

import (
	"testing"
	"time"

	"github.com/jetcapture/lake/schema/columns"
	"github.com/jetcapture/lake/schema/internal/rowtest"
)

// order is the nested one of the design notes: 16 fields, one of them a list of structs.
type order struct {
	ID       uint64            `json:"id"`
	Customer string            `json:"customer"`
	Status   string            `json:"status"`
	Created  time.Time         `json:"created"`
	Updated  *time.Time        `json:"updated"`
	Currency string            `json:"currency"`
	Total    float64           `json:"total"`
	Tax      float64           `json:"tax"`
	Paid     bool              `json:"paid"`
	Retries  int32             `json:"retries"`
	Channel  *string           `json:"channel"`
	Note     *string           `json:"note"`
	Address  address           `json:"address"`
	Items    []orderItem       `json:"items"`
	Tags     []string          `json:"tags"`
	Labels   map[string]string `json:"labels"`
}

type address struct {
	Street, City, Zip, Country string
}

type orderItem struct {
	SKU      string
	Quantity int32
	Price    int64 `parquet:",decimal(2:18)"`
	Discount *float64
}

func newOrder() *order {
	at := time.Date(2026, 11, 23, 12, 0, 0, 123456789, time.UTC)
	return &order{
		ID: 4711, Customer: "customer-000123", Status: "shipped", Created: at, Updated: &at, Currency: "EUR", Total: 123.45, Tax: 19.5,
		Paid: true, Retries: 2, Channel: ptr("web"), Address: address{"Long Street 12", "Hamburg", "20095", "DE"},
		Items: []orderItem{{"sku-1", 1, 1250, nil}, {"sku-2", 5, 99, ptr(0.1)}, {"sku-3", 2, 100, nil}},
		Tags:  []string{"a", "bb"}, Labels: map[string]string{"team": "x", "env": "prod"},
	}
}

// message is that of format.RawMessage, with its 12 columns.
type message struct {
	Subject      string              `json:"subject"`
	Reply        string              `json:"reply,omitempty"`
	Headers      map[string][]string `json:"headers" lake:"required"`
	Data         []byte              `json:"data" lake:"required"`
	Stream       string              `json:"stream"`
	Consumer     string              `json:"consumer"`
	StreamSeq    uint64              `parquet:"stream_seq,int(64)"`
	ConsumerSeq  uint64              `parquet:"consumer_seq,int(64)"`
	Timestamp    time.Time           `json:"timestamp"`
	TimestampNS  int64               `json:"timestamp_ns"`
	NumDelivered uint64              `parquet:"num_delivered,int(64)"`
	NumPending   uint64              `parquet:"num_pending,int(64)"`
}

func newMessage(headers map[string][]string) *message {
	return &message{
		Subject: "orders.eu.000123", Headers: headers, Data: make([]byte, 250), Stream: "ORDERS", Consumer: "archive",
		StreamSeq: 1000, ConsumerSeq: 10, Timestamp: time.Unix(1795436100, 123456789), TimestampNS: 1795436100123456789, NumDelivered: 1,
	}
}

var someHeaders = map[string][]string{"Nats-Msg-Id": {"0123456789abcdef"}, "Trace": {"00-4bf92f3577b34da6a3ce929d0e0e4736-01"}}

func BenchmarkAppendOrder(b *testing.B)            { benchmark(b, newOrder()) }
func BenchmarkAppendOrderByValue(b *testing.B)     { benchmark(b, *newOrder()) }
func BenchmarkAppendMessage(b *testing.B)          { benchmark(b, newMessage(someHeaders)) }
func BenchmarkAppendMessageNoHeaders(b *testing.B) { benchmark(b, newMessage(nil)) }

// rareMaps are of types that have no code of their own.
type rareMaps struct {
	Sizes  map[string]int32
	Names  map[uint16]string
	Items  map[string]orderItem
	Nested map[string]map[int8][]string
}

func newRareMaps() *rareMaps {
	return &rareMaps{
		map[string]int32{"a": 1, "b": 2, "c": 3},
		map[uint16]string{1: "a", 2: "b"},
		map[string]orderItem{"a": {}, "b": {}},
		map[string]map[int8][]string{"a": {1: {"x", "y"}, 2: nil}, "b": {}},
	}
}

func BenchmarkAppendRareMaps(b *testing.B) { benchmark(b, newRareMaps()) }

// rawRow is what raw messages are written from, without a schema of their own.
type rawRow struct {
	Subject      string              `parquet:"subject,dict"`
	Reply        *string             `parquet:"reply"`
	Headers      map[string][]string `parquet:"headers" lake:"required" lake-value:"required"`
	Data         []byte              `parquet:"data" lake:"required"`
	Stream       string              `parquet:"stream,dict"`
	Consumer     string              `parquet:"consumer,dict"`
	StreamSeq    int64               `parquet:"stream_seq,delta"`
	ConsumerSeq  int64               `parquet:"consumer_seq,delta"`
	Timestamp    time.Time           `parquet:"timestamp"`
	TimestampNS  int64               `parquet:"timestamp_ns,delta"`
	NumDelivered int64               `parquet:"num_delivered"`
	NumPending   int64               `parquet:"num_pending"`
}

func newRawRow(headers map[string][]string) *rawRow {
	return &rawRow{
		Subject: "orders.eu.000123", Headers: headers, Data: make([]byte, 250), Stream: "ORDERS", Consumer: "archive",
		StreamSeq: 1000, ConsumerSeq: 10, Timestamp: time.Unix(1795436100, 123456789), TimestampNS: 1795436100123456789, NumDelivered: 1,
	}
}

func BenchmarkAppendRaw(b *testing.B) { benchmark(b, newRawRow(someHeaders), newRawRow(nil)) }

func BenchmarkAppendRawByValue(b *testing.B)     { benchmark(b, *newRawRow(someHeaders), *newRawRow(nil)) }
func BenchmarkAppendRawNoHeaders(b *testing.B)   { benchmark(b, newRawRow(nil)) }
func BenchmarkAppendRawWithHeaders(b *testing.B) { benchmark(b, newRawRow(someHeaders)) }

func benchmark[T any](b *testing.B, values ...T) {
	s := of[T](b)
	plan, err := columns.Compile[T](s)
	if err != nil {
		b.Fatal(err)
	}
	c := columns.New(s)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i == len(values) {
			i = 0
		}
		if _, err := plan.Append(c, values[i]); err != nil {
			b.Fatal(err)
		}
		if c.Rows() == 10_000 {
			c.Reset()
		}
	}
}

func TestTenMessagesTakeAtMost16KiB(t *testing.T) {
	m := newMessage(someHeaders)
	c, err := rowtest.Appended(t, nil, m, m, m, m, m, m, m, m, m, m)
	if err != nil {
		t.Fatal(err)
	}
	if c.Len() != 13 || len(c.Schema().Columns()) != 12 || c.Rows() != 10 {
		t.Fatalf("%d leaves, %d rows", c.Len(), c.Rows())
	}
	t.Logf("%d bytes", c.Buffered())
	if c.Buffered() > 16<<10 {
		t.Errorf("10 rows in 12 columns take %d bytes", c.Buffered())
	}
	if c := columns.New(of[message](t)); c.Buffered() > 200*int64(c.Len()) {
		t.Errorf("columns without rows hold %d bytes", c.Buffered())
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	for name, allocs := range map[string]float64{
		"order": rowtest.Allocations(t, newOrder()), "order by value": rowtest.Allocations(t, *newOrder()), "message": rowtest.Allocations(t, newMessage(someHeaders)),
		"rare maps": rowtest.Allocations(t, newRareMaps()),
		"raw":       rowtest.Allocations(t, newRawRow(someHeaders)), "raw by value": rowtest.Allocations(t, *newRawRow(someHeaders)),
	} {
		if allocs > 0 {
			t.Errorf("%s: %.0f allocations a row", name, allocs)
		}
	}
}

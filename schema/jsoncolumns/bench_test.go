package jsoncolumns_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema/columns"
	"github.com/jetcapture/lake/schema/jsoncolumns"
)

const benchColumns = `
- {name: id, path: order.id, type: int64}
- {name: region, path: order.region, type: string}
- {name: placed, type: timestamp}
- {name: total, type: "decimal(18,2)"}
- {name: discount, type: float64}
- {name: customer, path: customer.id, type: uuid}
- {name: rush, type: bool}
- {name: status, type: string}
`

// 250 bytes, all of which columns take but for one member.
const benchPayload = `{"order":{"id":9007199254740993,"region":"eu-central"},"placed":"2026-11-23T12:15:00.123456Z","total":1234.56,"discount":0.125,` +
	`"customer":{"id":"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"},"rush":false,"status":"new","note":"leave at door"    }`

type benchMessage []byte

func (m benchMessage) Raw() format.RawMessage {
	return format.RawMessage{Subject: "orders.eu", Stream: "ORDERS", StreamSeq: 7, Timestamp: time.Unix(1_700_000_000, 0), Data: m}
}

// BenchmarkAppend makes columns of messages.
func BenchmarkAppend(b *testing.B) {
	list, err := jsoncolumns.Parse("bench.yaml", []byte(benchColumns))
	if err != nil {
		b.Fatal(err)
	}
	plan, err := jsoncolumns.New[benchMessage](list, jsoncolumns.Options{})
	if err != nil {
		b.Fatal(err)
	}
	c := columns.New(plan.Schema())
	text := benchMessage(benchPayload)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if c.Rows() == 10_000 {
			c.Reset()
		}
		if _, err := plan.Append(c, text); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkValid is the yardstick: encoding/json checks that a payload is JSON, and no more.
func BenchmarkValid(b *testing.B) {
	text := []byte(benchPayload)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if !json.Valid(text) {
			b.Fatal("no JSON")
		}
	}
}

// BenchmarkUnmarshal is another: encoding/json fills a struct with the same values.
func BenchmarkUnmarshal(b *testing.B) {
	text := []byte(benchPayload)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var row struct {
			Order struct {
				ID     int64
				Region string
			}
			Placed   time.Time
			Total    json.Number
			Discount float64
			Customer struct{ ID string }
			Rush     bool
			Status   string
			Note     string
		}
		if err := json.Unmarshal(text, &row); err != nil {
			b.Fatal(err)
		}
	}
}

//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jetcapture/lake/cmd/jc-parquet/internal/orders"
	"github.com/jetcapture/lake/format"
)

// message is a payload that is its own raw message.
type message format.RawMessage

// Raw returns the message.
func (m *message) Raw() format.RawMessage { return format.RawMessage(*m) }

// rawMessages returns the first n orders as a capture would get them.
func rawMessages(n int) []*message {
	all := make([]*message, n)
	sequence := orders.NewSequence()
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	for i := range all {
		msg := sequence.Next()
		all[i] = &message{
			Subject: msg.Subject, Headers: msg.Header, Data: msg.Data, Stream: stream, Consumer: "bench",
			StreamSeq: uint64(i + 1), ConsumerSeq: uint64(i + 1), NumDelivered: 1, NumPending: uint64(n - i),
			Timestamp: at.Add(time.Duration(i) * 40 * time.Microsecond),
		}
	}
	return all
}

// order has the fields of the orders' JSON and more: sixteen fields and a nested list. With its tags both writers make the same columns.
type order struct {
	ID       string    `json:"id" parquet:"id,plain"`
	Created  time.Time `json:"created" parquet:"created,timestamp(microsecond),delta"`
	Customer string    `json:"customer" parquet:"customer"`
	Region   string    `json:"region" parquet:"region,dict"`
	Status   string    `json:"status" parquet:"status,dict"`
	Channel  string    `json:"channel" parquet:"channel,dict"`
	Currency string    `json:"currency" parquet:"currency,dict"`
	Items    []item    `json:"items" parquet:"items,list"`
	Total    float64   `json:"total" parquet:"total"`
	Cents    int64     `parquet:"cents,delta"`
	Count    int32     `parquet:"count,delta"`
	Express  bool      `parquet:"express"`
	Coupon   *string   `parquet:"coupon,optional,dict"`
	Discount *float64  `parquet:"discount,optional"`
	Stream   string    `parquet:"stream,dict"`
	Sequence int64     `parquet:"sequence,delta"`
}

type item struct {
	SKU   string  `json:"sku" parquet:"sku,dict"`
	Count int32   `json:"count" parquet:"count,delta"`
	Price float64 `json:"price" parquet:"price"`
}

// typedOrders decodes messages.
func typedOrders(messages []*message) ([]order, error) {
	all := make([]order, len(messages))
	for i, m := range messages {
		o := &all[i]
		if err := json.Unmarshal(m.Data, o); err != nil {
			return nil, fmt.Errorf("order %d: %w", i, err)
		}
		for _, item := range o.Items {
			o.Count += item.Count
		}
		o.Cents, o.Stream, o.Sequence = int64(o.Total*100), m.Stream, int64(m.StreamSeq)
		o.Express = i%7 == 0
		if i%5 == 0 {
			coupon, discount := "C"+strings.Repeat("x", i%10), float64(i%50)/100
			o.Coupon, o.Discount = &coupon, &discount
		}
	}
	return all, nil
}

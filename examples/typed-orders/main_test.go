package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/schematest"
)

func TestOrdersCanBeReadTogetherWithOlderFiles(t *testing.T) {
	s, err := schema.Of[Order]()
	if err != nil {
		t.Fatal(err)
	}
	schematest.Golden(t, "testdata/order.schema.json", s)
}

func TestDuckDBReadsOrdersAsTheyWere(t *testing.T) {
	const n = 2_000
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream("ORDERS", "orders.>")
	s.Publish(n, func(i int) *nats.Msg {
		total := fmt.Sprintf("%d.%02d", i, i%100)
		if i%1000 == 999 {
			total = "0.001" // has no place in the column: a dead letter
		}
		return &nats.Msg{
			Subject: "orders.new", Header: nats.Header{"Shop": {fmt.Sprint(i % 7)}},
			Data: fmt.Appendf(nil, `{"id":"o-%d","customer":"c","region":"%s","status":"paid","placed":"2026-11-23T13:00:00.%03d+01:00",
				"total":%s,"subject":"evil",
				"items":[{"article":"hat","quantity":1,"price":0.1},{"article":"shoe","quantity":2,"price":20}]}`,
				i, []string{"eu", "us"}[i%2], i%1000, total),
		}
	})
	if err := run(s.URL(), dir); err != nil {
		t.Fatal(err)
	}

	duck := formattest.DuckDB(t)
	files := formattest.Quote(filepath.Join(dir, "region=*", "**", "*.parquet"))
	lake := " from read_parquet(" + files + ", hive_partitioning = true)"
	items := " from (select stream_seq, region, unnest(items, recursive := true)" + lake + ")"
	for sql, want := range map[string]int64{
		"select count(*)" + lake: n - 2,
		"select count(*)" + lake + " where id = 'o-' || (stream_seq - 1) and region = ['us', 'eu'][1 + stream_seq % 2]": n - 2,
		"select count(*)" + lake + " where subject = 'orders.new' and stream = 'ORDERS'":                                n - 2,
		"select count(*)" + lake + " where headers = map {'Shop': [((stream_seq - 1) % 7)::varchar]}":                   n - 2,
		"select count(*)" + lake + " where abs(epoch(now()) - epoch(timestamp)) < 3600 and note is null":                n - 2,
		"select count(*)" + lake + " where total = (stream_seq - 1) + ((stream_seq - 1) % 100)::decimal(18,2) / 100":    n - 2,
		"select count(*)" + lake + " where epoch_ms(placed) = 1795435200000 + (stream_seq - 1) % 1000":                  n - 2,
		"select count(*)" + items: 2 * (n - 2),
		"select (100 * sum(quantity * price))::bigint" + items + " where region = 'eu'":                         n / 2 * 4010,
		"select count(*) from glob(" + formattest.Quote(filepath.Join(dir, "_deadletter", "**", "*")) + ")":     1,
		"select count(*) from parquet_bloom_probe(" + files + ", 'id', 'o-17') where not bloom_filter_excludes": 1,
	} {
		if got := duck.QueryInt(sql); got != want {
			t.Errorf("%s\n= %d, want %d", sql, got, want)
		}
	}
	types := duck.Query("select column_type from (describe select placed, total, timestamp, items" + lake + ")")
	for i, want := range []string{
		"TIMESTAMP WITH TIME ZONE", "DECIMAL(18,2)", "TIMESTAMP WITH TIME ZONE",
		"STRUCT(article VARCHAR, quantity INTEGER, price DECIMAL(18,2))[]",
	} {
		if got := types.Values[i][0]; got != want {
			t.Errorf("column %d is %v, want %s", i, got, want)
		}
	}
}

package main

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

func TestDuckDBSumsWhatWasSold(t *testing.T) {
	const n = 2_000
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream("ORDERS", "orders.>")
	s.Publish(n, func(i int) *nats.Msg {
		order := Order{
			ID: time.Unix(int64(i), 0).UTC().Format("150405"), Customer: "c", Region: []string{"eu", "us"}[i%2],
			Placed: time.Unix(int64(i), 0), Items: []Item{{"hat", 1, 10}, {"shoe", 2, 20}},
		}
		data, err := json.Marshal(order)
		if err != nil {
			t.Fatal(err)
		}
		return &nats.Msg{Subject: "orders.new", Data: data}
	})
	if err := run(s.URL(), dir); err != nil {
		t.Fatal(err)
	}
	duck := formattest.DuckDB(t)
	rows := duck.Query(`select region, sum(i.quantity * i.price)
		from (select region, unnest(items) i from read_parquet('` + filepath.Join(dir, "**", "*.parquet") + `', hive_partitioning = true, hive_types_autocast = false))
		group by region order by region`)
	if len(rows.Values) != 2 {
		t.Fatalf("rows %v", rows.Values)
	}
	for i, region := range []string{"eu", "us"} {
		if got := rows.Values[i]; got[0] != region || got[1] != float64(n/2*50) {
			t.Errorf("row %v, want %s and %d", got, region, n/2*50)
		}
	}
}

package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/s3store"
)

// TestDuckDBReadsWhatIsInTheBucket runs the query that the program prints over the gateway's files, as httpfs, which would
// read them through the gateway, has to be downloaded.
func TestDuckDBReadsWhatIsInTheBucket(t *testing.T) {
	const n = 2_000
	s, server := capturetest.Start(t), cloudtest.Versity(t)
	s.Stream("ORDERS", "orders.>")
	s.Publish(n, func(i int) *nats.Msg {
		order := Order{ID: "o", Customer: "c", Region: []string{"eu", "us"}[i%2], Placed: time.Unix(int64(i), 0), Total: float64(i)}
		data, err := json.Marshal(order)
		if err != nil {
			t.Fatal(err)
		}
		return &nats.Msg{Subject: "orders.new", Data: data}
	})
	where := s3store.Options{Bucket: server.Bucket(t), Prefix: "some/orders", PathStyle: true, Config: server.Config()}
	bucket, err := s3store.New(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Probe(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	options, err := ordersTo(bucket)
	if err != nil {
		t.Fatal(err)
	}
	if err := options.Build().Run(t.Context(), s.Connect()); err != nil {
		t.Fatal(err)
	}

	_, question, _ := strings.Cut(query(where), ");\n")
	question = strings.Replace(question, "s3://", filepath.ToSlash(server.Folder)+"/", 1)
	rows := formattest.DuckDB(t).Query(question)
	if len(rows.Values) != 2 {
		t.Fatalf("rows %v", rows.Values)
	}
	for i, region := range []string{"eu", "us"} {
		sum := float64(n/2*(n/2-1) + i*n/2)
		if got := rows.Values[i]; got[0] != region || got[1] != int64(n/2) || got[2] != sum {
			t.Errorf("row %v, want %s, %d and %v", got, region, n/2, sum)
		}
	}
}

func TestQueryNamesTheServerAndNoSecret(t *testing.T) {
	got := query(s3store.Options{Bucket: "lake", Prefix: "it's", Region: "r", Endpoint: "http://user:secret@127.0.0.1:9000", PathStyle: true})
	for _, words := range []string{
		"TYPE s3, PROVIDER credential_chain, REGION 'r', ENDPOINT '127.0.0.1:9000', USE_SSL false, URL_STYLE 'path', SCOPE 's3://lake'",
		"read_parquet('s3://lake/it''s/**/*.parquet', hive_partitioning = true, hive_types_autocast = false)",
	} {
		if !strings.Contains(got, words) {
			t.Errorf("%q is not in\n%s", words, got)
		}
	}
	if strings.Contains(got, "secret@") {
		t.Error(got)
	}
	if got := query(s3store.Options{Bucket: "lake", Endpoint: "https://r2.example.com"}); !strings.Contains(got, "ENDPOINT 'r2.example.com', USE_SSL true, SCOPE") {
		t.Error(got)
	}
}

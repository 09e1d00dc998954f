package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
	"github.com/jetcapture/lake/store/cloudtest"
)

// TestDuckDBReadsWhatIsInTheContainer runs the query that the program prints over copies of the blobs, as DuckDB's azure
// extension, which would read them where they are, has to be downloaded.
func TestDuckDBReadsWhatIsInTheContainer(t *testing.T) {
	const n = 2_000
	s, server := capturetest.Start(t), cloudtest.Azure(t)
	s.Stream("ORDERS", "orders.>")
	s.Publish(n, func(i int) *nats.Msg {
		order := Order{ID: "o", Customer: "c", Region: []string{"eu", "us"}[i%2], Placed: time.Unix(int64(i), 0), Total: float64(i)}
		data, err := json.Marshal(order)
		if err != nil {
			t.Fatal(err)
		}
		return &nats.Msg{Subject: "orders.new", Data: data}
	})
	t.Setenv("AZURE_STORAGE_CONNECTION_STRING", server.ConnectionString())
	where := azurestore.Options{Container: server.Container(t), Prefix: "some/orders"}
	bucket, err := azurestore.New(where)
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

	dir := t.TempDir()
	download(t, bucket, filepath.Join(dir, where.Container, where.Prefix))
	_, question, _ := strings.Cut(query(where, true), ");\n")
	question = strings.Replace(question, "az://", filepath.ToSlash(dir)+"/", 1)
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

// download copies all blobs below dir.
func download(t *testing.T, bucket store.Bucket, dir string) {
	t.Helper()
	for object, err := range bucket.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(object.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		blob, err := bucket.Open(t.Context(), object.Name, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(blob)
		if err != nil {
			t.Fatal(err)
		}
		if err := blob.Close(); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestQueryNamesThePlaceAndNoSecret(t *testing.T) {
	o := azurestore.Options{Account: "acc", Container: "lake", Prefix: "/it's/", SharedKey: "SECRET"}
	got := query(o, false)
	for _, words := range []string{
		"(TYPE azure, PROVIDER credential_chain, ACCOUNT_NAME 'acc')",
		"read_parquet('az://lake/it''s/**/*.parquet', hive_partitioning = true, hive_types_autocast = false)",
	} {
		if !strings.Contains(got, words) {
			t.Errorf("%q is not in\n%s", words, got)
		}
	}
	if got += query(o, true); strings.Contains(got, "SECRET'") || !strings.Contains(got, "(TYPE azure, CONNECTION_STRING 'paste") {
		t.Error(got)
	}
}

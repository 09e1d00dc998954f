package main

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

func TestEveryRegionGetsItsPeople(t *testing.T) {
	const n = 3_000
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream("PEOPLE", "people.>")
	s.Publish(n, func(i int) *nats.Msg {
		return &nats.Msg{Subject: "people.new", Data: fmt.Appendf(nil, `{"first_name":"f%d","last_name":"l","region":"r%d"}`, i, i%3)}
	})
	if err := run(s.URL(), dir); err != nil {
		t.Fatal(err)
	}
	duck := formattest.DuckDB(t)
	for r := range 3 {
		glob := filepath.Join(dir, fmt.Sprintf("r%d", r), "**", "*.csv.gz")
		got := duck.QueryInt(fmt.Sprintf(`select count(distinct first_name) from read_csv('%s') where region = 'r%d'`, glob, r))
		if got != n/3 {
			t.Errorf("region r%d has %d people, want %d", r, got, n/3)
		}
	}
}

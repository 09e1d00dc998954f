package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/cmd/jc-parquet/internal/docs"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// manualOrders returns orders.yaml as the manual has it.
func manualOrders(t *testing.T) string {
	t.Helper()
	blocks, err := docs.Blocks("cmd/jc-parquet/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		if strings.HasPrefix(b.Text, "# orders.yaml\n") {
			return b.Text
		}
	}
	t.Fatal("the manual has no orders.yaml")
	return ""
}

type manualOrder struct {
	Order   map[string]any   `json:"order"`
	Placed  time.Time        `json:"placed"`
	Shipped any              `json:"shipped"`
	Total   any              `json:"total"`
	Items   []map[string]any `json:"items"`
}

// goOrders are orders as encoding/json writes them: times with nanoseconds and a zone, decimals as numbers and text.
func goOrders(t *testing.T, n int) (lines []string) {
	t.Helper()
	zone := time.FixedZone("", 2*60*60)
	for i := range n {
		at := time.Date(2026, 11, 23, 12, 15, i%60, 123_456_789, zone)
		id := []any{int64(1<<62) + int64(i), json.Number(fmt.Sprint(int64(1<<62) + int64(i))), fmt.Sprint(int64(1<<62) + int64(i))}[i%3]
		o := manualOrder{
			Order: map[string]any{"id": id}, Placed: at, Shipped: []any{at, at.UnixMilli()}[i%2], Total: []any{json.Number("12.50"), "12.50", 12.5}[i%3],
			Items: []map[string]any{{"sku": "x"}},
		}
		line, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	return lines
}

// jsOrders are orders as JavaScript writes them.
func jsOrders(t *testing.T, n int) []string {
	t.Helper()
	const script = `for (let i = 0; i < +process.argv[1]; i++) {
		const at = new Date(Date.UTC(2026, 10, 23, 10, 15, i % 60, 123))
		console.log(JSON.stringify({order: {id: [i, String(2n ** 62n + BigInt(i))][i % 2]}, placed: at, shipped: [at, at.getTime()][i % 2],
			total: [12.5, (12.5).toFixed(2), 10 + 2.5][i % 3], items: [{sku: 'x'}]}))
	}`
	out, err := exec.Command("node", "-e", script, fmt.Sprint(n)).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func TestColumnsOfTheManualTakeWhatGoAndJavaScriptWrite(t *testing.T) {
	db := formattest.DuckDB(t)
	const n = 300
	lines := append(goOrders(t, n), jsOrders(t, n)...)
	lines = append(lines, `{"order": {"id": 7}, "placed": null, "shipped": null, "total": null, "items": null}`) // the only nulls
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream("SALES", "sales.>")
	s.Publish(len(lines), func(i int) *nats.Msg { return &nats.Msg{Subject: "sales.eu", Data: []byte(lines[i])} })
	_, stderr := archiveSales(t, s, dir, "--columns", write(t, "orders.yaml", manualOrders(t)))
	if strings.Contains(stderr, "misfits") || strings.Contains(stderr, "does not fit") {
		t.Errorf("the log tells of values that do not fit:\n%s", stderr)
	}
	db.Query("create view orders as from read_parquet(" + formattest.Quote(dir+"/**/*.parquet") + ")")
	for sql, want := range map[string]string{
		`select count(*), count(id), count(placed), count(shipped), count(total), count(_rest) from orders`:     fmt.Sprint(2*n+1, 2*n+1, 2*n, 2*n, 2*n, 1),
		`select sum(total)::varchar from orders`:                                                                fmt.Sprintf("%d.00", 25*n),
		`select count(*) from orders where id > 4611686018427387903`:                                            fmt.Sprint(n + n/2),
		`select distinct microsecond(placed) % 1000000 from orders where placed is not null order by 1 limit 1`: "123000",
		`select max(microsecond(placed) % 1000000) from orders`:                                                 "123456",
		`select count(*) from orders where date_trunc('millisecond', placed) = shipped`:                         fmt.Sprint(2 * n),
		`select count(*) from orders where items->>'$[0].sku' = 'x'`:                                            fmt.Sprint(2 * n),
		`select placed::varchar from orders order by stream_seq limit 1`:                                        "2026-11-23 10:15:00.123456+00",
	} {
		if got := strings.TrimSuffix(fmt.Sprintln(db.Query(sql).Values[0]...), "\n"); got != want {
			t.Errorf("%s\nis %s, want %s", sql, got, want)
		}
	}
}

package jsoncolumns_test

import (
	"bufio"
	"bytes"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/schema/jsoncolumns"
)

// A jsonLine is a line of a file of newline-delimited JSON.
type jsonLine struct {
	number uint64
	text   []byte
}

// Raw returns the line as a message: its place in the file is the sequence.
func (l jsonLine) Raw() format.RawMessage {
	return format.RawMessage{Subject: "orders", StreamSeq: l.number, Timestamp: time.Unix(1_800_000_000, 0), Data: l.text}
}

// A file of JSON lines becomes a Parquet file, by a list of columns.
func Example() {
	const columnsFile = `
- {name: id, path: order.id, type: int64, nullable: false}
- {name: placed, type: timestamp}
- {name: total, type: "decimal(18,2)"}
`
	const lines = `{"order": {"id": 7}, "placed": "2026-11-23T12:15:00Z", "total": 12.50}
{"order": {"id": 8}, "placed": "2026-11-23T12:16:00Z", "total": "a lot"}
{"order": {}}
`
	list, err := jsoncolumns.Parse("columns.yaml", []byte(columnsFile))
	if err != nil {
		log.Fatal(err) // a line for each problem
	}
	plan, err := jsoncolumns.New[jsonLine](list, jsoncolumns.Options{})
	if err != nil {
		log.Fatal(err)
	}
	newWriter, err := parquet.PlanWriters(plan, parquet.Options{})
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	w := newWriter()
	if err := w.InitNew(&file); err != nil {
		log.Fatal(err)
	}
	scanner := bufio.NewScanner(strings.NewReader(lines))
	for number := uint64(1); scanner.Scan(); number++ {
		if _, err := w.Write(jsonLine{number, scanner.Bytes()}); err != nil {
			fmt.Println("line", number, "is rejected:", err)
		}
	}
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
	info, err := parquet.Inspect(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range info.RowGroups[0].Columns[len(info.RowGroups[0].Columns)-4:] {
		fmt.Println(c.Path, c.Values, "values,", c.Nulls, "null")
	}
	for _, count := range plan.Counts().Misfits() {
		fmt.Println(count.Column, "has", count.Misfits, "misfit:", count.First.Example, "-", count.First.Hint)
	}
	// Output:
	// line 3 is rejected: column id: the payload has no value, or several, at order.id, and nullable is false
	// [id] 2 values, 0 null
	// [placed] 2 values, 0 null
	// [total] 2 values, 1 null
	// [_rest] 2 values, 1 null
	// total has 1 misfit: "a lot" - write string
}

// Infer makes a list of columns of some payloads.
func ExampleInferrer() {
	in := jsoncolumns.NewInferrer()
	in.Add([]byte(`{"order": {"id": 7}, "placed": "2026-11-23T12:15:00Z", "rush": true}`))
	in.Add([]byte(`{"order": {"id": 8}, "placed": "2026-11-23T12:16:00Z"}`))
	fmt.Printf("%s", jsoncolumns.Text(in.Infer().Columns, "columns of orders"))
	// Output:
	// # columns of orders
	// - name: order_id
	//   path: order.id
	//   type: int64
	// - name: placed
	//   type: timestamp
	// - name: rush
	//   type: bool
}

package arrow_test

import (
	"bytes"
	"fmt"
	"log"
	"time"

	"github.com/apache/arrow/go/v17/arrow/ipc"

	"github.com/jetcapture/lake/format/arrow"
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

type Reading struct {
	Sensor string            `json:"sensor"`
	At     time.Time         `json:"at"`
	Value  *float64          `json:"value"` // null if the sensor was silent
	Labels map[string]string `json:"labels"`
}

func ExampleWriters() {
	newWriter, err := arrow.Writers[*Reading](arrow.Options{}) // a capture's WriterFactory
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	w := newWriter()
	_ = w.InitNew(&file)
	value := 21.5
	_, _ = w.Write(&Reading{Sensor: "roof", At: time.Unix(1_800_000_000, 0), Value: &value})
	_, _ = w.Write(&Reading{Sensor: "cellar", At: time.Unix(1_800_000_001, 0), Labels: map[string]string{"floor": "-1"}})
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}

	r, err := ipc.NewFileReader(bytes.NewReader(file.Bytes()))
	if err != nil {
		log.Fatal(err)
	}
	batch, err := r.Record(0)
	if err != nil {
		log.Fatal(err)
	}
	for i, column := range batch.Columns() {
		fmt.Println(batch.ColumnName(i), column.DataType(), column)
	}
	// Output:
	// sensor utf8 ["roof" "cellar"]
	// at timestamp[us, tz=UTC] [1800000000000000 1800000001000000]
	// value float64 [21.5 (null)]
	// labels map<utf8, utf8, items_non_nullable> [(null) {["floor"] ["-1"]}]
}

func ExampleSchema() {
	s, err := schema.Of[Reading]()
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range arrow.Schema(s).Fields() {
		id, _ := f.Metadata.GetValue("PARQUET:field_id")
		fmt.Println(id, f.Name, f.Type, f.Nullable)
	}
	// Output:
	// 1 sensor utf8 false
	// 2 at timestamp[us, tz=UTC] false
	// 3 value float64 true
	// 4 labels map<utf8, utf8, items_non_nullable> true
}

// The rows of a message's readings, all of them or none.
func ExamplePlanWriters() {
	type message struct {
		Sensor   string
		Readings []float64
	}
	s, err := schema.Of[Reading]()
	if err != nil {
		log.Fatal(err)
	}
	each, err := columns.Compile[Reading](s)
	if err != nil {
		log.Fatal(err)
	}
	newWriter, err := arrow.PlanWriters(columns.Rows(each, func(m message) []Reading {
		var rows []Reading
		for i := range m.Readings {
			rows = append(rows, Reading{Sensor: m.Sensor, Value: &m.Readings[i]})
		}
		return rows
	}), arrow.Options{Stream: true})
	if err != nil {
		log.Fatal(err)
	}
	w := newWriter()
	_ = w.InitNew(new(bytes.Buffer))
	rows, err := w.Write(message{"roof", []float64{20, 20.5, 21}})
	fmt.Println(rows, err, w.Flush())
	// Output:
	// 3 <nil> <nil>
}

package parquet_test

import (
	"bytes"
	"fmt"
	"log"
	"time"

	"github.com/jetcapture/lake/format/parquet"
)

type Reading struct {
	Sensor string    `json:"sensor" parquet:",dict"`
	At     time.Time `json:"at"`
	Value  *float64  `json:"value"` // null if the sensor was silent
}

func ExampleWriters() {
	newWriter, err := parquet.Writers[*Reading](parquet.Options{}) // a capture's WriterFactory
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	w := newWriter()
	_ = w.InitNew(&file)
	value := 21.5
	_, _ = w.Write(&Reading{Sensor: "roof", At: time.Unix(1_800_000_000, 0), Value: &value})
	_, _ = w.Write(&Reading{Sensor: "cellar", At: time.Unix(1_800_000_001, 0)})
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}

	info, err := parquet.Inspect(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(info.Schema)
	for _, c := range info.RowGroups[0].Columns {
		fmt.Println(c.Path, c.Values, "values,", c.Nulls, "null, from", c.Min, "to", c.Max)
	}
	// Output:
	// message Reading {
	//   required binary sensor (STRING) = 1;
	//   required int64 at (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS)) = 2;
	//   optional double value = 3;
	// }
	// [sensor] 2 values, 0 null, from cellar to roof
	// [at] 2 values, 0 null, from 2027-01-15 08:00:00 +0000 UTC to 2027-01-15 08:00:01 +0000 UTC
	// [value] 2 values, 1 null, from 21.5 to 21.5
}

func ExampleWriters_refused() {
	type Event struct {
		Name    string
		Details any
	}
	_, err := parquet.Writers[Event](parquet.Options{})
	fmt.Println(err)
	// Output:
	// schema of parquet_test.Event: Event.Details: interface {} may hold values of any type, so it has no column: take a type that is one, or make it JSON with a tag `parquet:",json"` or AnyAsJSON
}

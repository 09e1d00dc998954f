package format_test

import (
	"fmt"
	"os"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

func ExampleCSV() {
	type Order struct {
		ID    string    `json:"id"`
		At    time.Time `json:"at"`
		Price int64     `json:"price" parquet:"price,decimal(2:9)"`
		Note  *string   `json:"note"`
		Tags  []string  `json:"tags"`
	}
	writers, err := format.CSV[Order]()
	if err != nil {
		fmt.Println(err)
		return
	}
	w := writers()
	if err := w.InitNew(os.Stdout); err != nil {
		fmt.Println(err)
		return
	}
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, order := range []Order{
		{"a", at, 1250, new("no rush"), []string{"new", "paid"}},
		{"b", at, -5, nil, nil},
	} {
		if _, err := w.Write(order); err != nil {
			fmt.Println(err)
		}
	}
	if err := w.Flush(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// id,at,price,note,tags
	// a,2026-11-23T12:00:00.000000Z,12.50,no rush,"[""new"",""paid""]"
	// b,2026-11-23T12:00:00.000000Z,-0.05,,
}

// A message of several readings becomes a row for each of them.
func ExamplePlanNDJSON() {
	type Row struct {
		Device string  `json:"device"`
		Value  float64 `json:"value"`
	}
	type Message struct {
		Device string
		Values []float64
	}
	s, err := schema.Of[Row]()
	if err != nil {
		fmt.Println(err)
		return
	}
	row, err := columns.Compile[Row](s)
	if err != nil {
		fmt.Println(err)
		return
	}
	writers, err := format.PlanNDJSON(columns.Rows(row, func(m Message) (rows []Row) {
		for _, v := range m.Values {
			rows = append(rows, Row{m.Device, v})
		}
		return rows
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	w := writers()
	if err := w.InitNew(os.Stdout); err != nil {
		fmt.Println(err)
		return
	}
	n, err := w.Write(Message{"boiler", []float64{71, 71.5}})
	fmt.Println(n, "rows", err)
	if err := w.Flush(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 2 rows <nil>
	// {"device":"boiler","value":71.0}
	// {"device":"boiler","value":71.5}
}

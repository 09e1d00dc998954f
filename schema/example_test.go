package schema_test

import (
	"fmt"
	"log"
	"time"

	"github.com/jetcapture/lake/schema"
)

type Item struct {
	SKU   string `json:"sku"`
	Cents int64  `json:"price" parquet:"price,decimal(2:18)"`
}

type Order struct {
	ID    uint64    `json:"id"`
	At    time.Time `json:"at"`
	Note  *string   `json:"note"`
	Items []Item    `json:"items"`
}

func Example() {
	s, err := schema.Of[Order]()
	if err != nil {
		log.Fatal(err) // with all that is wrong in the type
	}
	fmt.Print(s)
	// Output:
	// 1  id         uint64
	// 2  at         timestamp(micros)
	// 3  note       string                          null
	// 4  items      list                            null
	// 5    element  struct
	// 6      sku    string
	// 7      price  decimal(precision 18, scale 2)
}

func ExampleCompare() {
	type before struct {
		ID   int32  `json:"id"`
		Name string `json:"name"`
	}
	type after struct {
		ID     int64   `json:"id"`
		Name   int64   `json:"name"`
		Source *string `json:"source"`
	}
	old, err := schema.Of[before]()
	if err != nil {
		log.Fatal(err)
	}
	s, err := schema.Of[after]()
	if err != nil {
		log.Fatal(err)
	}
	for _, change := range schema.Compare(old, s) {
		fmt.Println(change)
	}
	// Output:
	// id: widening: int64, was int32
	// name: breaking: int64, was string: keep the type, or give the new one a column of another name
	// source: compatible: added
}

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

	plan, err := schema.Compile[Order](s)
	if err != nil {
		log.Fatal(err)
	}
	columns := s.NewColumns()
	for _, order := range []Order{
		{ID: 1, Items: []Item{{"apple", 120}, {"pear", 250}}},
		{ID: 2},
	} {
		if _, err := plan.Append(columns, order); err != nil {
			log.Print(err) // this order is rejected, the others stay
		}
	}
	for i := range columns.Len() {
		if leaf := columns.Leaf(i); leaf.Node().Name() == "price" {
			fmt.Printf("%d %d %d\n", leaf.Int64s(), leaf.Definitions(), leaf.Repetitions())
		}
	}
	// Output:
	// 1  id         uint64
	// 2  at         timestamp(micros)
	// 3  note       string                          null
	// 4  items      list                            null
	// 5    element  struct
	// 6      sku    string
	// 7      price  decimal(precision 18, scale 2)
	// [120 250] [2 2 0] [0 1 0]
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

func ExampleColumns_AppendRow() {
	s, err := schema.New(
		schema.Field{Name: "id", Type: schema.Type{Kind: schema.Int64}},
		schema.Field{Name: "price", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}, Nullable: true},
	)
	if err != nil {
		log.Fatal(err) // with all that is wrong in the fields
	}
	columns := s.NewColumns()
	for _, price := range []string{"1.20", "", "2.505"} {
		if _, err := columns.AppendRow(func(r *schema.Row) error {
			if err := r.Int(0, int64(columns.Rows())); err != nil {
				return err
			}
			if price == "" {
				return r.Null(1)
			}
			return r.Decimal(1, price)
		}); err != nil {
			fmt.Println(err) // this row is rejected, the others stay
		}
	}
	fmt.Println(columns.Rows(), columns.Leaf(0).Int64s(), columns.Leaf(1).Int64s())
	// Output:
	// column price: 2505e-3 has more digits behind the point than decimal(precision 18, scale 2): round it before
	// 2 [0 1] [120]
}

func ExampleRows() {
	s, err := schema.Of[Item]()
	if err != nil {
		log.Fatal(err)
	}
	plan, err := schema.Compile[Item](s)
	if err != nil {
		log.Fatal(err)
	}
	items := schema.Rows(plan, func(order Order) []Item { return order.Items })
	columns := s.NewColumns()
	fmt.Println(items.Append(columns, Order{ID: 1, Items: []Item{{"apple", 120}, {"pear", 250}}}))
	fmt.Println(items.Append(columns, Order{ID: 2, Items: []Item{{"fig", 90}, {"\xff", 1}}})) // neither of them
	// Output:
	// 2 <nil>
	// 0 row 1 of the payload: column sku: "\xff" is not UTF-8
}

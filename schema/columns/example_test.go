package columns_test

import (
	"fmt"
	"log"
	"time"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
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
	plan, err := columns.Compile[Order](s)
	if err != nil {
		log.Fatal(err)
	}
	rows := columns.New(s)
	for _, order := range []Order{
		{ID: 1, Items: []Item{{"apple", 120}, {"pear", 250}}},
		{ID: 2},
	} {
		if _, err := plan.Append(rows, order); err != nil {
			log.Print(err) // this order is rejected, the others stay
		}
	}
	for i := range rows.Len() {
		if leaf := rows.Leaf(i); leaf.Node().Name() == "price" {
			fmt.Printf("%d %d %d\n", leaf.Int64s(), leaf.Definitions(), leaf.Repetitions())
		}
	}
	// Output:
	// [120 250] [2 2 0] [0 1 0]
}

func ExampleColumns_AppendRow() {
	s, err := schema.New(
		schema.Field{Name: "id", Type: schema.Type{Kind: schema.Int64}},
		schema.Field{Name: "price", Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}, Nullable: true},
	)
	if err != nil {
		log.Fatal(err) // with all that is wrong in the fields
	}
	rows := columns.New(s)
	for _, price := range []string{"1.20", "", "2.505"} {
		if _, err := rows.AppendRow(func(r *columns.Row) error {
			if err := r.Int(0, int64(rows.Rows())); err != nil {
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
	fmt.Println(rows.Rows(), rows.Leaf(0).Int64s(), rows.Leaf(1).Int64s())
	// Output:
	// column price: 2505e-3 has more digits behind the point than decimal(precision 18, scale 2): round it before
	// 2 [0 1] [120]
}

func ExampleRows() {
	s, err := schema.Of[Item]()
	if err != nil {
		log.Fatal(err)
	}
	plan, err := columns.Compile[Item](s)
	if err != nil {
		log.Fatal(err)
	}
	items := columns.Rows(plan, func(order Order) []Item { return order.Items })
	rows := columns.New(s)
	fmt.Println(items.Append(rows, Order{ID: 1, Items: []Item{{"apple", 120}, {"pear", 250}}}))
	fmt.Println(items.Append(rows, Order{ID: 2, Items: []Item{{"fig", 90}, {"\xff", 1}}})) // neither of them
	// Output:
	// 2 <nil>
	// 0 row 1 of the payload: column sku: "\xff" is not UTF-8
}

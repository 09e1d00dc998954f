// Package columns holds rows as columns until they are encoded. A value in them is always the value in Go; a payload is
// appended whole or not at all.
//
//	schema.Schema → Compile → Plan → Append(value) → Columns → Leaf → an encoder of Parquet, Arrow or CSV
//
// A Plan appends Go values. It is compiled once from a schema of package schema, and needs no reflection for a row. Rows makes
// several rows of one payload. Columns.AppendRow appends rows without a Go type, column by column. Columns hold the values of
// each leaf one behind the other, with the definition and repetition levels that Dremel, and so Parquet, has for nested ones.
//
// # Limits
//
// A value has at most MaxValue bytes, and a leaf at most MaxLeaf: when Append returns ErrFull, encode the Columns, Reset them
// and append the payload again. Columns are for one goroutine at a time; a Plan may append to different Columns at once.
//
//	plan, err := columns.PlanOf[Order]()
//	if err != nil {
//		return err // all that is wrong with the type
//	}
//	rows := columns.New(plan.Schema())
//	for _, order := range orders {
//		if _, err := plan.Append(rows, order); err != nil {
//			log.Print(err) // this order is rejected, the others stay
//		}
//	}
//	leaf := rows.Leaf(0)
//	fmt.Println(leaf.Node().Name(), leaf.Int64s())
package columns

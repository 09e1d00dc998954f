package schematest_test

import (
	"testing"
	"time"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/schematest"
)

var t *testing.T // the argument of a test

func ExampleGolden() {
	type Order struct {
		ID string    `json:"id"`
		At time.Time `json:"at"`
	}
	s, err := schema.Of[Order]()
	if err != nil {
		t.Fatal(err)
	}
	schematest.Golden(t, "testdata/order.schema.json", s) // fails if a change breaks readers of older files
}

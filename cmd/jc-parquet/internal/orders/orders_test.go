package orders_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/jetcapture/lake/cmd/jc-parquet/internal/orders"
)

func TestOrdersAreTheSameEveryTime(t *testing.T) {
	a, b := orders.NewSequence(), orders.NewSequence()
	for i := range 1_000 {
		x, y := a.Next(), b.Next()
		if x.Subject != y.Subject || string(x.Data) != string(y.Data) || !maps.EqualFunc(x.Header, y.Header, slices.Equal) {
			t.Fatalf("order %d is %s %s %v once and %s %s %v then", i, x.Subject, x.Data, x.Header, y.Subject, y.Data, y.Header)
		}
	}
}

func TestOrdersLookLikeThoseOfAShop(t *testing.T) {
	const n = 10_000
	sequence := orders.NewSequence()
	bytes, withHeaders := 0, 0
	subjects := map[string]int{}
	for range n {
		msg := sequence.Next()
		bytes += len(msg.Data)
		subjects[msg.Subject]++
		if len(msg.Header) > 0 {
			withHeaders++
		}
		var order struct {
			ID, Region, Status string
			Total              float64
			Items              []struct {
				Count int
				Price float64
			}
		}
		if err := json.Unmarshal(msg.Data, &order); err != nil {
			t.Fatalf("%s: %v", msg.Data, err)
		}
		sum := 0.0
		for _, item := range order.Items {
			sum += float64(item.Count) * item.Price
		}
		if d := sum - order.Total; msg.Subject != "orders."+order.Region+"."+order.Status || d > 0.001 || d < -0.001 {
			t.Fatalf("the order on %s, of items for %.2f, is %s", msg.Subject, sum, msg.Data)
		}
	}
	if mean := bytes / n; mean < 240 || mean > 260 {
		t.Errorf("an order has %d bytes, want about 250", mean)
	}
	if withHeaders < n*45/100 || withHeaders > n*55/100 {
		t.Errorf("%d of %d have headers, want half", withHeaders, n)
	}
	if len(subjects) != 9 {
		t.Errorf("the subjects are %v", subjects)
	}
}

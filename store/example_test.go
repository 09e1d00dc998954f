package store_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jetcapture/lake/store"
)

func ExampleBlocks() {
	type key struct {
		Region string
		Tenant string `hive:"customer"`
	}
	lake := store.Blocks[key](store.NewMem(), nil)

	start := time.Date(2026, 11, 23, 12, 15, 0, 0, time.UTC)
	location, n, _, err := lake.Write(context.Background(), strings.NewReader("rows"), key{"eu", "ACME/Sons"}, store.HiveLayout(start), "0001.csv")
	fmt.Println(location, n, err)
	// Output: mem:///region=eu/customer=ACME%2FSons/date=2026-11-23/hour=12/0001.csv 4 <nil>
}

func ExampleOpen() {
	ctx := context.Background()
	bucket, err := store.Open(ctx, "mem://")
	if err != nil {
		panic(err)
	}
	for _, content := range []string{"first", "first", "second"} {
		_, err := bucket.Create(ctx, "orders/0001.csv", strings.NewReader(content), nil)
		fmt.Println(content, err)
	}
	// Output:
	// first <nil>
	// first <nil>
	// second create "orders/0001.csv" in memory: other content is there: file already exists
}

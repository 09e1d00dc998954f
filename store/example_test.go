package store_test

import (
	"context"
	"errors"
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

func ExampleProbe() {
	ctx := context.Background()
	lake, err := store.Open(ctx, "mem://") // or s3://…, with s3store.Driver()
	if err != nil {
		panic(err)
	}
	lake = store.Retry(store.Timeout(lake, store.TimeoutOptions{}), store.RetryOptions{Attempts: 3})
	switch err := store.Probe(ctx, lake); {
	case errors.Is(err, store.ErrNotCreateOnly):
		fmt.Println("only good for delivery at least once")
	case err != nil:
		fmt.Println("not ready:", err)
	default:
		fmt.Println("ready")
	}
	// Output: ready
}

func ExampleChoose() {
	type key struct{ Tenant, Region string }
	inRegions := func(bucket store.Bucket) store.BlockStore[key] {
		return store.Blocks(bucket, func(k key) (string, error) { return store.HivePart("region", k.Region), nil })
	}
	stores := map[string]store.BlockStore[key]{ // made once, as for a bucket of each tenant
		"acme": inRegions(store.NewMem()),
		"bmw":  inRegions(store.NewMem()),
	}
	deadLetters := inRegions(store.NewMem())
	lake := store.Choose(func(k key) (store.BlockStore[key], error) {
		if s, ok := stores[k.Tenant]; ok {
			return s, nil
		}
		return nil, store.Permanent(fmt.Errorf("no store for tenant %q", k.Tenant))
	}, deadLetters)

	for _, k := range []key{{"acme", "eu"}, {"nobody", "eu"}} {
		location, _, _, err := lake.Write(context.Background(), strings.NewReader("rows"), k, "", "0001.csv")
		fmt.Println(location, errors.Is(err, store.ErrDestKey))
	}
	// Output:
	// mem:///region=eu/0001.csv false
	//  true
}

func ExampleRetryOptions_WaitAfter() {
	busy := store.RetryAfter(errors.New("slow down"), 10*time.Second)
	wait := store.RetryOptions{FirstWait: time.Second, MaxWait: time.Minute}.WaitAfter(3, busy)
	fmt.Println(wait >= 12*time.Second, wait <= 14*time.Second) // 10 s, and 2 to 4 s, as it is the third failure
	// Output: true true
}

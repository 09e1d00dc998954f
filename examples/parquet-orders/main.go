// The parquet-orders example writes JSON orders as typed columns of Parquet, a folder for each region and day, and asks
// DuckDB what was sold:
//
//	select region, sum(i.quantity * i.price)
//	from (select region, unnest(items) i from read_parquet('lake/**/*.parquet', hive_partitioning = true, hive_types_autocast = false))
//	group by region;
package main

import (
	"context"
	"log"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/store"
)

// An Order is a message.
type Order struct {
	ID       string    `json:"id"`
	Customer string    `json:"customer"`
	Region   string    `json:"region" parquet:"-"` // a folder says it
	Placed   time.Time `json:"placed"`
	Items    []Item    `json:"items"`
	Note     *string   `json:"note"` // null where there is none
}

// An Item is what an order is of.
type Item struct {
	Article  string  `json:"article"`
	Quantity int64   `json:"quantity"`
	Price    float64 `json:"price"`
}

// A Region is what orders are split by: the folder region=….
type Region struct {
	Name string `hive:"region"`
}

// ordersTo writes orders below dir, an hour to a file.
func ordersTo(dir string) (*jetcapture.Options[*Order, Region], error) {
	writers, err := parquet.Writers[*Order](parquet.Options{})
	if err != nil {
		return nil, err
	}
	options := jetcapture.DefaultOptions[*Order, Region]()
	options.NATSStreamName = "ORDERS"
	options.NATSConsumerName = "lake"
	options.CreateConsumer = true
	options.MaxAge = time.Hour
	options.MessageDecoder = jetcapture.JSON(func(o *Order) Region { return Region{Name: o.Region} })
	options.WriterFactory = writers
	options.Suffix = "parquet"
	options.Store = store.Blocks[Region](store.NewDir(dir), nil)
	return options, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	options, err := ordersTo("lake")
	if err != nil {
		log.Fatal(err)
	}
	nc, err := nats.Connect(nats.DefaultURL, nats.MaxReconnects(-1))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	if err := options.Build().Run(ctx, nc); err != nil {
		log.Print(err)
	}
}

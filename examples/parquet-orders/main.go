// The parquet-orders example archives a stream of JSON orders in typed columns of Parquet, with a folder for each region and hour.
// DuckDB sums the sales:
//
//	select region, sum(i.quantity * i.price)
//	from (select region, unnest(items) i from read_parquet('lake/**/*.parquet', hive_partitioning = true, hive_types_autocast = false))
//	group by region;
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/store"
)

// An Order is a message.
type Order struct {
	ID       string    `json:"id"`
	Customer string    `json:"customer"`
	Region   string    `json:"region" parquet:"-"` // the folder has it
	Placed   time.Time `json:"placed"`
	Items    []Item    `json:"items"`
	Note     *string   `json:"note"` // null where there is none
}

// An Item is a line of an order.
type Item struct {
	Article  string  `json:"article"`
	Quantity int64   `json:"quantity"`
	Price    float64 `json:"price"`
}

// A Region is the destination key: the folder region=….
type Region struct {
	Name string `hive:"region"`
}

// ordersTo returns options that archive orders below dir, an hour to a file.
func ordersTo(dir string) (*jetcapture.Options[*Order, Region], error) {
	writers, err := parquet.Writers[*Order](parquet.Options{})
	if err != nil {
		return nil, err
	}
	options := jetcapture.DefaultOptions[*Order, Region]()
	options.NATSStreamName = "ORDERS"
	options.NATSConsumerName = "lake"
	options.CreateConsumer = true
	options.Delivery = jetcapture.ExactlyOnce
	options.UntilCaughtUp = true // Run returns once everything is stored; without it, when ctx ends
	options.MaxAge = time.Hour
	options.MessageDecoder = jetcapture.JSON(func(o *Order) Region { return Region{Name: o.Region} })
	options.WriterFactory = writers
	options.Suffix = "parquet"
	options.Store = store.Blocks[Region](store.NewDir(dir), nil)
	return options, nil
}

func main() {
	server := flag.String("server", nats.DefaultURL, "`URL` of NATS")
	flag.Parse()
	if err := run(*server, "lake"); err != nil {
		log.Fatal(err)
	}
}

// run archives what the stream has into dir.
func run(server, dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	logger, err := zap.NewDevelopment() // to stderr
	if err != nil {
		return err
	}
	options, err := ordersTo(dir)
	if err != nil {
		return err
	}
	options.Logger = logger
	nc, err := nats.Connect(server, nats.MaxReconnects(-1))
	if err != nil {
		return err
	}
	defer nc.Close()
	return options.Build().Run(ctx, nc)
}

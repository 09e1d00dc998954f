// The typed-orders example writes JSON orders as columns of Parquet that say what they are: decimals that are exact, times
// in milliseconds, who sent what and when by the stream's own account. There is a folder for each region and hour, and a
// test that fails when a change of Order would break the readers of older files.
//
//	select article, sum(quantity * price)
//	from (select unnest(items, recursive := true) from read_parquet('lake/**/*.parquet') where id = 'o-17')
//	group by article;
package main

import (
	"context"
	"encoding/json"
	"log"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/store"
)

// An Order is a message, and a row. The decoder fills Meta with the message's subject, stream, sequence, time and headers.
type Order struct {
	ID       string      `json:"id" lake:"bloom"` // one is found without reading the others
	Customer string      `json:"customer"`
	Region   string      `json:"region" parquet:"-"`           // a folder says it
	Status   string      `json:"status" parquet:"status,dict"` // few different ones
	Placed   time.Time   `json:"placed" parquet:"placed,timestamp(millisecond)"`
	Total    json.Number `json:"total" parquet:"total,decimal(2:18)"` // never a float: 0.1 is 0.10
	Items    []Item      `json:"items"`
	Note     *string     `json:"note"` // null where there is none
	jetcapture.Meta
}

// An Item is what an order is of.
type Item struct {
	Article  string      `json:"article" parquet:"article,dict"`
	Quantity int32       `json:"quantity"`
	Price    json.Number `json:"price" parquet:"price,decimal(2:18)"`
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

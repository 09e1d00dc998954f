// The azure example archives a stream of JSON orders in typed columns of Parquet in Azure Blob Storage, or in Azurite. It prints a query
// to paste into DuckDB:
//
//	az login
//	go run ./examples/azure -account ACCOUNT -container lake -prefix orders
//
// Other credentials come from AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, or where else
// package azurestore says. For Azurite, AZURE_STORAGE_CONNECTION_STRING with its BlobEndpoint is all that is needed.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
)

// An Order is a message, and a row.
type Order struct {
	ID       string    `json:"id"`
	Customer string    `json:"customer"`
	Region   string    `json:"region" parquet:"-"` // the folder has it
	Placed   time.Time `json:"placed"`
	Total    float64   `json:"total"`
}

// A Region is the destination key: the folder region=….
type Region struct {
	Name string `hive:"region"`
}

// ordersTo returns options that archive orders in bucket, a quarter of an hour to a file.
func ordersTo(bucket store.Bucket) (*jetcapture.Options[*Order, Region], error) {
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
	options.MessageDecoder = jetcapture.JSON(func(o *Order) Region { return Region{Name: o.Region} })
	options.WriterFactory = writers
	options.Suffix = "parquet"
	options.Store = store.Blocks[Region](bucket, nil)
	return options, nil
}

// query returns statements for DuckDB: a secret for the place, and a query. With connected the secret is the connection string of this
// program; otherwise DuckDB finds the credentials of az and other tools.
func query(o azurestore.Options, connected bool) string {
	secret := "PROVIDER credential_chain, ACCOUNT_NAME " + quote(o.Account)
	if connected {
		secret = "CONNECTION_STRING 'paste AZURE_STORAGE_CONNECTION_STRING here'"
	}
	place := "az://" + o.Container
	if o.Prefix != "" {
		place += "/" + strings.Trim(o.Prefix, "/")
	}
	return `INSTALL azure; LOAD azure;
CREATE OR REPLACE SECRET lake (TYPE azure, ` + secret + `);
SELECT region, count(*), sum(total)
FROM read_parquet(` + quote(place+"/**/*.parquet") + `, hive_partitioning = true, hive_types_autocast = false)
GROUP BY region ORDER BY region;`
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func main() {
	var o azurestore.Options
	flag.StringVar(&o.Account, "account", os.Getenv("AZURE_STORAGE_ACCOUNT"), "`name` of the storage account (or AZURE_STORAGE_ACCOUNT)")
	flag.StringVar(&o.Container, "container", os.Getenv("LAKE_CONTAINER"), "`name` of the container (or LAKE_CONTAINER)")
	flag.StringVar(&o.Prefix, "prefix", os.Getenv("LAKE_PREFIX"), "`folder` in it (or LAKE_PREFIX)")
	flag.StringVar(&o.Endpoint, "endpoint", "", "`URL` of the blob service, for other clouds")
	server := flag.String("server", nats.DefaultURL, "`URL` of NATS")
	flag.Parse()
	if err := run(o, *server); err != nil {
		log.Fatal(err)
	}
}

func run(o azurestore.Options, server string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	bucket, err := azurestore.New(o)
	if err != nil {
		return err
	}
	if err := store.Probe(ctx, bucket); err != nil { // fail now and not when the first file is stored
		return err
	}
	options, err := ordersTo(bucket)
	if err != nil {
		return err
	}
	if options.Logger, err = zap.NewDevelopment(); err != nil { // to stderr
		return err
	}
	nc, err := nats.Connect(server, nats.MaxReconnects(-1))
	if err != nil {
		return err
	}
	defer nc.Close()
	fmt.Println(query(o, os.Getenv("AZURE_STORAGE_CONNECTION_STRING") != ""))
	return options.Build().Run(ctx, nc)
}

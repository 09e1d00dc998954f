// The s3 example archives a stream of JSON orders in typed columns of Parquet in S3, or in MinIO, R2, Ceph and other servers of its
// protocol. It prints a query to paste into DuckDB:
//
//	export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…
//	go run ./examples/s3 -bucket lake -prefix orders -endpoint http://127.0.0.1:9000 -path-style
//
// Without -endpoint it uses AWS. Without keys in the environment it uses any other credentials that the AWS SDK finds.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/url"
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
	"github.com/jetcapture/lake/store/s3store"
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

// query returns statements for DuckDB: a secret for the place, and a query. DuckDB finds the same keys as this program.
func query(o s3store.Options) string {
	secret := []string{"TYPE s3", "PROVIDER credential_chain"}
	if o.Region != "" {
		secret = append(secret, "REGION "+quote(o.Region))
	}
	if u, err := url.Parse(o.Endpoint); err == nil && u.Host != "" {
		secret = append(secret, "ENDPOINT "+quote(u.Host), fmt.Sprintf("USE_SSL %t", u.Scheme == "https"))
	}
	if o.PathStyle {
		secret = append(secret, "URL_STYLE 'path'")
	}
	place := "s3://" + o.Bucket
	secret = append(secret, "SCOPE "+quote(place))
	if o.Prefix != "" {
		place += "/" + strings.Trim(o.Prefix, "/")
	}
	return `INSTALL httpfs; INSTALL aws; LOAD httpfs; LOAD aws;
CREATE OR REPLACE SECRET lake (` + strings.Join(secret, ", ") + `);
SELECT region, count(*), sum(total)
FROM read_parquet(` + quote(place+"/**/*.parquet") + `, hive_partitioning = true, hive_types_autocast = false)
GROUP BY region ORDER BY region;`
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func main() {
	var o s3store.Options
	flag.StringVar(&o.Bucket, "bucket", os.Getenv("LAKE_BUCKET"), "`name` of the bucket (or LAKE_BUCKET)")
	flag.StringVar(&o.Prefix, "prefix", os.Getenv("LAKE_PREFIX"), "`folder` in it (or LAKE_PREFIX)")
	flag.StringVar(&o.Region, "region", os.Getenv("AWS_REGION"), "`name` of its region (or AWS_REGION)")
	flag.StringVar(&o.Endpoint, "endpoint", os.Getenv("AWS_ENDPOINT_URL_S3"), "`URL` of a server other than AWS (or AWS_ENDPOINT_URL_S3)")
	flag.BoolVar(&o.PathStyle, "path-style", false, "the bucket in the path, not in the host, as MinIO wants it")
	server := flag.String("server", nats.DefaultURL, "`URL` of NATS")
	flag.Parse()
	if err := run(o, *server); err != nil {
		log.Fatal(err)
	}
}

func run(o s3store.Options, server string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	bucket, err := s3store.New(ctx, o)
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
	fmt.Println(query(o))
	return options.Build().Run(ctx, nc)
}

// The csv-by-region example archives a stream of JSON in gzipped CSV, with a folder for each region.
//
//	nats stream add PEOPLE --subjects 'people.>' --defaults
//	go run ./examples/csv-by-region
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/store"
)

// Person is a message.
type Person struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Region    string `json:"region"`
}

// byRegion writes what it captures to dir/<region>/date=…/hour=…/….csv.gz.
func byRegion(dir string) *jetcapture.Options[*Person, string] {
	return &jetcapture.Options[*Person, string]{
		NATSStreamName:   "PEOPLE",
		NATSConsumerName: "csv",
		CreateConsumer:   true,
		Delivery:         jetcapture.ExactlyOnce,
		UntilCaughtUp:    true, // Run returns once everything is stored; without it, when ctx ends
		Compression:      jetcapture.GZip,
		Suffix:           "csv", // and .gz, by the compression
		MaxAge:           time.Hour,

		MessageDecoder: func(msg *nats.Msg) (*Person, string, error) {
			var p Person
			if err := json.Unmarshal(msg.Data, &p); err != nil {
				return nil, "", err
			}
			return &p, p.Region, nil
		},
		WriterFactory: func() jetcapture.FormattedDataWriter[*Person] {
			return jetcapture.NewCSVWriter([]string{"first_name", "last_name", "region"}, func(p *Person) ([][]string, error) {
				return [][]string{{p.FirstName, p.LastName, p.Region}}, nil
			})
		},
		Store: store.Blocks[string](store.NewDir(dir), nil),
	}
}

func main() {
	server := flag.String("server", nats.DefaultURL, "`URL` of NATS")
	flag.Parse()
	if err := run(*server, "backup"); err != nil {
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
	options := byRegion(dir)
	options.Logger = logger
	nc, err := nats.Connect(server, nats.MaxReconnects(-1))
	if err != nil {
		return err
	}
	defer nc.Close()
	return options.Build().Run(ctx, nc)
}

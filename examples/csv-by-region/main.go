// The csv-by-region example decodes JSON messages, splits them by their region and writes each region's to a folder of
// its own, as gzipped CSV.
//
//	nats stream add PEOPLE --subjects 'people.>' --defaults
//	nats consumer add PEOPLE csv --pull --ack explicit --wait 2h --max-pending 200000 --defaults
//	go run ./examples/csv-by-region
package main

import (
	"context"
	"encoding/json"
	"log"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

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
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	nc, err := nats.Connect(nats.DefaultURL, nats.MaxReconnects(-1))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	if err := byRegion("backup").Build().Run(ctx, nc); err != nil {
		log.Print(err)
	}
}

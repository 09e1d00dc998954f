// The arrow-ipc example archives a stream of JSON sensor readings in Arrow IPC files, one for each room and quarter of an hour. Programs
// map them into memory and read them without decoding:
//
//	pyarrow.ipc.open_file("lake/room=kitchen/date=2026-11-23/hour=12/….arrow").read_all()
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

	"github.com/jetcapture/lake/format/arrow"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/store"
)

// A Reading is a message, and a row. The decoder fills Meta with the message's subject, stream, sequence, time and headers.
type Reading struct {
	jetcapture.Meta
	Room   string             `json:"room" parquet:"-"` // the folder has it
	At     time.Time          `json:"at"`
	Values map[string]float64 `json:"values"`
	Alarm  *string            `json:"alarm"` // null where there is none
}

// A Room is the destination key: the folder room=….
type Room struct {
	Name string `hive:"room"`
}

// readingsTo returns options that archive readings below dir.
func readingsTo(dir string) (*jetcapture.Options[*Reading, Room], error) {
	writers, err := arrow.Writers[*Reading](arrow.Options{})
	if err != nil {
		return nil, err
	}
	options := jetcapture.DefaultOptions[*Reading, Room]()
	options.NATSStreamName = "READINGS"
	options.NATSConsumerName = "lake"
	options.CreateConsumer = true
	options.Delivery = jetcapture.ExactlyOnce
	options.UntilCaughtUp = true // Run returns once everything is stored; without it, when ctx ends
	options.MessageDecoder = jetcapture.JSON(func(r *Reading) Room { return Room{Name: r.Room} })
	options.WriterFactory = writers
	options.Suffix = "arrow"
	options.Store = store.Blocks[Room](store.NewDir(dir), nil)
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
	options, err := readingsTo(dir)
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

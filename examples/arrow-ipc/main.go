// The arrow-ipc example writes JSON readings of sensors as Arrow IPC files, a file for each room and quarter of an hour,
// which programs map into memory and read without decoding anything:
//
//	pyarrow.ipc.open_file("lake/room=kitchen/date=2026-11-23/hour=12/….arrow").read_all()
package main

import (
	"context"
	"log"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format/arrow"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/store"
)

// A Reading is a message, and a row. The decoder fills Meta with the message's subject, stream, sequence, time and headers.
type Reading struct {
	jetcapture.Meta
	Room   string             `json:"room" parquet:"-"` // a folder says it
	At     time.Time          `json:"at"`
	Values map[string]float64 `json:"values"`
	Alarm  *string            `json:"alarm"` // null where there is none
}

// A Room is what readings are split by: the folder room=….
type Room struct {
	Name string `hive:"room"`
}

// readingsTo writes readings below dir.
func readingsTo(dir string) (*jetcapture.Options[*Reading, Room], error) {
	writers, err := arrow.Writers[*Reading](arrow.Options{})
	if err != nil {
		return nil, err
	}
	options := jetcapture.DefaultOptions[*Reading, Room]()
	options.NATSStreamName = "READINGS"
	options.NATSConsumerName = "lake"
	options.CreateConsumer = true
	options.MessageDecoder = jetcapture.JSON(func(r *Reading) Room { return Room{Name: r.Room} })
	options.WriterFactory = writers
	options.Suffix = "arrow"
	options.Store = store.Blocks[Room](store.NewDir(dir), nil)
	return options, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	options, err := readingsTo("lake")
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

//go:build unix

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/store"
)

// A placedOrder is an order as in the JSON.
type placedOrder struct {
	ID       string    `json:"id"`
	Created  time.Time `json:"created"`
	Customer string    `json:"customer"`
	Region   string    `json:"region"`
	Status   string    `json:"status"`
	Channel  string    `json:"channel"`
	Currency string    `json:"currency"`
	Items    []item    `json:"items"`
	Total    float64   `json:"total"`
}

// captureRaw is the role of a small program that captures raw messages, with the server's URL, a stream, a consumer
// and a folder.
func captureRaw(args []string) error {
	writers, err := parquet.RawWriters[*jetcapture.NatsMessage](parquet.Options{})
	if err != nil {
		return err
	}
	o := jetcapture.DefaultOptions[*jetcapture.NatsMessage, string]()
	o.WriterFactory = writers
	o.MessageDecoder = jetcapture.NatsToNats(func(*nats.Msg) string { return "" })
	return capture(o, args)
}

// captureTyped is the role of a small program that captures orders into typed columns, with the same arguments.
func captureTyped(args []string) error {
	writers, err := parquet.Writers[*placedOrder](parquet.Options{})
	if err != nil {
		return err
	}
	o := jetcapture.DefaultOptions[*placedOrder, string]()
	o.WriterFactory = writers
	o.MessageDecoder = jetcapture.JSON(func(*placedOrder) string { return "" })
	return capture(o, args)
}

// capture runs until it has caught up, and prints the time from the first message to the last ack.
func capture[P any](o *jetcapture.Options[P, string], args []string) error {
	nc, err := nats.Connect(args[0])
	if err != nil {
		return err
	}
	defer nc.Close()
	var mu sync.Mutex
	var first, last time.Time
	o.NATSStreamName, o.NATSConsumerName = args[1], args[2]
	o.Store, o.Suffix = store.Blocks[string](store.NewDir(args[3]), nil), "parquet"
	o.UntilCaughtUp = true
	o.Observer.BlockOpened = func(jetcapture.Block) {
		mu.Lock()
		defer mu.Unlock()
		if first.IsZero() {
			first = time.Now()
		}
	}
	o.Observer.BlockAcked = func(jetcapture.Block, time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		last = time.Now()
	}
	if err := o.Build().Run(context.Background(), nc); err != nil {
		return err
	}
	if last.IsZero() {
		return fmt.Errorf("capture: nothing was acked")
	}
	return printPulled(last.Sub(first))
}

// runLibrary runs a role that calls capture.
func (b *bench) runLibrary(role string) func(context.Context, job) (*run, error) {
	return func(ctx context.Context, j job) (*run, error) {
		return b.intoFolder(j, func(dir string) (*run, error) {
			return runPuller(ctx, j, role, j.url, j.stream, j.consumer, dir)
		})
	}
}

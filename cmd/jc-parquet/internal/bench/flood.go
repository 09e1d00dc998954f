//go:build unix

package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/cmd/jc-parquet/internal/orders"
)

const (
	floodBacklog = 500_000 // messages not delivered or un-acked, at which flood waits
	floodBatch   = 5_000   // messages between two checks of the backlog
	floodPurge   = 5 * time.Second
	floodLook    = 50 * time.Millisecond
)

// floodResult is the output of the role flood.
type floodResult struct {
	Published uint64
}

// flood is the role that publishes orders as fast as a consumer takes them, with the server's URL and the consumer, until its input
// ends. It also removes acked messages from the stream.
func flood(args []string) error {
	outliveSignals()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	nc, err := nats.Connect(args[0])
	if err != nil {
		return err
	}
	defer nc.Close()
	p, err := newPublisher(nc)
	if err != nil {
		return err
	}
	s, err := p.js.Stream(ctx, stream)
	if err != nil {
		return err
	}
	consumer, err := s.Consumer(ctx, args[1])
	if err != nil {
		return err
	}
	if _, err := os.Stdout.WriteString("ready\n"); err != nil {
		return err
	}
	err = p.flood(ctx, s, consumer)
	if err != nil && ctx.Err() == nil {
		return err
	}
	if err := p.complete(context.Background()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(floodResult{p.sent})
}

// flood publishes until the context ends.
func (p *publisher) flood(ctx context.Context, s jetstream.Stream, consumer jetstream.Consumer) error {
	sequence := orders.NewSequence()
	look := time.NewTicker(floodLook)
	defer look.Stop()
	var purged time.Time
	for {
		info, err := consumer.Info(ctx)
		if err != nil {
			return err
		}
		if floor := info.AckFloor.Stream; floor > 0 && time.Since(purged) >= floodPurge {
			if err := s.Purge(ctx, jetstream.WithPurgeSequence(floor+1)); err != nil {
				return err
			}
			purged = time.Now()
		}
		if backlog(info) >= floodBacklog {
			select {
			case <-look.C:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		for range floodBatch {
			if err := p.publish(context.Background(), sequence.Next()); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// backlog returns the number of messages of a consumer that are not acked.
func backlog(info *jetstream.ConsumerInfo) uint64 {
	return info.NumPending + uint64(info.NumAckPending)
}

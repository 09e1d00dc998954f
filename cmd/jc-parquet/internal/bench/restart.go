//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/store"
)

const (
	restartAckWait = 5 * time.Second
	restartWindow  = 30 * time.Second // that a capture has at most
)

// A restartResult is the result of a capture that started with many expired, un-acknowledged messages.
type restartResult struct {
	Name        string
	Held        int     // such messages
	FirstNew    float64 // seconds until the first message that nobody had before; 0 if none came in time
	Archived    int     // messages
	Seconds     float64 // in which they were
	PerSecond   float64
	Resurrected int // of the archived ones, those that were un-acknowledged
}

// measureRestarts starts a capture after such a crash, with a reset of the consumer and without.
func measureRestarts(ctx context.Context, messages, held int) (results []*restartResult, err error) {
	for _, c := range []struct {
		name     string
		delivery jetcapture.Delivery
	}{{"exactly once, which resets the consumer", jetcapture.ExactlyOnce}, {"without a reset", jetcapture.AtLeastOnce}} {
		result, err := measureRestart(ctx, messages, held, string(c.delivery))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		result.Name, result.Held = c.name, held
		results = append(results, result)
	}
	return results, nil
}

func measureRestart(ctx context.Context, messages, held int, delivery string) (_ *restartResult, err error) {
	server, err := startServer(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	say("publishing %d messages, and pulling %d", messages, held)
	if _, err := runRole[fillResult](ctx, "fill", server.url, strconv.Itoa(messages)); err != nil {
		return nil, err
	}
	if err := pullAndForget(ctx, server.url, held); err != nil {
		return nil, err
	}
	time.Sleep(restartAckWait + time.Second) // until they have expired
	say("starting a capture, %s", delivery)
	r, err := runRole[restartResult](ctx, "restart", server.url, strconv.Itoa(held), delivery)
	if err != nil {
		return nil, err
	}
	return &r.result, nil
}

// pullAndForget pulls messages and acknowledges none, like a capture that crashes.
func pullAndForget(ctx context.Context, url string, held int) error {
	nc, js, err := connect(url)
	if err != nil {
		return err
	}
	defer nc.Close()
	consumer, err := js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{
		Durable: "bench", AckPolicy: jetstream.AckExplicitPolicy, AckWait: restartAckWait, MaxAckPending: 4 * held, MaxDeliver: -1,
	})
	if err != nil {
		return err
	}
	for left := held; left > 0; {
		batch, err := consumer.Fetch(min(left, 10_000))
		if err != nil {
			return err
		}
		before := left
		for range batch.Messages() {
			left--
		}
		if left == before {
			return fmt.Errorf("pull %d messages: %d do not come: %w", held, left, batch.Error())
		}
	}
	return nil
}

// restart is the role of the capture, with the server's URL, how many messages were un-acknowledged, and the delivery.
func restart(args []string) (err error) {
	held, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "restart-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	nc, err := nats.Connect(args[0])
	if err != nil {
		return err
	}
	defer nc.Close()
	writers, err := parquet.RawWriters[*jetcapture.NatsMessage](parquet.Options{})
	if err != nil {
		return err
	}
	start := time.Now()
	var r restartResult
	var stored, resurrected, last atomic.Int64
	o := jetcapture.DefaultOptions[*jetcapture.NatsMessage, string]()
	o.NATSStreamName, o.NATSConsumerName = stream, "bench"
	o.Delivery = jetcapture.Delivery(args[2])
	o.WriterFactory, o.Suffix = writers, "parquet"
	o.Store = store.Blocks[string](store.NewDir(dir), nil)
	o.MaxAge, o.UntilCaughtUp = time.Minute, true
	o.MessageDecoder = func(msg *nats.Msg) (*jetcapture.NatsMessage, string, error) {
		m, key, err := jetcapture.NatsToNats(func(*nats.Msg) string { return "" })(msg)
		switch {
		case err != nil:
		case m.Metadata.Sequence.Stream <= uint64(held):
			resurrected.Add(1)
		case r.FirstNew == 0:
			r.FirstNew = time.Since(start).Seconds()
		}
		return m, key, err
	}
	o.Observer.BlockAcked = func(b jetcapture.Block, _ time.Duration) {
		stored.Add(int64(b.Messages))
		last.Store(int64(time.Since(start)))
	}
	ctx, cancel := context.WithTimeout(context.Background(), restartWindow)
	defer cancel()
	if err := o.Build().Run(ctx, nc); err != nil && !errors.Is(err, jetcapture.ErrDrainTimeout) {
		return err
	}
	r.Archived, r.Resurrected = int(stored.Load()), int(resurrected.Load())
	r.Seconds = time.Duration(last.Load()).Seconds()
	r.PerSecond = float64(r.Archived) / max(r.Seconds, 1e-3)
	return json.NewEncoder(os.Stdout).Encode(r)
}

func printRestarts(p func(text string, args ...any), restarts []*restartResult) {
	if len(restarts) == 0 {
		return
	}
	p("\n%-42s %10s %14s %10s %9s %11s\n", "after a crash, and AckWait", "expired", "first new, s", "archived", "in s", "messages/s")
	for _, r := range restarts {
		first := "none"
		if r.FirstNew > 0 {
			first = strconv.FormatFloat(r.FirstNew, 'f', 2, 64)
		}
		p("%-42s %10d %14s %10d %9.1f %11.0f\n", r.Name, r.Held, first, r.Archived, r.Seconds, r.PerSecond)
	}
}

//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

const (
	liveKeys     = 1_000
	liveRate     = 20_000           // messages a second, of all keys together
	livePace     = time.Millisecond // between two readings of the clock
	liveCatchUp  = time.Minute
	liveConsumer = "bench"
)

// A liveResult describes the files that a capture makes beside a publisher.
type liveResult struct {
	MaxInFlight int // messages that the capture may hold
	Keys        int
	Rate        int     // messages a second, published
	Seconds     float64 // of publishing
	Messages    int
	Files       int
	FileBytes   int64
	ClientCPU   float64 // of a processor
	PeakMemory  float64 // bytes
}

// measureLive runs jc-parquet beside a steady publisher, with several values of --max-in-flight.
func measureLive(ctx context.Context, d time.Duration) (results []*liveResult, err error) {
	b, err := startBench(ctx, plan{settle: settle})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	for _, inFlight := range []int{200_000, 1_000_000} {
		r := &liveResult{MaxInFlight: inFlight, Keys: liveKeys, Rate: liveRate, Seconds: d.Seconds()}
		say("publishing %d messages a second for %v, of %d keys; %d may be in flight", liveRate, d, liveKeys, inFlight)
		if err := b.live(ctx, d, r); err != nil {
			return nil, fmt.Errorf("%d messages in flight: %w", inFlight, err)
		}
		results = append(results, r)
	}
	return results, nil
}

func (b *bench) live(ctx context.Context, d time.Duration, r *liveResult) (err error) {
	nc, js, err := connect(b.server.url)
	if err != nil {
		return err
	}
	defer nc.Close()
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: keyStream, Subjects: []string{keySubjects}}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, js.DeleteStream(context.WithoutCancel(ctx), keyStream)) }()
	defer func() { _ = takeLedger(context.WithoutCancel(ctx), js, ledger.StreamName(keyStream, liveConsumer)) }()
	consumer, err := js.CreateConsumer(ctx, keyStream, jetstream.ConsumerConfig{
		Durable: liveConsumer, AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Hour, MaxAckPending: -1, MaxDeliver: -1, MemoryStorage: true,
	})
	if err != nil {
		return err
	}
	time.Sleep(b.settle)
	j := job{url: b.server.url, stream: keyStream, consumer: liveConsumer, messages: int(d.Seconds() * liveRate)}
	measured, err := b.intoFolder(j, func(dir string) (*run, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		ended := make(chan error, 1)
		c, err := b.startCapture(ctx, ended, j, place{out: dir, folder: dir}, "--delivery", "exactly-once", "--split", "token:4",
			"--interval", keyInterval, "--max-in-flight", strconv.Itoa(r.MaxInFlight))
		if err != nil {
			return nil, err
		}
		_, err = runRole[fillResult](ctx, "drip", b.server.url, strconv.Itoa(j.messages))
		if err == nil {
			err = awaitDelivery(ctx, consumer)
		}
		if err == nil {
			err = c.Process.Signal(syscall.SIGTERM)
		}
		if err != nil {
			cancel()
		}
		if err = errors.Join(err, <-ended); err != nil {
			return nil, err
		}
		return newRun(j.messages, d.Seconds(), c.wall, usageOf(c.Cmd)), nil
	})
	if err != nil {
		return err
	}
	r.Messages, r.Files, r.FileBytes, r.PeakMemory = measured.Rows, measured.Files, measured.FileBytes, measured.PeakMemory
	r.ClientCPU = measured.ClientCPU * liveRate / 1e6
	return nil
}

// awaitDelivery waits until a consumer has delivered all messages of its stream.
func awaitDelivery(ctx context.Context, consumer jetstream.Consumer) error {
	ctx, cancel := context.WithTimeout(ctx, liveCatchUp)
	defer cancel()
	for {
		info, err := consumer.Info(ctx)
		if err != nil {
			return err
		}
		if info.NumPending == 0 {
			return nil
		}
		select {
		case <-time.After(soakLook):
		case <-ctx.Done():
			return fmt.Errorf("%d messages were not delivered: %w", info.NumPending, ctx.Err())
		}
	}
}

// drip is the role that publishes to the stream of destination keys at a steady rate, with the server's URL and a number of
// messages.
func drip(args []string) error {
	return publishKeyed(args, liveKeys, (*publisher).drip)
}

func (p *publisher) drip(ctx context.Context, keyed *keyed, n int) error {
	tick := time.NewTicker(livePace)
	defer tick.Stop()
	for start := time.Now(); int(p.sent) < n; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		for due := min(n, int(time.Since(start).Seconds()*liveRate)); int(p.sent) < due; {
			if err := p.publish(ctx, keyed.next()); err != nil {
				return err
			}
		}
	}
	return nil
}

func printLive(p func(text string, args ...any), all []*liveResult) {
	if len(all) == 0 {
		return
	}
	p("\n%-34s %9s %9s %10s %8s %10s %10s %12s %9s\n", "published while it is captured", "keys", "seconds", "messages", "files", "rows/file",
		"bytes/row", "client CPUs", "peak MiB")
	for _, r := range all {
		p("%-34s %9d %9.0f %10d %8d %10.0f %10.1f %12.2f %9.0f\n",
			fmt.Sprintf("%s/s, %s in flight", thousands(r.Rate), thousands(r.MaxInFlight)), r.Keys, r.Seconds, r.Messages, r.Files,
			float64(r.Messages)/float64(max(r.Files, 1)), float64(r.FileBytes)/float64(max(r.Messages, 1)), r.ClientCPU, r.PeakMemory/(1<<20))
	}
}

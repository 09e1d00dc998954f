//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

// A redelivered is the result of a capture that gets only messages that are stored: it must recognize and acknowledge them.
type redelivered struct {
	Name      string
	Messages  int
	Files     int
	Seconds   float64 // of the whole run, with the reading of the ledger
	PerSecond float64
}

// measureRedelivery archives messages of one destination key and of many exactly once. Then it makes the consumer again, so that nothing is
// acknowledged, and starts another capture.
func measureRedelivery(ctx context.Context, p plan, messages int) (results []*redelivered, err error) {
	b, err := startBench(ctx, p)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	say("publishing %d messages of %d keys, one after the other", messages, p.keys)
	if _, err := runRole[fillResult](ctx, "fillkeys", b.server.url, strconv.Itoa(messages), strconv.Itoa(p.keys)); err != nil {
		return nil, err
	}
	nc, js, err := connect(b.server.url)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	dir := filepath.Join(b.dir, "lake")
	for _, split := range []struct{ keys, token int }{{1, 2}, {p.keys, 4}} {
		r := &redelivered{Name: keysName(split.keys), Messages: messages}
		err := archiveIn(dir, func() error { return r.measure(ctx, b, js, dir, b.keyFlags(split.token)) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.Name, err)
		}
		results = append(results, r)
	}
	return results, nil
}

// measure stores all messages in a folder, and lets them come again.
func (r *redelivered) measure(ctx context.Context, b *bench, js jetstream.JetStream, dir string, flags []string) error {
	j := job{url: b.server.url, stream: keyStream, consumer: "bench", messages: r.Messages}
	defer takeLedger(context.WithoutCancel(ctx), js, ledger.StreamName(j.stream, j.consumer))
	for _, what := range []string{"storing them", "letting them come again"} {
		say("%s: %s", r.Name, what)
		begin := time.Now()
		if err := b.catchUp(ctx, js, j, place{out: dir, folder: dir}, flags); err != nil {
			return err
		}
		r.Seconds = time.Since(begin).Seconds()
		r.PerSecond = float64(r.Messages) / r.Seconds
	}
	var files run
	rows, err := files.readBack(dir)
	if err == nil && rows != r.Messages {
		err = fmt.Errorf("the files have %d rows for %d messages", rows, r.Messages)
	}
	r.Files = files.Files
	return err
}

// catchUp runs jc-parquet with a new consumer until all is acknowledged.
func (b *bench) catchUp(ctx context.Context, js jetstream.JetStream, j job, to place, flags []string) (err error) {
	consumer, err := js.CreateConsumer(ctx, j.stream, jetstream.ConsumerConfig{
		Durable: j.consumer, AckPolicy: jetstream.AckExplicitPolicy, AckWait: 10 * time.Minute, MaxAckPending: -1, MaxDeliver: -1, MemoryStorage: true,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, js.DeleteConsumer(context.WithoutCancel(ctx), j.stream, j.consumer)) }()
	ended := make(chan error, 1)
	if _, err := b.startCapture(ctx, ended, j, to, append([]string{"--until-caught-up"}, flags...)...); err != nil {
		return err
	}
	if err := <-ended; err != nil {
		return err
	}
	info, err := consumer.Info(ctx)
	if err == nil && info.AckFloor.Stream != uint64(j.messages) {
		err = fmt.Errorf("the consumer is acked up to %d of %d", info.AckFloor.Stream, j.messages)
	}
	return err
}

func printRedelivered(p func(text string, args ...any), all []*redelivered) {
	if len(all) == 0 {
		return
	}
	p("\n%-42s %10s %8s %8s %11s %8s\n", "stored before, and delivered again", "messages", "files", "in s", "messages/s", "ratio")
	for _, r := range all {
		p("%-42s %10d %8d %8.1f %11.0f %8.2f\n", r.Name, r.Messages, r.Files, r.Seconds, r.PerSecond, r.PerSecond/all[0].PerSecond)
	}
}

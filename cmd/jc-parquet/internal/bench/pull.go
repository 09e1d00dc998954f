//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/cmd/jc-parquet/internal/orders"
)

const (
	barePullName = "bare pull, explicit acks"
	archiveName  = "Parquet, at least once"
	onceName     = "Parquet, exactly once"
	pullBatch    = 5_000 // messages in a request; as many as jc-parquet asks for
	pullTimeout  = 5 * time.Minute
)

// fillResult is what fill prints.
type fillResult struct {
	JSONBytes int64
}

// fill is the role that makes the stream, with the server's URL and a number of messages.
func fill(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	nc, err := nats.Connect(args[0])
	if err != nil {
		return err
	}
	defer nc.Close()
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	bytes, err := orders.Fill(ctx, nc, stream, n, func(int) {})
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(fillResult{bytes})
}

// pullResult is what barePull prints.
type pullResult struct {
	Seconds float64 // from the first message until the last ack was confirmed
}

// barePull is the role that pulls, with the server's URL, a consumer, a number of messages, and whether to ack each or all. It keeps two requests
// overlapping, acks each message by a publish, and confirms the last ack by a round trip: what any sink must do at least.
func barePull(args []string) error {
	nc, err := nats.Connect(args[0])
	if err != nil {
		return err
	}
	defer nc.Close()
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	var (
		subject   = "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + args[1]
		request   = fmt.Appendf(nil, `{"batch":%d,"expires":%d}`, pullBatch, pullTimeout)
		ack       = []byte("+ACK")
		inbox     = nc.NewInbox()
		messages  = make(chan *nats.Msg, 3*pullBatch)
		timeout   = time.After(pullTimeout)
		requested = 0
		first     time.Time
	)
	if _, err := nc.ChanSubscribe(inbox, messages); err != nil {
		return err
	}
	every := 1
	if args[3] == "all" {
		every = 2 * pullBatch
	}
	for received := 0; received < n; {
		for requested < n && requested-received <= pullBatch {
			requested += pullBatch
			if err := nc.PublishRequest(subject, inbox, request); err != nil {
				return err
			}
		}
		var msg *nats.Msg
		select {
		case msg = <-messages:
		case <-timeout:
			return fmt.Errorf("bare pull: %d of %d messages came within %v", received, n, pullTimeout)
		}
		if msg.Reply == "" {
			return fmt.Errorf("bare pull: the server answered %s %s", msg.Header.Get("Status"), msg.Header.Get("Description"))
		}
		if received == 0 {
			first = time.Now()
		}
		received++
		switch {
		case received == n:
			_, err = nc.Request(msg.Reply, ack, pullTimeout)
		case received%every == 0:
			err = nc.Publish(msg.Reply, ack)
		}
		if err != nil {
			return fmt.Errorf("bare pull: ack: %w", err)
		}
	}
	return json.NewEncoder(os.Stdout).Encode(pullResult{time.Since(first).Seconds()})
}

// runBarePull acks each message, or with all each of two batches at once.
func runBarePull(all bool) func(context.Context, string, string, int) (*run, error) {
	return func(ctx context.Context, url, consumer string, messages int) (*run, error) {
		acks := "each"
		if all {
			acks = "all"
		}
		c, err := runRole[pullResult](ctx, "bare", url, consumer, strconv.Itoa(messages), acks)
		if err != nil {
			return nil, err
		}
		return newRun(messages, c.result.Seconds, c.wall, c.usage), nil
	}
}

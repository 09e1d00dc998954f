//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/cmd/jc-parquet/internal/orders"
)

// fillResult is the output of roles that fill a stream.
type fillResult struct {
	JSONBytes int64
}

// fill is the role that makes the stream of orders, with the server's URL and a number of messages.
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
	return printFilled(bytes)
}

// connect returns a connection, which the caller closes, and the JetStream of it.
func connect(url string) (*nats.Conn, jetstream.JetStream, error) {
	nc, err := nats.Connect(url)
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, nil, err
	}
	return nc, js, nil
}

func printFilled(bytes int64) error {
	return json.NewEncoder(os.Stdout).Encode(fillResult{bytes})
}

// A publisher publishes without waiting for each answer.
type publisher struct {
	js     jetstream.JetStream
	failed chan error // has the first error of an answer
	sent   uint64
}

func newPublisher(nc *nats.Conn) (*publisher, error) {
	p := &publisher{failed: make(chan error, 1)}
	var err error
	p.js, err = jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4_000),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, _ *nats.Msg, err error) {
			select {
			case p.failed <- err:
			default:
			}
		}))
	return p, err
}

func (p *publisher) publish(ctx context.Context, msg *nats.Msg) error {
	if p.sent%10_000 == 0 && ctx.Err() != nil {
		return ctx.Err()
	}
	p.sent++
	if _, err := p.js.PublishMsgAsync(msg, jetstream.WithStallWait(time.Minute)); err != nil {
		return fmt.Errorf("publish message %d: %w", p.sent, err)
	}
	return nil
}

// complete waits for the answers of all messages.
func (p *publisher) complete(ctx context.Context) error {
	select {
	case <-p.js.PublishAsyncComplete():
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-p.failed:
		return errors.Join(errors.New("publish: not all messages were stored"), err)
	default:
		return nil
	}
}

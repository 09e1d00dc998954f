//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	pullBatch   = 5_000 // messages in a request; as many as jc-parquet asks for
	pullTimeout = 5 * time.Minute
)

// A puller gets a number of messages, with two requests overlapping.
type puller struct {
	nc       *nats.Conn
	subject  string // of requests
	request  []byte
	inbox    string
	messages chan *nats.Msg
	timeout  <-chan time.Time

	n, requested, received int
	first                  time.Time // when the first message came
}

func newPuller(nc *nats.Conn, stream, consumer string, n int) (*puller, error) {
	p := &puller{
		nc: nc, n: n,
		subject:  "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + consumer,
		request:  fmt.Appendf(nil, `{"batch":%d,"expires":%d}`, pullBatch, pullTimeout),
		inbox:    nc.NewInbox(),
		messages: make(chan *nats.Msg, 3*pullBatch),
		timeout:  time.After(pullTimeout),
	}
	_, err := nc.ChanSubscribe(p.inbox, p.messages)
	return p, err
}

// more reports whether next would return another message.
func (p *puller) more() bool { return p.received < p.n }

func (p *puller) next() (*nats.Msg, error) {
	for p.requested < p.n && p.requested-p.received <= pullBatch {
		p.requested += pullBatch
		if err := p.nc.PublishRequest(p.subject, p.inbox, p.request); err != nil {
			return nil, err
		}
	}
	var msg *nats.Msg
	select {
	case msg = <-p.messages:
	case <-p.timeout:
		return nil, fmt.Errorf("pull: %d of %d messages came within %v", p.received, p.n, pullTimeout)
	}
	if msg.Reply == "" {
		return nil, fmt.Errorf("pull: the server answered %s %s", msg.Header.Get("Status"), msg.Header.Get("Description"))
	}
	if p.received == 0 {
		p.first = time.Now()
	}
	p.received++
	return msg, nil
}

// pullResult is the output of roles that pull messages.
type pullResult struct {
	Seconds float64 // from the first message until the last ack was confirmed
	Mallocs uint64  // of the whole process
}

func printPulled(duration time.Duration) error {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return json.NewEncoder(os.Stdout).Encode(pullResult{duration.Seconds(), memory.Mallocs})
}

// barePull is the role that pulls, with the server's URL, a stream, a consumer, a number of messages, and whether to ack each
// or all. It acks each message by a publish, and confirms the last ack by a round trip: the least that any sink must do.
func barePull(args []string) error {
	nc, err := nats.Connect(args[0])
	if err != nil {
		return err
	}
	defer nc.Close()
	n, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	p, err := newPuller(nc, args[1], args[2], n)
	if err != nil {
		return err
	}
	every := 1
	if args[4] == "all" {
		every = 2 * pullBatch
	}
	ack := []byte("+ACK")
	for p.more() {
		msg, err := p.next()
		if err != nil {
			return err
		}
		switch {
		case !p.more():
			_, err = nc.Request(msg.Reply, ack, pullTimeout)
		case p.received%every == 0:
			err = nc.Publish(msg.Reply, ack)
		}
		if err != nil {
			return fmt.Errorf("bare pull: ack: %w", err)
		}
	}
	return printPulled(time.Since(p.first))
}

// runBarePull acks each message, or with all each of two batches at once.
func runBarePull(all bool) func(context.Context, job) (*run, error) {
	return func(ctx context.Context, j job) (*run, error) {
		acks := "each"
		if all {
			acks = "all"
		}
		return runPuller(ctx, j, "bare", j.url, j.stream, j.consumer, strconv.Itoa(j.messages), acks)
	}
}

// runPuller runs a role that prints a pullResult.
func runPuller(ctx context.Context, j job, args ...string) (*run, error) {
	c, err := runRole[pullResult](ctx, args...)
	if err != nil {
		return nil, err
	}
	r := newRun(j.messages, c.result.Seconds, c.wall, c.usage)
	r.Allocs = float64(c.result.Mallocs) / float64(j.messages)
	return r, nil
}

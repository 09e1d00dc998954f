//go:build unix

package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// olderBlock is how many messages the older way has in a file.
const olderBlock = 100_000

// An olderLine is a message as the older way writes it.
type olderLine struct {
	Subject  string            `json:"subject"`
	Reply    string            `json:"reply"`
	Header   nats.Header       `json:"header"`
	Data     []byte            `json:"data"`
	Metadata *nats.MsgMetadata `json:"metadata"`
}

// older is the role that archives as jet-capture 0.2.5 did, with the server's URL, a stream, a consumer, a number of messages
// and a folder: one goroutine that encodes each message as a line of JSON into gzip, both of the standard library, and keeps
// it until the file is synced, to acknowledge it then. Pulling is that of the bare pull, which is faster than its.
func older(args []string) error {
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
	for p.more() {
		messages, err := olderFile(p, args[4])
		if err != nil {
			return err
		}
		for i, msg := range messages {
			if i < len(messages)-1 {
				err = msg.Ack()
			} else {
				err = msg.AckSync(nats.AckWait(pullTimeout))
			}
			if err != nil {
				return fmt.Errorf("the older way: ack: %w", err)
			}
		}
	}
	return printPulled(time.Since(p.first))
}

// olderFile writes the next messages to a file and returns them.
func olderFile(p *puller, dir string) (messages []*nats.Msg, err error) {
	f, err := os.CreateTemp(dir, "*.json.gz")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	zipped := gzip.NewWriter(f)
	lines := json.NewEncoder(zipped)
	for p.more() && len(messages) < olderBlock {
		msg, err := p.next()
		if err != nil {
			return nil, err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return nil, err
		}
		if err := lines.Encode(olderLine{msg.Subject, msg.Reply, msg.Header, msg.Data, meta}); err != nil {
			return nil, err
		}
		messages = append(messages, msg)
	}
	if err := zipped.Close(); err != nil {
		return nil, err
	}
	return messages, f.Sync()
}

func (b *bench) runOlder(ctx context.Context, j job) (*run, error) {
	return b.intoFolder(j, func(dir string) (*run, error) {
		return runPuller(ctx, j, "older", j.url, j.stream, j.consumer, strconv.Itoa(j.messages), dir)
	})
}

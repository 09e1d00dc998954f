//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/nats-io/nats.go"
)

// olderBlock is the number of messages in a file of older.
const olderBlock = 100_000

// An olderLine is a message as older writes it.
type olderLine struct {
	Subject  string              `json:"subject"`
	Reply    string              `json:"reply"`
	Header   map[string][]string `json:"header"`
	Data     []byte              `json:"data"`
	Metadata *nats.MsgMetadata   `json:"metadata"`
}

// older is the role that archives as jet-capture 0.2.5 does, with the server's URL, a stream, a consumer, a number of messages
// and a folder. One goroutine fetches as many messages as the other contenders ask for, by the client's older API, encodes
// each as a line of JSON by encoding/json into gzip of the same library, in a temporary file, and copies this to its place
// when it is full, to acknowledge its messages then. It looks at the metadata twice, and copies the headers.
func older(args []string) error {
	nc, err := nats.Connect(args[0])
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	consumer, err := js.PullSubscribe("", args[2], nats.Bind(args[1], args[2]))
	if err != nil {
		return err
	}
	o := &olderCapture{nc: nc, consumer: consumer, dir: args[4], left: n}
	for o.left > 0 {
		if err := o.fetch(); err != nil {
			return fmt.Errorf("jet-capture 0.2.5: %w", err)
		}
	}
	return printPulled(time.Since(o.first))
}

// An olderCapture has one block open.
type olderCapture struct {
	nc       *nats.Conn
	consumer *nats.Subscription
	dir      string
	left     int       // messages to archive
	first    time.Time // when the first messages came

	file   *os.File // nil without a block
	zipped *gzip.Writer
	lines  *json.Encoder
	acks   []string
	files  int
}

// fetch archives some messages.
func (o *olderCapture) fetch() error {
	ctx, cancel := context.WithTimeout(context.Background(), pullTimeout)
	defer cancel()
	messages, err := o.consumer.Fetch(min(pullBatch, o.left), nats.Context(ctx))
	if err != nil {
		return err
	}
	if o.first.IsZero() {
		o.first = time.Now()
	}
	for _, msg := range messages {
		if _, err := msg.Metadata(); err != nil { // its time selects the block
			return err
		}
		if err := o.archive(msg); err != nil {
			return err
		}
	}
	o.left -= len(messages)
	if len(o.acks) >= olderBlock || o.left == 0 {
		return o.finish()
	}
	return nil
}

func (o *olderCapture) archive(msg *nats.Msg) (err error) {
	line := &olderLine{Subject: msg.Subject, Reply: msg.Reply, Header: map[string][]string{}, Data: msg.Data}
	if line.Metadata, err = msg.Metadata(); err != nil {
		return err
	}
	maps.Copy(line.Header, msg.Header)
	if o.file == nil {
		if o.file, err = os.CreateTemp(o.dir, "block-*"); err != nil {
			return err
		}
		o.zipped = gzip.NewWriter(o.file)
		o.lines = json.NewEncoder(o.zipped)
	}
	o.acks = append(o.acks, msg.Reply)
	return o.lines.Encode(line)
}

// finish stores the block and acks its messages.
func (o *olderCapture) finish() (err error) {
	defer func() {
		err = errors.Join(err, o.file.Close(), os.Remove(o.file.Name()))
		o.file, o.acks = nil, nil
	}()
	if err := o.zipped.Close(); err != nil {
		return err
	}
	if err := o.file.Sync(); err != nil {
		return err
	}
	if _, err := o.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	o.files++
	stored, err := os.Create(filepath.Join(o.dir, strconv.Itoa(o.files)+".json.gz"))
	if err != nil {
		return err
	}
	if _, err := io.Copy(stored, o.file); err != nil {
		return errors.Join(err, stored.Close())
	}
	if err := stored.Close(); err != nil {
		return err
	}
	last := len(o.acks) - 1
	for _, reply := range o.acks[:last] {
		if err := o.nc.Publish(reply, []byte("+ACK")); err != nil {
			return err
		}
	}
	_, err = o.nc.Request(o.acks[last], []byte("+ACK"), pullTimeout) // confirms all acks
	return err
}

func (b *bench) runOlder(ctx context.Context, j job) (*run, error) {
	return b.intoFolder(j, func(dir string) (*run, error) {
		return runPuller(ctx, j, "older", j.url, j.stream, j.consumer, strconv.Itoa(j.messages), dir)
	})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/schema/jsoncolumns"
)

// inferQuiet is how long to wait for one more message before inferring from those that came.
const inferQuiet = 10 * time.Second

// A sample selects the messages that columns are inferred from. It reads them through a temporary consumer, so that the capture still
// gets all of them.
type sample struct {
	stream   string
	consumer string   // its filter and start are used; may be ""
	create   bool     // the consumer need not exist
	filter   []string // subjects, if there is no consumer
	messages int
	quiet    time.Duration
	whole    bool // use the messages in the stream, and do not wait for more

	domain  string
	folders []string
	log     *zap.Logger
}

// A finding is the result of a sample.
type finding struct {
	jsoncolumns.Inferred
	messages    int
	first, last uint64 // sequences in the stream
}

// infer reads messages and infers the columns of their payloads. It waits for the first message without limit.
func (s *sample) infer(ctx context.Context, nc *nats.Conn) (*finding, error) {
	messages, err := s.open(ctx, nc)
	if err != nil {
		return nil, err
	}
	defer messages.stop()
	in, f := jsoncolumns.NewInferrer(), new(finding)
	for f.messages < s.messages {
		msg, err := s.next(ctx, messages, f.messages == 0)
		if err != nil {
			return nil, err
		}
		if msg == nil {
			break
		}
		meta, err := msg.Metadata()
		if err != nil {
			return nil, fmt.Errorf("infer columns: %w", err)
		}
		in.Add(msg.Data)
		if f.messages == 0 {
			f.first = meta.Sequence.Stream
		}
		f.last = meta.Sequence.Stream
		f.messages++
		if s.whole && meta.NumPending == 0 {
			break
		}
	}
	if f.Inferred = in.Infer(s.folders...); len(f.Columns) == 0 {
		return nil, fmt.Errorf("infer columns: none of %d messages of stream %q is a JSON object with values: "+
			"archive them raw, without --columns and --infer", f.messages, s.stream)
	}
	return f, nil
}

// next returns a message, or nil if there are no more.
func (s *sample) next(ctx context.Context, messages *sampler, first bool) (*nats.Msg, error) {
	for {
		msg, err := messages.next(ctx, s.quiet)
		switch {
		case err != nil && ctx.Err() == nil:
			return nil, fmt.Errorf("infer columns: read stream %q: %w", s.stream, err)
		case err != nil || msg != nil || !first:
			return msg, err
		}
		s.log.Info("waiting for a message to infer columns from", zap.String("stream", s.stream))
	}
}

// open makes the consumer.
func (s *sample) open(ctx context.Context, nc *nats.Conn) (*sampler, error) {
	config := jetstream.ConsumerConfig{
		Description: "jc-parquet infers columns", AckPolicy: jetstream.AckNonePolicy, InactiveThreshold: 3 * inferQuiet, MemoryStorage: true, Replicas: 1,
		FilterSubjects: s.filter,
	}
	js, err := s.jetStream(nc)
	if err != nil {
		return nil, err
	}
	limited, stop := context.WithTimeout(ctx, max(s.quiet, time.Second))
	defer stop()
	stream, err := js.Stream(limited, s.stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("%w: %q: create it, or name another (with --js-domain, if it is in a domain)", jetcapture.ErrStreamNotFound, s.stream)
	}
	if err != nil {
		return nil, fmt.Errorf("infer columns: look up stream %q: %w", s.stream, err)
	}
	if err := s.follow(limited, stream, &config); err != nil {
		return nil, err
	}
	consumer, err := stream.CreateConsumer(limited, config)
	if err != nil {
		return nil, fmt.Errorf("infer columns: read stream %q: %w", s.stream, err)
	}
	messages, err := newSampler(nc, s.domain, stream, consumer.CachedInfo().Name, min(s.messages, 500))
	if err != nil {
		return nil, fmt.Errorf("infer columns: read stream %q: %w", s.stream, err)
	}
	if s.whole && consumer.CachedInfo().NumPending == 0 {
		messages.stop()
		return nil, fmt.Errorf("infer columns: stream %q has no messages: publish some, or write the file by hand", s.stream)
	}
	return messages, nil
}

func (s *sample) jetStream(nc *nats.Conn) (jetstream.JetStream, error) {
	if s.domain != "" {
		return jetstream.NewWithDomain(nc, s.domain)
	}
	return jetstream.New(nc)
}

// follow sets the filter and the start of the captured consumer. It refuses streams that drop messages once another consumer has read
// them.
func (s *sample) follow(ctx context.Context, stream jetstream.Stream, config *jetstream.ConsumerConfig) error {
	retention := stream.CachedInfo().Config.Retention
	if retention == jetstream.WorkQueuePolicy {
		return fmt.Errorf("infer columns: stream %q is a work queue, which only one consumer can read: write the file by hand, or infer it "+
			"from a stream of the same messages", s.stream)
	}
	if s.consumer == "" {
		return nil
	}
	consumer, err := stream.Consumer(ctx, s.consumer)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound) && s.create && retention == jetstream.InterestPolicy:
		return fmt.Errorf("infer columns: stream %q keeps messages only for existing consumers, and %q does not exist: create it before, "+
			"or write the file by hand", s.stream, s.consumer)
	case errors.Is(err, jetstream.ErrConsumerNotFound) && s.create:
		return nil
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		return fmt.Errorf("%w: %q of stream %q: create a durable pull consumer with explicit acks, with --create-consumer",
			jetcapture.ErrConsumerNotFound, s.consumer, s.stream)
	case err != nil:
		return fmt.Errorf("infer columns: look up consumer %q of stream %q: %w", s.consumer, s.stream, err)
	}
	c := consumer.CachedInfo().Config
	if config.FilterSubjects = c.FilterSubjects; c.FilterSubject != "" {
		config.FilterSubjects = []string{c.FilterSubject}
	}
	switch c.DeliverPolicy {
	case jetstream.DeliverByStartSequencePolicy, jetstream.DeliverByStartTimePolicy:
		config.DeliverPolicy, config.OptStartSeq, config.OptStartTime = c.DeliverPolicy, c.OptStartSeq, c.OptStartTime
	}
	return nil
}

// text returns the file of a finding.
func (f *finding) text(stream string) []byte {
	comments := []string{
		fmt.Sprintf("Columns of stream %s, inferred by jc-parquet from %s messages, %d to %d.", stream, thousands(f.messages), f.first, f.last),
		"Once files have these columns, do not change their types and names. Add new columns at the end.",
		"See jc-parquet help run.",
	}
	if f.Others > 0 {
		comments = append(comments, "", fmt.Sprintf("%s messages were no JSON objects.", thousands(f.Others)))
	}
	if len(f.Notes) > 0 {
		comments = append(comments, "", "Without a column, in _rest:")
		for _, note := range f.Notes {
			comments = append(comments, "  "+note)
		}
	}
	return jsoncolumns.Text(f.Columns, append(comments, "")...)
}

// pin creates a file atomically, even if the machine crashes. It fails with fs.ErrExist if the file exists.
func pin(file string, text []byte) (err error) {
	dir := filepath.Dir(file)
	temp, err := os.CreateTemp(dir, "."+filepath.Base(file)+"-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temp.Name())) }()
	_, err = temp.Write(text)
	if err = errors.Join(err, temp.Chmod(0o644), temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), file); errors.Is(err, fs.ErrExist) { // Link never replaces a file
		return err
	} else if err != nil {
		return fmt.Errorf("%w: choose a folder where files can be linked", err)
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

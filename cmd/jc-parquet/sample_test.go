package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest"

	"github.com/jetcapture/lake/jetcapture/capturetest"
)

func TestQuietStreamIsInferredFromWhatItHad(t *testing.T) {
	s := salesServer(t)
	from := &sample{stream: "SALES", messages: 10_000, quiet: 100 * time.Millisecond, log: zap.NewNop()}
	found, err := from.infer(t.Context(), s.Connect())
	if err != nil || found.messages != sales || found.first != 1 || found.last != sales {
		t.Errorf("%v, %+v", err, found)
	}
}

func TestWhatTheStreamHasIsEnoughForAJob(t *testing.T) {
	s := salesServer(t)
	from := &sample{stream: "SALES", messages: 10_000, quiet: time.Hour, whole: true, log: zap.NewNop()}
	found, err := from.infer(t.Context(), s.Connect())
	if err != nil || found.messages != sales {
		t.Errorf("%v, %+v", err, found)
	}
}

func TestFirstMessageIsWaitedFor(t *testing.T) {
	s := capturetest.Start(t)
	s.Stream("SALES", "sales.>")
	quiet := make(chan zapcore.Entry, 1000) // more than it says while the test goes on
	log := zaptest.NewLogger(t, zaptest.Level(zap.InfoLevel), zaptest.WrapOptions(zap.Hooks(func(e zapcore.Entry) error {
		select {
		case quiet <- e:
		default:
		}
		return nil
	})))
	type result struct {
		found *finding
		err   error
	}
	done := make(chan result, 1)
	nc := s.Connect()
	go func() {
		from := &sample{stream: "SALES", messages: 1, quiet: 10 * time.Millisecond, log: log}
		found, err := from.infer(t.Context(), nc)
		done <- result{found, err}
	}()
	for range 3 { // it was quiet, and that was not enough
		select {
		case r := <-done:
			t.Fatalf("inferred from nothing: %+v", r)
		case <-quiet:
		case <-time.After(time.Minute):
			t.Fatal("it does not say that it waits")
		}
	}
	s.Publish(1, func(int) *nats.Msg { return saleMsg(0) })
	if r := <-done; r.err != nil || r.found.messages != 1 || len(r.found.Columns) != 8 {
		t.Errorf("%+v", r)
	}
}

func TestSampleStartsWhereTheConsumerDoes(t *testing.T) {
	s := salesServer(t)
	s.Consumer("SALES", "lake", func(c *jetstream.ConsumerConfig) {
		c.FilterSubjects = []string{"sales.eu", "sales.none"}
		c.DeliverPolicy, c.OptStartSeq = jetstream.DeliverByStartSequencePolicy, 500
	})
	from := &sample{stream: "SALES", consumer: "lake", messages: 10, quiet: time.Second, log: zap.NewNop()}
	found, err := from.infer(t.Context(), s.Connect())
	if err != nil || found.messages != 10 || found.first != 501 || found.last != 519 { // odd ones are sales.eu
		t.Errorf("%v, %+v", err, found)
	}
	if info := s.Info("SALES", "lake"); info.Delivered.Consumer != 0 || info.NumAckPending != 0 || info.NumPending != 250 {
		t.Errorf("the consumer has delivered %d, and has %d pending", info.Delivered.Consumer, info.NumPending)
	}
}

func TestPinnedFileIsNeverReplaced(t *testing.T) {
	file := filepath.Join(t.TempDir(), "list.yaml")
	if err := pin(file, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := pin(file, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second one: %v", err)
	}
	text, err := os.ReadFile(file)
	if err != nil || string(text) != "first" {
		t.Errorf("%v, the file has %q", err, text)
	}
	if all := files(t, filepath.Dir(file)); len(all) != 1 {
		t.Errorf("there are %q", all)
	}
	if err := pin(filepath.Join(file, "x"), nil); err == nil || errors.Is(err, fs.ErrExist) {
		t.Errorf("in a folder that is none: %v", err)
	}
}

func TestMessagesThatLookLikeStatusesAreMessages(t *testing.T) {
	s := capturetest.Start(t)
	s.Stream("SALES", "sales.>")
	statuses := []string{"100", "404", "408", "409", "503"}
	const n = 200
	s.Publish(n, func(i int) *nats.Msg {
		msg := saleMsg(0)
		if i%2 == 0 {
			msg.Data = nil
			msg.Header.Set("Status", statuses[i/2%len(statuses)])
			msg.Header.Set("Description", "Consumer Deleted")
		}
		return msg
	})
	nc := s.Connect()
	created, err := nc.SubscribeSync("$JS.EVENT.ADVISORY.CONSUMER.CREATED.SALES.>")
	if err != nil {
		t.Fatal(err)
	}
	from := &sample{stream: "SALES", messages: 10_000, quiet: time.Second, whole: true, log: zap.NewNop()}
	found, err := from.infer(t.Context(), nc)
	if err != nil || found.messages != n || found.Payloads != n/2 || found.last != n {
		t.Errorf("%v, %+v", err, found)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if consumers, _, err := created.Pending(); err != nil || consumers != 1 {
		t.Errorf("%d consumers were made, %v", consumers, err)
	}
	stream, err := s.JetStream().Stream(t.Context(), "SALES")
	if err != nil || stream.CachedInfo().State.Consumers != 0 {
		t.Errorf("%v, there are still consumers", err)
	}
}

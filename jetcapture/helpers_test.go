package jetcapture_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

const (
	streamName   = "ORDERS"
	consumerName = "lake"
)

type (
	rawOptions = jetcapture.Options[*jetcapture.NatsMessage, string]
	rawCapture = jetcapture.Capture[*jetcapture.NatsMessage, string]
)

// startServer runs a server with the stream and consumer of these tests, and fails the test if a goroutine of the
// capture outlives it.
const ledgerName = "JC_" + streamName + "_" + consumerName

func startServer(t *testing.T) *capturetest.Server {
	t.Helper()
	ignore := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, ignore) }) // runs last: after the connections and the server have ended
	s := capturetest.Start(t)
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, nil)
	return s
}

// rawNDJSON are options that archive messages as they are, as lines of JSON under dir/<subject>.
func rawNDJSON(dir string) *rawOptions {
	o := jetcapture.DefaultOptions[*jetcapture.NatsMessage, string]()
	o.NATSStreamName, o.NATSConsumerName = streamName, consumerName
	o.MessageDecoder = jetcapture.NatsToNats(jetcapture.SubjectToDestKey)
	o.WriterFactory = format.NewRawNDJSON[*jetcapture.NatsMessage]
	o.Suffix = "ndjson"
	o.Store = jetcapture.SingleDirStore[string](dir)
	return o
}

// untilCaughtUp runs a capture until it has everything.
func untilCaughtUp(t *testing.T, s *capturetest.Server, o *rawOptions) {
	t.Helper()
	o.UntilCaughtUp = true
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := o.Build().Run(ctx, s.Connect()); err != nil {
		t.Fatalf("Run = %v", err)
	}
	if ctx.Err() != nil {
		t.Fatal("the capture did not catch up")
	}
}

// start runs a capture in the background. stop cancels it and returns what Run returned.
func start(t *testing.T, c *rawCapture, nc *nats.Conn) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, nc) }()
	var stopped bool
	stop = func() error {
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if !stopped {
			_ = stop()
		}
	})
	return stop
}

// order is the i-th test message, on one of 8 subjects.
func order(i int) *nats.Msg {
	return &nats.Msg{Subject: fmt.Sprintf("orders.k%d", i%8), Data: fmt.Appendf(nil, `{"order":%d}`, i)}
}

// A row is a line of a raw NDJSON file.
type row struct {
	Subject   string              `json:"subject"`
	Headers   map[string][]string `json:"headers"`
	Data      []byte              `json:"data"`
	StreamSeq uint64              `json:"stream_seq"`
}

// readRows returns the rows of all NDJSON files under dir.
func readRows(t *testing.T, dir string) (rows []row) {
	t.Helper()
	for _, name := range files(t, dir, ".ndjson") {
		rows = append(rows, readJSONLines[row](t, name)...)
	}
	return rows
}

func readLetters(t *testing.T, dir string) (deadLetters []jetcapture.DeadLetter) {
	t.Helper()
	for _, name := range files(t, filepath.Join(dir, "_deadletter"), ".jsonl") {
		deadLetters = append(deadLetters, readJSONLines[jetcapture.DeadLetter](t, name)...)
	}
	return deadLetters
}

func readJSONLines[T any](t *testing.T, name string) (values []T) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(bytes.NewReader(content))
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return values
		}
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatalf("%s: %v in line %q", name, err, line)
		}
		values = append(values, v)
	}
}

// files lists the files under dir with a suffix.
func files(t *testing.T, dir, suffix string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, suffix) {
			names = append(names, path)
		}
		if os.IsNotExist(err) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// wantOrders fails unless rows are exactly the orders of the sequences 1 to n, each at least once, and if exactlyOnce is
// set no oftener.
func wantOrders(t *testing.T, rows []row, n int, exactlyOnce bool) {
	t.Helper()
	seen := make(map[uint64]int, n)
	for _, r := range rows {
		seen[r.StreamSeq]++
		want := order(int(r.StreamSeq) - 1)
		if r.Subject != want.Subject || !bytes.Equal(r.Data, want.Data) {
			t.Fatalf("sequence %d is %s %s, want %s %s", r.StreamSeq, r.Subject, r.Data, want.Subject, want.Data)
		}
	}
	missing := 0
	for seq := range n {
		if seen[uint64(seq+1)] == 0 {
			missing++
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d messages are missing", missing, n)
	}
	if exactlyOnce && len(rows) != n {
		t.Errorf("%d rows of %d messages", len(rows), n)
	}
}

// eventually waits until ok is true, for as long as the busiest machine may need.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	const most = 2 * time.Minute
	deadline := time.Now().Add(most)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("after %v still not: %s", most, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

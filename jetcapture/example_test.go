package jetcapture_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/apipb"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/store"
)

// exampleT stands for the test that capturetest needs, and runs its cleanups when the example ends.
type exampleT struct {
	testing.TB
	cleanups []func()
}

func (*exampleT) Helper()                           {}
func (t *exampleT) Cleanup(f func())                { t.cleanups = append(t.cleanups, f) }
func (*exampleT) Fatalf(format string, args ...any) { log.Panicf(format, args...) }
func (*exampleT) Fatal(args ...any)                 { log.Panic(args...) }

func (t *exampleT) TempDir() string {
	dir, err := os.MkdirTemp("", "example-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (t *exampleT) end() {
	for len(t.cleanups) > 0 {
		last := len(t.cleanups) - 1
		f := t.cleanups[last]
		t.cleanups = t.cleanups[:last]
		f()
	}
}

// startExample starts a server with a stream ORDERS of the payloads, and returns a connection to it and an empty folder.
func startExample(payloads ...string) (nc *nats.Conn, dir string, end func()) {
	t := new(exampleT)
	s := capturetest.Start(t)
	s.Stream("ORDERS", "orders.>")
	s.Publish(len(payloads), func(i int) *nats.Msg {
		return &nats.Msg{Subject: "orders." + []string{"new", "paid"}[i%2], Data: []byte(payloads[i])}
	})
	return s.Connect(), t.TempDir(), t.end
}

// printFiles prints the files of a lake with their contents, without the parts of their names that are always others.
func printFiles(dir string) {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || strings.HasPrefix(name, "_jetcapture") {
			return err
		}
		text, err := os.ReadFile(path)
		folder, _, _ := strings.Cut(filepath.ToSlash(name), "/date=")
		fmt.Printf("%s/…%s\n%s", folder, filepath.Ext(name), text)
		return err
	})
	if err != nil {
		log.Print(err)
	}
}

type Order struct {
	ID     string `json:"id"`
	Region string `json:"region"`
}

// A capture decodes JSON, makes a folder for each region and a file for each interval, and delivers exactly once. Run returns nil
// when ctx has ended and everything that was held is stored and acknowledged, or, as here, when the capture has caught up.
func Example() {
	nc, dir, end := startExample(`{"id":"o-1","region":"eu"}`, `{"id":"o-2","region":"us"}`, `{"id":"o-3","region":"eu"}`)
	defer end()

	options := jetcapture.DefaultOptions[*Order, string]()
	options.NATSStreamName = "ORDERS"
	options.NATSConsumerName = "lake"
	options.CreateConsumer = true
	options.Delivery = jetcapture.ExactlyOnce
	options.MessageDecoder = jetcapture.JSON(func(o *Order) string { return o.Region })
	options.WriterFactory = func() jetcapture.FormattedDataWriter[*Order] {
		return jetcapture.NewCSVWriter([]string{"id", "region"}, func(o *Order) ([][]string, error) {
			return [][]string{{o.ID, o.Region}}, nil
		})
	}
	options.Store = store.Blocks[string](store.NewDir(dir), nil)
	options.UntilCaughtUp = true
	if err := options.Build().Run(context.Background(), nc); err != nil {
		log.Print(err)
	}

	printFiles(dir)
	// Output:
	// eu/….csv
	// id,region
	// o-1,eu
	// o-3,eu
	// us/….csv
	// id,region
	// o-2,us
}

// orderWriter writes orders as lines of JSON.
func orderWriter() jetcapture.FormattedDataWriter[*Order] {
	return new(jetcapture.NewLineDelimitedJSON[*Order])
}

// A message that is no JSON goes to a dead-letter file, with the reason, and does not hold up the others.
func ExampleJSON() {
	nc, dir, end := startExample(`{"id":"o-1","region":"eu"}`, `not JSON`)
	defer end()

	options := jetcapture.DefaultOptions[*Order, string]()
	options.NATSStreamName, options.NATSConsumerName, options.CreateConsumer = "ORDERS", "lake", true
	options.MessageDecoder = jetcapture.JSON(func(o *Order) string { return o.Region })
	options.WriterFactory = orderWriter
	options.Suffix = "ndjson"
	options.Store = store.Blocks[string](store.NewDir(dir), nil)
	options.UntilCaughtUp = true
	if err := options.Build().Run(context.Background(), nc); err != nil {
		log.Print(err)
	}

	deadLetters, _ := filepath.Glob(filepath.Join(dir, "_deadletter", "*", "*", "*"))
	for _, file := range deadLetters {
		text, err := os.ReadFile(file)
		if err != nil {
			log.Print(err)
		}
		var letter struct {
			Subject, Stage string
			Data           []byte
		}
		if err := json.Unmarshal(text, &letter); err != nil {
			log.Print(err)
		}
		fmt.Printf("%s: %s: %s\n", letter.Subject, letter.Stage, letter.Data)
	}
	// Output:
	// orders.paid: decode: not JSON
}

// Messages as they are, in a folder for each subject. Their columns are format.RawColumns.
func ExampleNatsToNats() {
	nc, dir, end := startExample("one", "two")
	defer end()

	options := jetcapture.DefaultOptions[*jetcapture.NatsMessage, string]()
	options.NATSStreamName, options.NATSConsumerName, options.CreateConsumer = "ORDERS", "lake", true
	options.MessageDecoder = jetcapture.NatsToNats(jetcapture.SubjectToDestKey)
	options.WriterFactory = func() jetcapture.FormattedDataWriter[*jetcapture.NatsMessage] {
		return format.NewRawNDJSON[*jetcapture.NatsMessage]()
	}
	options.Store = store.Blocks[string](store.NewDir(dir), nil)
	options.UntilCaughtUp = true
	if err := options.Build().Run(context.Background(), nc); err != nil {
		log.Print(err)
	}

	lines := new(bytes.Buffer)
	for _, subject := range []string{"orders.new", "orders.paid"} {
		files, _ := filepath.Glob(filepath.Join(dir, subject, "*", "*", "*"))
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				log.Print(err)
			}
			lines.Write(text)
		}
	}
	for line := range strings.Lines(lines.String()) {
		var m struct {
			Subject   string
			StreamSeq int `json:"stream_seq"`
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			log.Print(err)
		}
		fmt.Println(m.Subject, m.StreamSeq)
	}
	// Output:
	// orders.new 1
	// orders.paid 2
}

// A struct as destination key makes a folder name=value for each of its fields, which readers show as columns.
func ExampleOptions_hiveFolders() {
	nc, dir, end := startExample(`{"id":"o-1","region":"eu"}`, `{"id":"o-2","region":"us"}`)
	defer end()

	type Place struct {
		Tenant string `hive:"tenant"`
		Region string `hive:"by_region"` // the rows have a column region
	}
	options := jetcapture.DefaultOptions[*Order, Place]()
	options.NATSStreamName, options.NATSConsumerName, options.CreateConsumer = "ORDERS", "lake", true
	options.MessageDecoder = jetcapture.JSON(func(o *Order) Place { return Place{Tenant: "acme", Region: o.Region} })
	options.WriterFactory = orderWriter
	options.Suffix = "ndjson"
	options.Store = store.Blocks[Place](store.NewDir(dir), nil)
	options.UntilCaughtUp = true
	if err := options.Build().Run(context.Background(), nc); err != nil {
		log.Print(err)
	}

	printFiles(dir)
	// Output:
	// tenant=acme/by_region=eu/….ndjson
	// {"id":"o-1","region":"eu"}
	// tenant=acme/by_region=us/….ndjson
	// {"id":"o-2","region":"us"}
}

// A decoder of protocol buffers takes three lines. Parquet and Arrow make columns of the message's fields.
func ExampleOptions_protocolBuffers() {
	payload, err := proto.Marshal(&apipb.Method{Name: "Ship", RequestTypeUrl: "orders.Ship"})
	if err != nil {
		log.Print(err)
	}
	nc, dir, end := startExample(string(payload))
	defer end()

	options := jetcapture.DefaultOptions[*apipb.Method, string]()
	options.NATSStreamName, options.NATSConsumerName, options.CreateConsumer = "ORDERS", "lake", true
	options.MessageDecoder = func(msg *nats.Msg) (*apipb.Method, string, error) {
		method := new(apipb.Method)
		err := proto.Unmarshal(msg.Data, method)
		return method, "methods", err
	}
	options.WriterFactory = func() jetcapture.FormattedDataWriter[*apipb.Method] {
		return jetcapture.NewCSVWriter([]string{"name", "request"}, func(m *apipb.Method) ([][]string, error) {
			return [][]string{{m.GetName(), m.GetRequestTypeUrl()}}, nil
		})
	}
	options.Store = store.Blocks[string](store.NewDir(dir), nil)
	options.UntilCaughtUp = true
	if err := options.Build().Run(context.Background(), nc); err != nil {
		log.Print(err)
	}

	printFiles(dir)
	// Output:
	// methods/….csv
	// name,request
	// Ship,orders.Ship
}

// With ExactlyOnce, messages that come again are recognized by the ledger, and are not stored a second time: here all of them, because
// the consumer was removed and made again.
func ExampleDelivery() {
	nc, dir, end := startExample(`{"id":"o-1","region":"eu"}`, `{"id":"o-2","region":"us"}`)
	defer end()

	options := jetcapture.DefaultOptions[*Order, string]()
	options.NATSStreamName, options.NATSConsumerName, options.CreateConsumer = "ORDERS", "lake", true
	options.Delivery = jetcapture.ExactlyOnce
	options.MessageDecoder = jetcapture.JSON(func(o *Order) string { return o.Region })
	options.WriterFactory = orderWriter
	options.Suffix = "ndjson"
	options.Store = store.Blocks[string](store.NewDir(dir), nil)
	options.UntilCaughtUp = true
	known := 0
	options.Observer.Repeated = func(_, stored int) { known += stored }

	for range 2 {
		if err := options.Build().Run(context.Background(), nc); err != nil {
			log.Print(err)
		}
		if js, err := nc.JetStream(); err == nil {
			_ = js.DeleteConsumer("ORDERS", "lake")
		}
	}

	fmt.Println("already stored:", known)
	printFiles(dir)
	// Output:
	// already stored: 2
	// eu/….ndjson
	// {"id":"o-1","region":"eu"}
	// us/….ndjson
	// {"id":"o-2","region":"us"}
}

// Examine lists what a capture with these options depends on, each problem with its fix, and captures nothing.
func ExampleExamine() {
	nc, dir, end := startExample(`{"id":"o-1","region":"eu"}`)
	defer end()

	options := jetcapture.DefaultOptions[*Order, string]()
	options.NATSStreamName, options.NATSConsumerName = "ORDERS", "lake"
	options.MessageDecoder = jetcapture.JSON(func(o *Order) string { return o.Region })
	options.WriterFactory = orderWriter
	options.Suffix = "ndjson"
	options.Store = store.Blocks[string](store.NewDir(dir), nil)

	findings, err := jetcapture.Examine(context.Background(), nc, options)
	if err != nil {
		log.Print(err)
	}
	for _, f := range findings {
		if f.Severity == jetcapture.SeverityFatal {
			fmt.Printf("%s: %s\n", f.Check, f.Found)
		}
	}
	// Output:
	// consumer: not found
}

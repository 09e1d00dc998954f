package jetcapture_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
	"github.com/jetcapture/lake/store/s3store"
)

// chaosEnv makes the test binary one of the processes of the chaos tests. It holds a chaosRole as JSON.
const chaosEnv = "JETCAPTURE_TEST_CHAOS"

// A chaosRole is what a process is to be. One of its fields is set.
type chaosRole struct {
	Capture *chaosCapture
	Server  *chaosServer
}

// chaosProcess plays the role until it is told to end, and returns the exit code.
func chaosProcess(role string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.Lock(os.Stderr), zap.DebugLevel),
		zap.Fields(zap.Int("pid", os.Getpid())))
	var r chaosRole
	err := json.Unmarshal([]byte(role), &r)
	switch {
	case err != nil:
	case r.Capture != nil:
		err = r.Capture.run(ctx, log)
	case r.Server != nil:
		err = r.Server.run(ctx)
	}
	if err != nil {
		log.Error("the process ends", zap.Error(err))
		return 1
	}
	return 0
}

// chaosCapture is a capture into Parquet files.
type chaosCapture struct {
	Delivery    jetcapture.Delivery
	Retention   time.Duration // of the ledger
	Flags       chaosFlags
	Report      string            // the file for a chaosReport, if the life ends well
	Servers     string            // URLs
	Store       string            // URL
	Secrets     map[string]string // variables of the environment
	Seed        uint64            // of the store's moods
	Faults      float64           // how often the store is in a mood
	TempDir     string
	MaxMessages int
	CaughtUp    bool // to end once all is archived
}

// chaosKey is the destination key, so that there are several files at a time.
type chaosKey struct {
	Key string `hive:"key"`
}

// chaosFlags say which folders a capture makes. They may change from one life to the next.
type chaosFlags struct {
	Split string // one of the splits
	Date  bool   // store.DateLayout
}

const (
	splitKeys    = ""
	splitPairs   = "pairs" // two keys have one folder
	splitNothing = "nothing"
)

func (f chaosFlags) destKey(subject string) chaosKey {
	key := strings.TrimPrefix(subject, "orders.")
	switch f.Split {
	case splitPairs:
		i, err := strconv.Atoi(key[1:])
		if err != nil {
			panic(err)
		}
		return chaosKey{strconv.Itoa(i / 2)}
	case splitNothing:
		return chaosKey{}
	default:
		return chaosKey{key}
	}
}

func (f chaosFlags) folder(key chaosKey) (string, error) {
	switch f.Split {
	case splitPairs:
		return store.HivePart("pair", key.Key), nil
	case splitNothing:
		return "all", nil
	default:
		return store.HivePart("key", key.Key), nil
	}
}

// A chaosReport is what a life that ended well had.
type chaosReport struct {
	Delivered []chaosDelivered
	GivenUp   []chaosGivenUp
}

// chaosDelivered is a message that was delivered.
type chaosDelivered struct {
	Seq, Order, Nanos int64
	Key               string
}

// chaosGivenUp is a block that others were in the way of: which messages it may have had.
type chaosGivenUp struct {
	Key         string
	First, Last uint64 // sequences
	Start, End  int64  // of the interval, in nanoseconds
}

const (
	chaosAckWait   = 3 * time.Second
	chaosRetention = time.Minute // of the ledger, at least: half of it is longer than any process stands still
)

func (c *chaosCapture) run(ctx context.Context, log *zap.Logger) error {
	writers, err := parquet.RawWriters[*jetcapture.NatsMessage](parquet.Options{})
	if err != nil {
		return err
	}
	for name, value := range c.Secrets {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	bucket, err := store.Open(ctx, c.Store, s3store.Driver(), azurestore.Driver())
	if err != nil {
		return err
	}
	o := jetcapture.DefaultOptions[*jetcapture.NatsMessage, chaosKey]()
	o.NATSStreamName, o.NATSConsumerName, o.Delivery = streamName, consumerName, c.Delivery
	var report chaosReport
	o.MessageDecoder = jetcapture.NatsToNats(func(m *nats.Msg) chaosKey {
		key := c.Flags.destKey(m.Subject)
		report.deliver(m, key)
		return key
	})
	var reporting sync.Mutex
	o.Observer.BlockAbandoned = func(b jetcapture.Block, _ error) {
		reporting.Lock()
		defer reporting.Unlock()
		key, _ := b.DestKey.(chaosKey)
		report.GivenUp = append(report.GivenUp, chaosGivenUp{key.Key, b.FirstSeq, b.LastSeq, b.Start.UnixNano(), b.End.UnixNano()})
	}
	if c.Flags.Date {
		o.Layout = store.DateLayout
	}
	o.WriterFactory, o.Suffix = writers, "parquet"
	o.Store = store.Blocks[chaosKey](newMoodyBucket(bucket, c.Seed, c.Faults, log), c.Flags.folder)
	o.MaxAge, o.Grace, o.MaxMessages = time.Second, 100*time.Millisecond, c.MaxMessages
	o.StoreConcurrency, o.DrainTimeout = 48, 15*time.Second // a store in a mood takes long, and blocks of other flags are in the way
	if c.Delivery == jetcapture.ExactlyOnce {
		o.LedgerRetention = c.Retention
	}
	o.BufferToDisk, o.TempDir = c.Seed%2 == 0, c.TempDir
	o.UntilCaughtUp, o.Logger = c.CaughtUp, log
	nc, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer nc.Close()
	log.Info("the process captures", zap.Any("flags", c.Flags))
	if err := o.Build().Run(ctx, nc); err != nil || c.Report == "" {
		return err
	}
	content, err := json.Marshal(report)
	if err != nil {
		return err
	}
	partial := c.Report + ".part" // the life may still be ended by a signal
	return errors.Join(os.WriteFile(partial, content, 0o644), os.Rename(partial, c.Report))
}

// deliver takes note of a message.
func (r *chaosReport) deliver(m *nats.Msg, key chaosKey) {
	var content struct{ Order int64 }
	if md, err := m.Metadata(); err == nil && json.Unmarshal(m.Data, &content) == nil {
		r.Delivered = append(r.Delivered, chaosDelivered{int64(md.Sequence.Stream), content.Order, md.Timestamp.UnixNano(), key.Key})
	}
}

func (c *chaosCapture) connect(ctx context.Context) (*nats.Conn, error) {
	for {
		nc, err := nats.Connect(c.Servers, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
		if err == nil {
			return nc, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// chaosServer is a nats-server that keeps its data and ports from one life to the next.
type chaosServer struct {
	Name   string
	Dir    string
	Port   int
	Route  int      // the port for other servers of the cluster; 0: there is none
	Routes []string // to all of them
}

func (s *chaosServer) url() string { return fmt.Sprintf("nats://127.0.0.1:%d", s.Port) }

func (s *chaosServer) run(ctx context.Context) error {
	o := &server.Options{
		ServerName: s.Name, Host: "127.0.0.1", Port: s.Port, JetStream: true, StoreDir: s.Dir, NoSigs: true, NoLog: true,
	}
	if s.Route != 0 {
		o.Cluster = server.ClusterOpts{Name: "chaos", Host: "127.0.0.1", Port: s.Route}
		for _, route := range s.Routes {
			u, err := url.Parse(route)
			if err != nil {
				return err
			}
			o.Routes = append(o.Routes, u)
		}
	}
	started, err := server.NewServer(o)
	if err != nil {
		return err
	}
	started.Start()
	if !started.ReadyForConnections(20 * time.Second) {
		return errors.New("nats-server is not ready after 20s")
	}
	<-ctx.Done()
	started.Shutdown()
	started.WaitForShutdown()
	return nil
}

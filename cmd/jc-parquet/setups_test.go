package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

const (
	setupMessages = 30
	setupPatience = 8 * time.Second // in which a run that works has stored what was published
)

// A setup is a server with streams and limits, and flags for doctor and run.
type setup struct {
	start func(t *testing.T, w *world) // runs w.server, makes what is there, and publishes setupMessages orders
	args  []string
	fatal string   // the check that the doctor finds fatal; "" if run works
	warns string   // a check that it warns of
	says  []string // in the cause or the change of that
	fixes bool     // after doctor --fix run works
}

// A world is where a setup's commands run.
type world struct {
	server *capturetest.Server
	dir    string // a lake
	before int    // rows in it
}

var setups = map[string]setup{
	"nothing but a stream": {start: withOrders(nil)},
	"a consumer":           {start: withOrders(nil, consumer(nil))},
	"a consumer as made":   {start: withOrders(nil, consumer(func(c *jetstream.ConsumerConfig) { c.MaxAckPending, c.AckWait = 0, 0 })), warns: "AckWait", fixes: true},
	"a consumer that captures suffer from": {
		start: withOrders(nil, consumer(func(c *jetstream.ConsumerConfig) {
			c.AckWait, c.MaxAckPending, c.MaxDeliver, c.BackOff, c.InactiveThreshold = 30*time.Second, 100, 5, []time.Duration{30 * time.Second, time.Minute}, time.Hour
		})), warns: "BackOff", says: []string{"replaces AckWait", "remove BackOff"}, fixes: true,
	},
	"at least once":          {start: withOrders(nil), args: []string{"--delivery=at-least-once"}},
	"an account with limits": {start: withOrders(nil, limits(func(l *server.JetStreamAccountLimits) { l.MaxStore, l.MaxStreams, l.MaxConsumers = 1<<30, 2, 1 }))},

	"no stream":   {start: func(t *testing.T, w *world) { w.server = capturetest.Start(t) }, fatal: "stream", says: []string{"create stream ORDERS"}},
	"no consumer": {start: withOrders(nil), args: []string{"--create-consumer=false"}, fatal: "consumer", says: []string{"--create-consumer"}},
	"no JetStream": {
		start: func(t *testing.T, w *world) {
			w.server = capturetest.StartWith(t, func(o *server.Options) { o.JetStream = false })
		}, fatal: "JetStream", says: []string{"enable JetStream"},
	},
	"consumer without acks": {
		start: withOrders(nil, consumer(func(c *jetstream.ConsumerConfig) { c.AckPolicy = jetstream.AckNonePolicy })), fatal: "ack policy", says: []string{"explicit acks"},
	},

	"a paused consumer": {
		start: withOrders(nil, consumer(func(c *jetstream.ConsumerConfig) { until := time.Now().Add(time.Hour); c.PauseUntil = &until })), fatal: "pause", says: []string{"resume the consumer"},
	},
	"a consumer of small requests": {
		start: withOrders(nil, consumer(func(c *jetstream.ConsumerConfig) {
			c.MaxWaiting, c.MaxRequestBatch, c.MaxRequestExpires = 1, 5, time.Second
		})),
	},
	"a domain that is not there": {start: withOrders(nil), args: []string{"--js-domain=nowhere"}, fatal: "JetStream", says: []string{"name its domain"}},
	"an account without memory":  {start: withOrders(nil, limits(func(l *server.JetStreamAccountLimits) { l.MaxMemory = 0 }))},

	"as many streams as allowed": {
		start: withOrders(nil, limits(func(l *server.JetStreamAccountLimits) { l.MaxStreams = 1 })), fatal: "ledger", says: []string{"all of the 1 streams", "allow the account more streams"},
	},
	"and no ledger": {
		start: withOrders(nil, limits(func(l *server.JetStreamAccountLimits) { l.MaxStreams = 1 })), args: []string{"--delivery=at-least-once"},
	},
	"no storage left to reserve": {
		start: withOrders(func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 20 }, limits(func(l *server.JetStreamAccountLimits) { l.MaxStore = 1 << 20 })),
		fatal: "ledger", says: []string{"left to reserve", "allow the account more storage"},
	},
	"storage used up": {
		start: withOrders(nil, func(t *testing.T, w *world) {
			w.publish(t)
			w.server.Limit(2<<20, false)
			w.fill(t)
		}), fatal: "account's storage", says: []string{"allow the account more storage"},
	},
	"limits required of streams, and little storage": {
		start: withOrders(func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 20 }, limits(func(l *server.JetStreamAccountLimits) { l.MaxStore, l.MaxBytesRequired = 8<<20, true })),
		fatal: "ledger", says: []string{"set --ledger-max-bytes to 7340032 or less"},
	},
	"limits required of streams, and a small ledger": {
		start: withOrders(func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 20 }, limits(func(l *server.JetStreamAccountLimits) { l.MaxStore, l.MaxBytesRequired = 8<<20, true })),
		args:  []string{"--ledger-max-bytes=1MiB"},
	},
	"small streams": {
		start: withOrders(nil, limits(func(l *server.JetStreamAccountLimits) { l.StoreMaxStreamBytes = 1 << 20 })), args: []string{"--ledger-max-bytes=2MiB"},
		fatal: "ledger", says: []string{"set --ledger-max-bytes to 1048576 or less"},
	},
	"a tier": {
		start: func(t *testing.T, w *world) {
			w.server = capturetest.Start(t)
			w.server.LimitAccount("R1", func(l *server.JetStreamAccountLimits) { l.MaxStore, l.MaxStreams = 1<<20, 2 })
			w.orders(t, nil)
		},
	},
	"a tier of few streams": {
		start: func(t *testing.T, w *world) {
			w.server = capturetest.Start(t)
			w.server.LimitAccount("R1", func(l *server.JetStreamAccountLimits) { l.MaxStore, l.MaxStreams = 1<<20, 1 })
			w.orders(t, nil)
		}, fatal: "ledger", says: []string{"all of the 1 streams"},
	},

	"as many consumers as allowed": {
		start: withOrders(nil, otherConsumer, limits(func(l *server.JetStreamAccountLimits) { l.MaxConsumers = 1 })), fatal: "consumer", says: []string{"all of the 1 consumers", "allow it more"},
	},
	"as many consumers as the stream has": {
		start: withOrders(func(c *jetstream.StreamConfig) { c.MaxConsumers = 1 }, otherConsumer), fatal: "consumer", says: []string{"MaxConsumers"},
	},
	"one consumer a stream, and a capture that ended just now": {
		start: withOrders(nil, limits(func(l *server.JetStreamAccountLimits) { l.MaxConsumers = 1 }), afterRun), fatal: "ledger's entries", says: []string{"maximum consumers limit", "to have some more"},
	},
	"a work queue": {start: withOrders(func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy })},
	"a work queue with a consumer": {
		start: withOrders(func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy }, otherConsumer), fatal: "consumer", says: []string{"filter subjects"},
	},
	"few un-acked messages, by the account": {
		start: withOrders(nil, limits(func(l *server.JetStreamAccountLimits) { l.MaxAckPending = 5_000 })), warns: "MaxAckPending", says: []string{"5000", "1000000"},
	},
	"few un-acked messages, by the stream": {
		start: withOrders(func(c *jetstream.StreamConfig) { c.ConsumerLimits.MaxAckPending = 5_000 }), warns: "MaxAckPending", says: []string{"5000"},
	},
	"few un-acked messages, by the server": {
		start: func(t *testing.T, w *world) {
			w.server = capturetest.StartWith(t, func(o *server.Options) { o.JetStreamLimits.MaxAckPending = 5_000 })
			w.orders(t, nil)
		}, warns: "MaxAckPending", says: []string{"5000"},
	},
	"a stream that forgets consumers": {
		start: withOrders(func(c *jetstream.StreamConfig) { c.ConsumerLimits.InactiveThreshold = time.Hour }), warns: "InactiveThreshold", says: []string{"limits for consumers"},
	},

	"all subjects": {
		start: withOrders(func(c *jetstream.StreamConfig) { c.Subjects, c.NoAck = []string{">"}, true }), args: []string{"--delivery=at-least-once"},
		fatal: "stream's subjects", says: []string{"comes again", "narrower subjects"},
	},
	"all subjects of several words": {
		start: withOrders(func(c *jetstream.StreamConfig) { c.Subjects, c.NoAck = []string{"*.>"}, true }), args: []string{"--delivery=at-least-once"},
		fatal: "stream's subjects", says: []string{"comes again", "narrower subjects"},
	},
	"all subjects of two words": {
		start: withOrders(func(c *jetstream.StreamConfig) { c.Subjects, c.NoAck = []string{"*.*"}, true }), fatal: "stream's subjects", says: []string{"inbox", "set --inbox-prefix to _INBOX.jc"},
	},
	"all subjects of two words, and another inbox": {
		start: withOrders(func(c *jetstream.StreamConfig) { c.Subjects, c.NoAck = []string{"*.*"}, true }), args: []string{"--inbox-prefix=_INBOX.jc"},
	},
	"all subjects, and a filter": {
		start: withOrders(func(c *jetstream.StreamConfig) { c.Subjects, c.NoAck = []string{">"}, true }, consumer(func(c *jetstream.ConsumerConfig) { c.FilterSubject = "orders.*" })),
		args:  []string{"--delivery=at-least-once"}, fatal: "stream's subjects", says: []string{"comes again", "narrower subjects"},
	},
	"acks": {
		start: withOrders(func(c *jetstream.StreamConfig) { c.Subjects, c.NoAck = []string{"orders.*", "$JS.ACK.>"}, true }),
		fatal: "stream's subjects", says: []string{"the acks of captures", "filter subjects"},
	},
	"acks, and a filter": {
		start: withOrders(func(c *jetstream.StreamConfig) { c.Subjects, c.NoAck = []string{"orders.*", "$JS.ACK.>"}, true },
			consumer(func(c *jetstream.ConsumerConfig) { c.FilterSubject = "orders.*" })),
		warns: "stream's subjects",
	},
	"answers to captures": {
		start: withOrders(func(c *jetstream.StreamConfig) { c.Subjects, c.NoAck = []string{"orders.*", "_INBOX.*.*"}, true },
			consumer(func(c *jetstream.ConsumerConfig) { c.FilterSubject = "orders.*" })),
	},
	"another stream of all that has three words or more": {
		start: withOrders(nil, func(t *testing.T, w *world) {
			if _, err := w.server.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"*.*.*.>"}, NoAck: true}); err != nil {
				t.Fatal(err)
			}
		}), fatal: "ledger", says: []string{"stream OTHER", "give that stream narrower subjects, or set --delivery to at-least-once"},
	},
	"somebody who listens to ledgers": {
		start: withOrders(nil, otherStream("JC_LEDGER.>")), fatal: "ledger", says: []string{"stream OTHER", "set --ledger-subject to _JC.ledgers"},
	},
	"somebody who listens to ledgers, and another subject": {
		start: withOrders(nil, otherStream("JC_LEDGER.>")), args: []string{"--ledger-subject=_JC.ledgers"},
	},

	"a stream that is no ledger": {
		start: withOrders(nil, func(_ *testing.T, w *world) { w.server.Stream("JC_ORDERS_lake", "other") }), fatal: "ledger", says: []string{"--ledger"},
	},
	"a ledger that forgets": {
		start: withOrders(nil, afterRun, ledgerWith(func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour })), fatal: "ledger", says: []string{"remove MaxAge"}, fixes: true,
	},
	"a ledger that is full": {
		start: withOrders(nil, afterRun, ledgerWith(func(c *jetstream.StreamConfig) { c.MaxBytes = 1_200 })), fatal: "ledger's room", says: []string{"set MaxBytes of stream JC_ORDERS_lake"}, fixes: true,
	},
	"a ledger of few entries": {
		start: withOrders(nil, afterRun, ledgerWith(func(c *jetstream.StreamConfig) { c.MaxMsgs = 2 })), fatal: "ledger's MaxMsgs", says: []string{"remove MaxMsgs"}, fixes: true,
	},
	"a ledger that denies purging": {
		start: withOrders(nil, afterRun, ledgerWith(func(c *jetstream.StreamConfig) { c.DenyPurge = true })), fatal: "ledger", says: []string{"denies purging", "--ledger"},
	},
	"another place": {
		start: withOrders(nil, afterRun, func(t *testing.T, w *world) { w.dir = filepath.Join(t.TempDir(), "other") }), fatal: "ledger's store", says: []string{"put the files back", "jc-parquet reset"},
	},
	"a place that is a file": {
		start: withOrders(nil, func(t *testing.T, w *world) {
			w.dir = filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(w.dir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}), fatal: "store", says: []string{"another store"},
	},
}

// withOrders starts a server with a stream of orders, then does more, and publishes.
func withOrders(change func(*jetstream.StreamConfig), more ...func(*testing.T, *world)) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		w.server = capturetest.Start(t)
		w.orders(t, change, more...)
	}
}

func (w *world) orders(t *testing.T, change func(*jetstream.StreamConfig), more ...func(*testing.T, *world)) {
	t.Helper()
	config := jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.*"}}
	if change != nil {
		change(&config)
	}
	if _, err := w.server.JetStream().CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	for _, f := range more {
		f(t, w)
	}
	w.publish(t)
}

// publish publishes orders, and does not wait for acks, which some streams do not give.
func (w *world) publish(t *testing.T) {
	t.Helper()
	nc := w.server.Connect()
	for range setupMessages {
		if err := nc.Publish("orders.new", []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
}

func consumer(change func(*jetstream.ConsumerConfig)) func(*testing.T, *world) {
	return func(_ *testing.T, w *world) { w.server.Consumer("ORDERS", "lake", change) }
}

func otherConsumer(_ *testing.T, w *world) { w.server.Consumer("ORDERS", "other", nil) }

func otherStream(subjects ...string) func(*testing.T, *world) {
	return func(_ *testing.T, w *world) { w.server.Stream("OTHER", subjects...) }
}

func limits(change func(*server.JetStreamAccountLimits)) func(*testing.T, *world) {
	return func(_ *testing.T, w *world) { w.server.LimitAccount("", change) }
}

// fill stores messages in another stream until the account takes no more.
func (w *world) fill(t *testing.T) {
	t.Helper()
	w.server.Stream("OTHER", "other")
	js := w.server.JetStream()
	for size := 60 << 10; size > 10; size /= 2 {
		for range 100 {
			if _, err := js.Publish(t.Context(), "other", make([]byte, size)); err != nil {
				break
			}
		}
	}
}

// afterRun lets a capture archive some orders first.
func afterRun(t *testing.T, w *world) {
	w.publish(t)
	if code, rows, stderr := w.run(t, nil); code != app.ExitOK || rows != setupMessages {
		t.Fatalf("exit code %d, %d rows: %s", code, rows, stderr)
	}
	w.before = setupMessages
}

// ledgerWith changes the ledger's stream.
func ledgerWith(change func(*jetstream.StreamConfig)) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		js := w.server.JetStream()
		s, err := js.Stream(t.Context(), "JC_ORDERS_lake")
		if err != nil {
			t.Fatal(err)
		}
		config := s.CachedInfo().Config
		change(&config)
		if _, err := js.UpdateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) flags(command string, args []string) []string {
	flags := []string{command, "--server", w.server.URL(), "--stream=ORDERS", "--consumer=lake", "--out", w.dir, "--format=ndjson"}
	if !slices.Contains(args, "--create-consumer=false") {
		flags = append(flags, "--create-consumer")
	}
	return append(flags, args...)
}

// run captures until it has caught up, or too long, and counts the rows of files.
func (w *world) run(t *testing.T, args []string) (code, rows int, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), setupPatience)
	defer cancel()
	out := new(screen)
	cmd := newCommand()
	cmd.Writer, cmd.ErrWriter = out, out
	code = app.Execute(ctx, cmd, append([]string{"jc-parquet"}, w.flags("run", append([]string{"--until-caught-up", "--drain-timeout=1s"}, args...))...))
	if ctx.Err() != nil {
		code = app.ExitError
	}
	return code, rowsIn(t, w.dir) - w.before, out.String()
}

// rowsIn counts the lines of the NDJSON files in a lake, which may not be there.
func rowsIn(t *testing.T, dir string) (rows int) {
	t.Helper()
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return 0
	}
	for _, file := range files(t, dir) {
		if filepath.Ext(file) != ".ndjson" {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		rows += bytes.Count(content, []byte("\n"))
	}
	return rows
}

// doctor returns the findings that are not in order, by what was looked at.
func (w *world) doctor(t *testing.T, args []string) (worst jetcapture.Severity, bad map[string]jetcapture.Finding, code int) {
	t.Helper()
	code, stdout, stderr := jcParquet(w.flags("doctor", append([]string{"--json"}, args...))...)
	var r report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("exit code %d, %v in\n%s%s", code, err, stdout, stderr)
	}
	bad = map[string]jetcapture.Finding{}
	for _, f := range r.Findings {
		if f.Severity != jetcapture.SeverityOK {
			t.Logf("%s %s: %s: %s -> %s", f.Severity, f.Check, f.Found, f.Why, f.Change)
			bad[f.Check] = f
		}
	}
	if stderr != "" {
		t.Log(stderr)
	}
	return r.Worst, bad, code
}

func TestDoctorIsFatalExactlyWhereRunCannotWork(t *testing.T) {
	for name, s := range setups {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{dir: filepath.Join(t.TempDir(), "lake")}
			s.start(t, w)
			worst, bad, code := w.doctor(t, s.args)
			if fatal := worst == jetcapture.SeverityFatal; fatal != (s.fatal != "") || fatal != (code == app.ExitError) {
				t.Errorf("the worst is %s, exit code %d", worst, code)
			}
			check := s.fatal + s.warns
			f, found := bad[check]
			if check != "" && (!found || f.Why == "" || f.Change == "" || s.fatal != "" && f.Severity != jetcapture.SeverityFatal) {
				t.Errorf("of %s it finds %+v", check, f)
			}
			for _, part := range s.says {
				if !strings.Contains(f.Found+f.Why+f.Change, part) {
					t.Errorf("it does not say %q", part)
				}
			}
			if s.fixes != f.Fixable {
				t.Errorf("it can fix it: %v", f.Fixable)
			}
			code, rows, stderr := w.run(t, s.args)
			if works := code == app.ExitOK && rows == setupMessages; works != (s.fatal == "") {
				t.Errorf("run ends with %d and %d rows: %s", code, rows, stderr)
			}
			if !s.fixes {
				return
			}
			if worst, _, code := w.doctor(t, append([]string{"--fix"}, s.args...)); worst == jetcapture.SeverityFatal || code != app.ExitOK {
				t.Errorf("after --fix the worst is %s, exit code %d", worst, code)
			}
			if s.fatal == "" {
				return
			}
			if code, rows, stderr := w.run(t, s.args); code != app.ExitOK || rows != setupMessages {
				t.Errorf("after --fix run ends with %d and %d rows: %s", code, rows, stderr)
			}
		})
	}
}

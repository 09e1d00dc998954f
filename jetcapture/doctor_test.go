package jetcapture_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/store"
)

// examine returns what is not in order, by what was looked at.
func examine(t *testing.T, s *capturetest.Server, o *rawOptions) map[string]jetcapture.Finding {
	t.Helper()
	findings, err := jetcapture.Examine(t.Context(), s.Connect(), o)
	if err != nil {
		t.Fatalf("Examine = %v", err)
	}
	bad := map[string]jetcapture.Finding{}
	for _, f := range findings {
		t.Logf("%s: %s: %s; %s; %s", f.Severity, f.Check, f.Found, f.Why, f.Change)
		if f.Severity != jetcapture.SeverityOK {
			bad[f.Check] = f
		}
		if f.Severity != jetcapture.SeverityOK && (f.Found == "" || f.Why == "" || f.Change == "") {
			t.Errorf("the finding about %s does not say everything", f.Check)
		}
	}
	return bad
}

// want fails unless exactly these checks are not in order.
func want(t *testing.T, bad map[string]jetcapture.Finding, severity jetcapture.Severity, checks ...string) {
	t.Helper()
	if got := slices.Sorted(maps.Keys(bad)); !slices.Equal(got, slices.Sorted(slices.Values(checks))) {
		t.Fatalf("not in order are %q, want %q", got, checks)
	}
	for check, f := range bad {
		if f.Severity != severity {
			t.Errorf("%s is %s, want %s", check, f.Severity, severity)
		}
	}
}

// harm gives a consumer what a capture suffers from.
func harm(c *jetstream.ConsumerConfig) {
	c.AckWait, c.MaxAckPending, c.MaxDeliver = 30*time.Second, 1_000, 5
	c.BackOff = []time.Duration{30 * time.Second, time.Minute}
	c.InactiveThreshold = time.Hour
	c.Description, c.FilterSubject, c.Metadata = "ours", "orders.>", map[string]string{"team": "lake"}
}

func TestDoctorNamesWhatHurtsACaptureAndFixMendsIt(t *testing.T) {
	s := capturetest.Start(t)
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, harm)
	o := onceNDJSON(t.TempDir())
	bad := examine(t, s, o)
	want(t, bad, jetcapture.SeverityWarning, "AckWait", "MaxAckPending", "MaxDeliver", "BackOff", "InactiveThreshold")
	for check, change := range map[string]string{
		"AckWait": "set AckWait to 22m30s or more", "MaxAckPending": "set MaxAckPending to 1000000", "MaxDeliver": "set MaxDeliver to -1",
		"BackOff": "remove BackOff", "InactiveThreshold": "remove InactiveThreshold",
	} {
		if f := bad[check]; f.Change != change || !f.Fixable {
			t.Errorf("for %s it says %q, fixable %v", check, f.Change, f.Fixable)
		}
	}
	before := s.Info(streamName, consumerName).Config
	fixed, err := jetcapture.Fix(t.Context(), s.Connect(), o, slices.Collect(maps.Values(bad)))
	if err != nil || len(fixed) != 5 {
		t.Fatalf("Fix = %v, %v", fixed, err)
	}
	want(t, examine(t, s, o), "")
	after := s.Info(streamName, consumerName).Config
	before.AckWait, before.MaxAckPending, before.MaxDeliver, before.BackOff, before.InactiveThreshold = 22*time.Minute+30*time.Second, 1_000_000, -1, nil, 0
	if fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("the consumer is\n%+v, want\n%+v", after, before)
	}
}

func TestFixWithoutAnythingToFixChangesNothing(t *testing.T) {
	s := startServer(t)
	fixed, err := jetcapture.Fix(t.Context(), s.Connect(), rawNDJSON(t.TempDir()), []jetcapture.Finding{{Severity: jetcapture.SeverityFatal}})
	if err != nil || fixed != nil {
		t.Errorf("Fix = %v, %v", fixed, err)
	}
}

func TestRunWarnsOfWhatTheDoctorFinds(t *testing.T) {
	s := capturetest.Start(t)
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, harm)
	core, logs := observer.New(zap.WarnLevel)
	o := onceNDJSON(t.TempDir())
	o.Logger = zap.New(core)
	untilCaughtUp(t, s, o)
	var checks []string
	for _, entry := range logs.All() {
		if check, ok := entry.ContextMap()["check"].(string); ok {
			checks = append(checks, check)
		}
	}
	slices.Sort(checks)
	if fmt.Sprint(checks) != "[AckWait BackOff InactiveThreshold MaxAckPending MaxDeliver]" {
		t.Errorf("it warns of %q", checks)
	}
}

func TestDoctorFindsAConsumerThatACaptureMadeInOrder(t *testing.T) {
	s := capturetest.Start(t)
	s.Stream(streamName, "orders.>")
	s.Publish(100, order)
	o := onceNDJSON(t.TempDir())
	o.CreateConsumer = true
	want(t, examine(t, s, o), "")
	if _, err := s.JetStream().Consumer(t.Context(), streamName, consumerName); !errors.Is(err, jetstream.ErrConsumerNotFound) {
		t.Errorf("Examine has made the consumer, or %v", err)
	}
	untilCaughtUp(t, s, o)
	want(t, examine(t, s, o), "")
}

func TestDoctorFindsWhatRunRefuses(t *testing.T) {
	s := startServer(t)
	for name, change := range map[string]func(*jetstream.ConsumerConfig){
		"none": func(c *jetstream.ConsumerConfig) { c.AckPolicy = jetstream.AckNonePolicy },
		"all":  func(c *jetstream.ConsumerConfig) { c.AckPolicy = jetstream.AckAllPolicy },
		"groups": func(c *jetstream.ConsumerConfig) {
			c.PriorityPolicy, c.PriorityGroups = jetstream.PriorityPolicyOverflow, []string{"first"}
		},
		"push": func(c *jetstream.ConsumerConfig) { c.DeliverSubject = "pushed" },
	} {
		if name == "push" {
			config := jetstream.ConsumerConfig{Durable: name, AckPolicy: jetstream.AckExplicitPolicy}
			change(&config)
			if _, err := s.JetStream().CreatePushConsumer(t.Context(), streamName, config); err != nil {
				t.Fatal(err)
			}
			continue
		}
		s.Consumer(streamName, name, func(c *jetstream.ConsumerConfig) { c.AckWait = time.Hour; change(c) })
	}
	if _, err := s.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"other"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: "LIMITED", Subjects: []string{"JC_LEDGER.ORDERS.lake.*"}, MaxAge: time.Hour}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(o *rawOptions)
		check  string
	}{
		"no stream":                  {func(o *rawOptions) { o.NATSStreamName = "NONE" }, "stream"},
		"no consumer":                {func(o *rawOptions) { o.NATSConsumerName = "nobody" }, "consumer"},
		"push":                       {func(o *rawOptions) { o.NATSConsumerName = "push" }, "consumer"},
		"no acks":                    {func(o *rawOptions) { o.NATSConsumerName = "none" }, "ack policy"},
		"priority groups":            {func(o *rawOptions) { o.NATSConsumerName = "groups" }, "priority groups"},
		"AckAll, at least once":      {func(o *rawOptions) { o.NATSConsumerName, o.Delivery = "all", jetcapture.AtLeastOnce }, "ack policy"},
		"a ledger of other subjects": {func(o *rawOptions) { o.LedgerName = "OTHER" }, "ledger"},
		"a ledger with limits":       {func(o *rawOptions) { o.LedgerName = "LIMITED" }, "ledger"},
		"a store that overwrites":    {func(o *rawOptions) { o.Store = overwriting{o.Store.(locatorStore)} }, "store"},
		"a writer that cannot start": {func(o *rawOptions) { o.WriterFactory = func() format.Writer[*jetcapture.NatsMessage] { return nil } }, "writers"},
	} {
		t.Run(name, func(t *testing.T) {
			o := onceNDJSON(t.TempDir())
			o.MaxAge = 10 * time.Second
			if name == "no stream" {
				s.Consumer(streamName, consumerName, nil) // the same again
			}
			c.change(o)
			bad := examine(t, s, o)
			delete(bad, "AckWait")
			want(t, bad, jetcapture.SeverityFatal, c.check)
			if err := o.Build().Run(t.Context(), s.Connect()); err == nil {
				t.Error("Run does not refuse it")
			}
		})
	}
}

// unprobed is a store that has what exactly-once delivery needs, and cannot be probed.
type unprobed struct {
	store.BlockStore[string]
	store.RootWriter
	store.Locator[string]
}

func TestDoctorWarnsOfAStoreThatCannotBeProbed(t *testing.T) {
	s := startServer(t)
	o := onceNDJSON(t.TempDir())
	inner := o.Store.(locatorStore)
	for name, blocks := range map[string]jetcapture.BlockStore[string]{
		"by itself": unprobed{inner, inner, inner},
		"chosen": store.Choose(func(string) (jetcapture.BlockStore[string], error) { return inner, nil },
			jetcapture.BlockStore[string](unprobed{inner, inner, inner})),
	} {
		t.Run(name, func(t *testing.T) {
			o.Store = blocks
			bad := examine(t, s, o)
			if f, ok := bad["store"]; !ok || f.Severity != jetcapture.SeverityWarning || !strings.Contains(f.Change, "Probe") {
				t.Errorf("the finding about the store is %+v", f)
			}
			less := *o
			less.Delivery = jetcapture.AtLeastOnce
			if f, ok := examine(t, s, &less)["store"]; ok {
				t.Errorf("with at-least-once delivery there is %+v", f)
			}
		})
	}
}

func TestDoctorAllowsAckAllForExactlyOnceWithANote(t *testing.T) {
	s := capturetest.Start(t)
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.AckPolicy, c.AckWait = jetstream.AckAllPolicy, time.Hour })
	findings, err := jetcapture.Examine(t.Context(), s.Connect(), onceNDJSON(t.TempDir()))
	if err != nil || jetcapture.Worst(findings) != jetcapture.SeverityOK {
		t.Errorf("Examine = %v, %v", findings, err)
	}
	if !slices.ContainsFunc(findings, func(f jetcapture.Finding) bool {
		return f.Check == "ack policy" && strings.Contains(f.Why, "one capture alone")
	}) {
		t.Errorf("nothing is said of a single capture: %v", findings)
	}
}

func TestDoctorSaysWhatItFoundBeforeItCouldNotLook(t *testing.T) {
	s := startServer(t)
	nc := s.Connect()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	findings, err := jetcapture.Examine(ctx, nc, rawNDJSON(t.TempDir()))
	if !errors.Is(err, context.Canceled) || len(findings) == 0 {
		t.Errorf("Examine = %v, %v", findings, err)
	}
	if _, err := jetcapture.Examine(t.Context(), nc, new(rawOptions)); err == nil || !strings.Contains(err.Error(), "NATSStreamName is empty") {
		t.Errorf("Examine without options = %v", err)
	}
}

func TestDoctorFindsThatTheStreamHasLostItsEnd(t *testing.T) {
	s := capturetest.Start(t)
	s.Stream(streamName, "orders.>")
	s.Publish(100, order)
	o := onceNDJSON(t.TempDir())
	o.CreateConsumer = true
	untilCaughtUp(t, s, o)
	want(t, examine(t, s, o), "")

	nc := s.Connect()
	js := s.JetStream()
	source, err := js.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	book := ledger.NewBook(ledger.DefaultCacheBytes)
	log, err := ledger.OpenStream(t.Context(), nc, js, source.CachedInfo(), consumerName, ledger.StreamOptions{}, book)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- log.Run(ctx) }()
	if err := log.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	if err := ledger.New(book, log, nil, ledger.Options{Instance: "other"}).NoteFork(ctx, 51, 1, 2); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	bad := examine(t, s, o)
	want(t, bad, jetcapture.SeverityWarning, "stream's end")
	if f := bad["stream's end"]; !strings.Contains(f.Found, "from sequence 51 on") || !strings.Contains(f.Change, "sync_interval: always") {
		t.Errorf("it says %q, %q", f.Found, f.Change)
	}
}

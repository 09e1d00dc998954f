package jetcapture_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// found returns what the doctor says of a check, the first of its findings.
func found(t *testing.T, nc *nats.Conn, o *rawOptions, check string) jetcapture.Finding {
	t.Helper()
	findings, err := jetcapture.Examine(t.Context(), nc, o)
	if err != nil {
		t.Fatalf("Examine = %v", err)
	}
	i := slices.IndexFunc(findings, func(f jetcapture.Finding) bool { return f.Check == check })
	if i < 0 {
		t.Fatalf("nothing is said of %s, but %+v", check, findings)
	}
	return findings[i]
}

// changeLedger changes the configuration of the ledger's stream.
func changeLedger(t *testing.T, s *capturetest.Server, change func(*jetstream.StreamConfig)) {
	t.Helper()
	js := s.JetStream()
	stream, err := js.Stream(t.Context(), ledgerName)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	change(&config)
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
}

func TestFixMakesEveryChangeThatCanBeMade(t *testing.T) {
	t.Parallel()
	s := capturetest.Start(t)
	s.Stream(streamName, "orders.>")
	s.Publish(10, order)
	s.Consumer(streamName, consumerName, harm)
	o := onceNDJSON(t.TempDir())
	o.LedgerMaxBytes = 1 << 20
	untilCaughtUp(t, s, o)
	s.LimitAccount("", func(l *server.JetStreamAccountLimits) { l.MaxStore, l.MaxAckPending = 2<<20, 5_000 })
	changeLedger(t, s, func(c *jetstream.StreamConfig) { c.MaxBytes, c.MaxMsgSize = 1_000, 1_000 })
	s.LimitAccount("", func(l *server.JetStreamAccountLimits) { l.MaxStore, l.MaxAckPending = 1<<19, 5_000 }) // no room for the ledger to grow
	findings, err := jetcapture.Examine(t.Context(), s.Connect(), o)
	if err != nil {
		t.Fatal(err)
	}
	fixed, err := jetcapture.Fix(t.Context(), s.Connect(), o, findings)
	if err == nil || !strings.Contains(err.Error(), "ledger's room is not fixed: update stream") || strings.Count(err.Error(), "not fixed") != 1 {
		t.Errorf("Fix = %v", err)
	}
	var checks []string
	for _, f := range fixed {
		checks = append(checks, f.Check)
	}
	slices.Sort(checks)
	if got := strings.Join(checks, ", "); got != "AckWait, BackOff, InactiveThreshold, MaxAckPending, MaxDeliver, ledger's MaxMsgSize" {
		t.Errorf("it has fixed %s", got)
	}
	c := s.Info(streamName, consumerName).Config
	if c.AckWait != 22*time.Minute+30*time.Second || c.MaxAckPending != 5_000 || c.MaxDeliver != -1 || len(c.BackOff) != 0 || c.InactiveThreshold != 0 {
		t.Errorf("the consumer is %+v", c)
	}
}

func TestFixGivesTheLedgerTheReplicasOfTheStream(t *testing.T) {
	t.Parallel()
	s := capturetest.StartCluster(t, 3)[0]
	js := s.JetStream()
	config := jetstream.StreamConfig{Name: streamName, Subjects: []string{"orders.>"}}
	eventually(t, "the stream is made", func() bool {
		_, err := js.CreateStream(t.Context(), config)
		return err == nil
	})
	o := onceNDJSON(t.TempDir())
	o.CreateConsumer = true
	untilCaughtUp(t, s, o)
	config.Replicas = 3
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	f := found(t, s.Connect(), o, "ledger")
	if f.Severity != jetcapture.SeverityWarning || !f.Fixable || f.Change != "set Replicas of stream JC_ORDERS_lake to 3" {
		t.Fatalf("it says %+v", f)
	}
	if fixed, err := jetcapture.Fix(t.Context(), s.Connect(), o, []jetcapture.Finding{f}); err != nil || len(fixed) != 1 {
		t.Fatalf("Fix = %v, %v", fixed, err)
	}
	if f := found(t, s.Connect(), o, "ledger"); f.Severity != jetcapture.SeverityOK {
		t.Errorf("then it says %+v", f)
	}
}

func TestDoctorSaysHowManyMessagesTheLedgerRemembersOfANewConsumer(t *testing.T) {
	t.Parallel()
	s := capturetest.Start(t)
	s.Stream(streamName, "orders.>")
	s.Publish(100, order)
	o := onceNDJSON(t.TempDir())
	o.CreateConsumer = true
	untilCaughtUp(t, s, o)
	nc := s.Connect()
	if f := found(t, nc, o, "ledger's entries"); f.Severity != jetcapture.SeverityOK || f.Found != "100 messages in 8 files" {
		t.Errorf("it says %+v", f)
	}
	if err := s.JetStream().DeleteConsumer(t.Context(), streamName, consumerName); err != nil {
		t.Fatal(err)
	}
	before := ledgerState(t, s)
	for range 2 { // a consumer that is to be made, and one that was made
		f := found(t, nc, o, "ledger's entries")
		if f.Severity != jetcapture.SeverityWarning || !strings.HasPrefix(f.Found, "100 messages in 8 files, up to sequence 100") || f.Change == "" {
			t.Errorf("it says %+v", f)
		}
		s.Consumer(streamName, consumerName, nil)
	}
	if after := ledgerState(t, s); after.LastSeq != before.LastSeq {
		t.Errorf("the ledger has got %d entries of the doctor", after.LastSeq-before.LastSeq)
	}
}

func ledgerState(t *testing.T, s *capturetest.Server) jetstream.StreamState {
	t.Helper()
	stream, err := s.JetStream().Stream(t.Context(), ledgerName)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State
}

func TestDoctorSaysWhoIsAtWork(t *testing.T) {
	t.Parallel()
	for _, policy := range []jetstream.AckPolicy{jetstream.AckExplicitPolicy, jetstream.AckAllPolicy} {
		s := capturetest.Start(t)
		s.Stream(streamName, "orders.>")
		s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.AckPolicy, c.AckWait = policy, time.Hour })
		o := onceNDJSON(t.TempDir())
		stop := start(t, o.Build(), s.Connect())
		eventually(t, "the capture pulls", func() bool { return s.Info(streamName, consumerName).NumWaiting > 0 })
		f := found(t, s.Connect(), o, "captures at work")
		if policy == jetstream.AckAllPolicy && (f.Severity != jetcapture.SeverityFatal || !strings.Contains(f.Change, "stop it")) {
			t.Errorf("of a capture that has the consumer for itself it says %+v", f)
		}
		if policy == jetstream.AckExplicitPolicy && (f.Severity != jetcapture.SeverityOK || !strings.Contains(f.Found, "requests for messages are waiting")) {
			t.Errorf("of a capture that others may join it says %+v", f)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if f := found(t, s.Connect(), o, "captures at work"); f.Severity != jetcapture.SeverityOK || f.Found != "none pulls" {
			t.Errorf("after it has ended it says %+v", f)
		}
	}
}

func TestDoctorGoesOnWithoutRightsThatACaptureDoesNotNeed(t *testing.T) {
	t.Parallel()
	s := capturetest.Start(t)
	s.Stream(streamName, "orders.>")
	s.Restrict("doctor", "$JS.API.INFO", "$JS.API.STREAM.NAMES")
	nc, err := nats.Connect(s.URL(), nats.UserInfo("doctor", "doctor"), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	o := onceNDJSON(t.TempDir())
	o.CreateConsumer = true
	if f := found(t, nc, o, "account"); f.Severity != jetcapture.SeverityAdvice || f.Found != "not known" || !strings.Contains(f.Change, "$JS.API.INFO") {
		t.Errorf("it says %+v", f)
	}
	if f := found(t, nc, o, "ledger's subjects"); f.Severity != jetcapture.SeverityAdvice || !strings.Contains(f.Change, "$JS.API.STREAM.NAMES") {
		t.Errorf("it says %+v", f)
	}
}

func TestDoctorFindsEntriesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := capturetest.Start(t)
	s.Stream(streamName, "orders.>")
	o := onceNDJSON(t.TempDir())
	o.CreateConsumer = true
	untilCaughtUp(t, s, o)
	s.Restrict("doctor", "JC_LEDGER.>")
	nc, err := nats.Connect(s.URL(), nats.UserInfo("doctor", "doctor"), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if f := found(t, nc, o, "permissions"); f.Severity != jetcapture.SeverityFatal || !strings.Contains(f.Change, "publish to JC_LEDGER.>") {
		t.Errorf("it says %+v", f)
	}
}

func TestDoctorSeesAConsumerOfTheSameNameInAnotherDomain(t *testing.T) {
	t.Parallel()
	hub, leaf := startDomains(t, 10)
	hub.makeConsumer(consumerName, time.Minute)
	leaf.makeConsumer(consumerName, time.Minute)
	leaf.makeConsumer("other", time.Minute)
	nc := hub.connect()
	o := onceInDomain(leaf, t.TempDir(), consumerName)
	if f := found(t, nc, o, "domain"); f.Severity != jetcapture.SeverityWarning || f.Change != "use a consumer of another name" || !strings.Contains(f.Found, "domain hub") {
		t.Errorf("it says %+v", f)
	}
	findings, err := jetcapture.Examine(t.Context(), nc, onceInDomain(leaf, t.TempDir(), "other"))
	if err != nil || slices.ContainsFunc(findings, func(f jetcapture.Finding) bool { return f.Check == "domain" }) {
		t.Errorf("of a consumer that is in one domain it says %+v, %v", findings, err)
	}
}

func TestRunMakesAConsumerWithWhatIsAllowedAndWarns(t *testing.T) {
	t.Parallel()
	s := capturetest.StartWith(t, func(o *server.Options) { o.JetStreamLimits.MaxAckPending = 300_000 })
	s.Stream(streamName, "orders.>")
	core, logs := observer.New(zap.WarnLevel)
	o := onceNDJSON(t.TempDir())
	o.CreateConsumer, o.Logger = true, zap.New(core)
	untilCaughtUp(t, s, o)
	if n := s.Info(streamName, consumerName).Config.MaxAckPending; n != 300_000 {
		t.Errorf("MaxAckPending is %d", n)
	}
	const want = "The server allows consumers of stream ORDERS a MaxAckPending of 300000, and the consumer is made with that instead of 1000000: all captures together may hold no more."
	if logs.Len() != 1 || logs.All()[0].Message != want {
		t.Errorf("it warns %+v", logs.All())
	}
}

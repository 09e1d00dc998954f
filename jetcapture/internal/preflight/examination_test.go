package preflight

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

const maxInFlight = 200_000

// healthy is an examination that finds everything in order: of an hour of a message a millisecond.
func healthy() *examination {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	wanted := jsapi.ConsumerConfig("lake", 15*time.Minute, maxInFlight)
	return &examination{
		Plan: &Plan{
			ExactlyOnce: true, Interval: time.Minute, Grace: time.Second, MaxInFlight: maxInFlight, ResumeFrom: 1_000,
			LedgerRetention: func(ackWait time.Duration) time.Duration { return max(ledger.MinRetention, 2*(time.Minute+ackWait)) },
		},
		stream: &jetstream.StreamInfo{
			Config: jetstream.StreamConfig{Name: "ORDERS", Replicas: 3, MaxMsgs: -1, MaxBytes: -1, MaxMsgsPerSubject: -1},
			State:  jetstream.StreamState{Msgs: 3_600_000, Bytes: 360e6, FirstTime: now.Add(-time.Hour), LastTime: now, LastSeq: 500},
		},
		consumer: &jetstream.ConsumerInfo{Config: *wanted, TimeStamp: now.Add(5 * time.Millisecond), NumWaiting: 2},
		wanted:   jsapi.ConsumerConfig("lake", time.Minute, maxInFlight),
		server:   "2.15.2",
		inbox:    "_INBOX",
		asked:    now, answered: now.Add(10 * time.Millisecond),
	}
}

func retention(d time.Duration) func(time.Duration) time.Duration {
	return func(time.Duration) time.Duration { return d }
}

func TestExaminationFindsWhatIsNotInOrder(t *testing.T) {
	for name, c := range map[string]struct {
		change func(e *examination)
		want   string // severity, check, and a part of what is said; "" is nothing
	}{
		"all is well":             {func(*examination) {}, ""},
		"no consumer yet":         {func(e *examination) { e.consumer = nil }, ""},
		"a server that is old":    {func(e *examination) { e.server = "2.11.4" }, "advice server 2.14 or later"},
		"and of use all the same": {func(e *examination) { e.server, e.ExactlyOnce = "2.11.4", false }, ""},
		"a release candidate":     {func(e *examination) { e.server = "2.14.0-RC.1" }, ""},
		"a leaf node that is old": {func(e *examination) {
			e.server, e.consumer.Config.Metadata = "2.9.0", map[string]string{"_nats.ver": "2.15.2"}
		}, ""},
		"AckAll on an old server":            {func(e *examination) { e.server, e.consumer.Config.AckPolicy = "2.11.4", jetstream.AckAllPolicy }, "fatal ack policy explicit acks"},
		"a server that passes over messages": {func(e *examination) { e.server = "2.10.18" }, "warning server issue 5705"},
		"and not with a filter": {func(e *examination) {
			e.server, e.ExactlyOnce, e.consumer.Config.FilterSubject = "2.10.18", false, "a"
		}, ""},
		"a cluster that deletes streams": {func(e *examination) { e.server = "v2.10.22" }, "warning server versions 2.10.20 to 2.10.22"},
		"and the next version":           {func(e *examination) { e.server, e.ExactlyOnce = "2.10.23", false }, ""},
		"several filters, and purges": {func(e *examination) {
			e.server, e.consumer.Config.FilterSubjects = "2.14.3", []string{"a", "b"}
		}, "warning server issue 8571"},
		"a clock that is ahead":  {func(e *examination) { e.asked, e.answered = e.asked.Add(5*time.Second), e.answered.Add(5*time.Second) }, "warning clock 5s ahead of the server's"},
		"a clock that is behind": {func(e *examination) { e.asked, e.answered = e.asked.Add(-time.Hour), e.answered.Add(-time.Hour) }, "warning clock 1h0m0s behind the server's"},
		"a clock within the grace": {func(e *examination) {
			e.asked, e.answered = e.asked.Add(500*time.Millisecond), e.answered.Add(500*time.Millisecond)
		}, ""},
		"a slow answer": {func(e *examination) { e.asked = e.asked.Add(-time.Minute) }, ""},

		"AckWait below the interval":         {func(e *examination) { e.consumer.Config.AckWait = 59 * time.Second }, "warning AckWait set AckWait to 2m0s"},
		"AckWait without time to store":      {func(e *examination) { e.consumer.Config.AckWait = 90 * time.Second }, "advice AckWait set AckWait to 2m0s"},
		"MaxAckPending as servers choose it": {func(e *examination) { e.consumer.Config.MaxAckPending = 1_000 }, "warning MaxAckPending set MaxAckPending to 1000000"},
		"MaxAckPending below the rate":       {func(e *examination) { e.consumer.Config.MaxAckPending = 100_000 }, "warning MaxAckPending some 60000 messages come in an interval of 1m0s"},
		"MaxAckPending of a filter":          {func(e *examination) { e.consumer.Config.MaxAckPending, e.consumer.Config.FilterSubject = 100_000, "a" }, "advice MaxAckPending Options.MaxInFlight"},
		"MaxAckPending without a limit":      {func(e *examination) { e.consumer.Config.MaxAckPending = -1 }, ""},
		"MaxInFlight below the rate":         {func(e *examination) { e.MaxInFlight = 100_000 }, "advice MaxInFlight run several captures"},
		"MaxDeliver":                         {func(e *examination) { e.consumer.Config.MaxDeliver = 100 }, "warning MaxDeliver set MaxDeliver to -1"},
		"no payloads":                        {func(e *examination) { e.consumer.Config.HeadersOnly = true }, "warning HeadersOnly unset"},
		"replay":                             {func(e *examination) { e.consumer.Config.ReplayPolicy = jetstream.ReplayOriginalPolicy }, "warning replay policy instant"},
		"a pause":                            {func(e *examination) { e.consumer.Paused, e.consumer.PauseRemaining = true, time.Hour }, "warning pause 1h0m0s to go"},
		"an ephemeral consumer":              {func(e *examination) { e.consumer.Config.Durable = "" }, "warning consumer durable"},
		"memory of one server": {
			func(e *examination) { e.consumer.Config.MemoryStorage, e.consumer.Config.Replicas = true, 1 },
			"warning storage the consumer is gone",
		},
		"memory of three": {func(e *examination) { e.consumer.Config.MemoryStorage = true }, ""},
		"a file for very many un-acked": {
			func(e *examination) { e.MaxInFlight, e.consumer.Config.MaxAckPending = 1_000_000, -1 }, "advice storage memory storage",
		},

		"what a crash has left": {func(e *examination) { e.consumer.NumWaiting, e.consumer.NumAckPending = 0, 500_000 }, ""},
		"and at-least-once must wait for": {func(e *examination) {
			e.consumer.NumWaiting, e.consumer.NumAckPending, e.ExactlyOnce = 0, 500_000, false
		}, "warning un-acked messages a capture was killed"},
		"what captures hold":               {func(e *examination) { e.consumer.NumAckPending, e.ExactlyOnce = 500_000, false }, ""},
		"all that is allowed":              {func(e *examination) { e.consumer.NumAckPending = 1_000_000 }, "warning un-acked messages reached MaxAckPending"},
		"redelivery of much":               {func(e *examination) { e.consumer.NumAckPending, e.consumer.NumRedelivered = 500_000, 400_000 }, "warning un-acked messages 400000 delivered again"},
		"a stream that has lost its end":   {func(e *examination) { e.consumer.Delivered.Stream, e.consumer.AckFloor.Stream = 900, 700 }, "warning delivered up to resets the consumer to sequence 501 or before"},
		"and a server that cannot reset":   {func(e *examination) { e.server, e.consumer.Delivered.Stream, e.ExactlyOnce = "2.11.4", 900, false }, "fatal delivered up to at most 501"},
		"a consumer that begins later":     {func(e *examination) { e.consumer.Delivered.Stream, e.consumer.Config.OptStartSeq = 900, 901 }, ""},
		"a ledger that is forgetful":       {func(e *examination) { e.LedgerRetention = retention(10 * time.Minute) }, "warning ledger retention set Options.LedgerRetention to 1h0m0s"},
		"a ledger below what is held":      {func(e *examination) { e.LedgerRetention = retention(4 * time.Minute) }, "warning ledger retention is given up"},
		"no ledger, no matter how forgets": {func(e *examination) { e.LedgerRetention, e.ExactlyOnce = retention(4*time.Minute), false }, ""},
	} {
		t.Run(name, func(t *testing.T) { wantFinding(t, c.change, c.want) })
	}
}

func TestExaminationFindsStreamsThatTakeWhatCapturesSay(t *testing.T) {
	for name, c := range map[string]struct {
		subjects []string
		inbox    string
		filter   string
		want     string
	}{
		"others":                       {[]string{"orders.>", "payments.*"}, "", "", ""},
		"none":                         {nil, "", "", ""},
		"everything":                   {[]string{">"}, "", "", "fatal stream's subjects give the stream narrower subjects"},
		"everything, with a filter":    {[]string{">"}, "", "orders.>", "fatal stream's subjects comes again"},
		"several words":                {[]string{"*.>"}, "", "", "fatal stream's subjects narrower"},
		"two words":                    {[]string{"*.*"}, "", "", "fatal stream's subjects nats.CustomInboxPrefix to _INBOX.jc, or"},
		"two words, and another inbox": {[]string{"*.*"}, "_INBOX.jc", "", ""},
		"two or three words":           {[]string{"*.*", "*.*.*"}, "", "", "fatal stream's subjects nats.CustomInboxPrefix to _INBOX.jc.capture, or"},
		"three words":                  {[]string{"*.*.*"}, "", "", "warning stream's subjects each of them is archived"},
		"three words, with a filter":   {[]string{"*.*.*"}, "", "orders.*.*", ""},
		"acks":                         {[]string{"$JS.ACK.>"}, "", "", "fatal stream's subjects another name whose filter subjects"},
		"acks that are not delivered":  {[]string{"orders", "$JS.ACK.>"}, "", "orders", "warning stream's subjects the consumer does not deliver"},
		"a last word":                  {[]string{"*.orders", "*.*.new", "*.*.*.*.*.*.*.*.last"}, "", "", ""},
		"an inbox of its own":          {[]string{"_INBOX.>"}, "_INBOX_lake", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			wantFinding(t, func(e *examination) {
				e.stream.Config.Subjects, e.consumer.Config.FilterSubject = c.subjects, c.filter
				if c.inbox != "" {
					e.inbox = c.inbox
				}
			}, c.want)
		})
	}
}

func TestExaminationKnowsWhatIsAllowed(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(e *examination)
		want    string
		fixable bool
	}{
		"less than the account allows": {func(e *examination) { e.allowed, e.consumer.Config.MaxAckPending = 5_000, 1_000 }, "warning MaxAckPending set MaxAckPending to 5000", true},
		"all that the account allows":  {func(e *examination) { e.allowed, e.consumer.Config.MaxAckPending = 5_000, 5_000 }, "warning MaxAckPending allow a MaxAckPending of 1000000", false},
		"all that the stream allows": {func(e *examination) {
			e.stream.Config.ConsumerLimits.MaxAckPending, e.consumer.Config.MaxAckPending = 5_000, 5_000
		}, "warning MaxAckPending consumers of stream ORDERS", false},
		"a threshold of the stream": {func(e *examination) {
			e.stream.Config.ConsumerLimits.InactiveThreshold, e.consumer.Config.InactiveThreshold = time.Hour, time.Hour
		}, "warning InactiveThreshold from the stream's limits", false},
	} {
		t.Run(name, func(t *testing.T) {
			wantFinding(t, c.change, c.want)
			e := healthy()
			c.change(e)
			for _, f := range e.findings() {
				if f.Severity != OK && f.Fixable != c.fixable {
					t.Errorf("it can be fixed: %v", f.Fixable)
				}
			}
		})
	}
}

func TestExaminationFindsStreamsThatDeleteWhatIsNotArchived(t *testing.T) {
	for name, c := range map[string]struct {
		change func(e *examination, c *jetstream.StreamConfig, s *jetstream.StreamState)
		want   string
	}{
		// Here a message may be held for 2m1s, and comes again after 22m30s.
		"by age":        {func(_ *examination, c *jetstream.StreamConfig, _ *jetstream.StreamState) { c.MaxAge = 20 * time.Minute }, "warning stream's MaxAge set the stream's MaxAge to 24m31s or more"},
		"not by age":    {func(_ *examination, c *jetstream.StreamConfig, _ *jetstream.StreamState) { c.MaxAge = time.Hour }, ""},
		"by number":     {func(_ *examination, c *jetstream.StreamConfig, _ *jetstream.StreamState) { c.MaxMsgs = 4_000_00 }, "warning stream's MaxMsgs which is 6m40s of messages"},
		"not by number": {func(_ *examination, c *jetstream.StreamConfig, _ *jetstream.StreamState) { c.MaxMsgs = 4_000_000 }, ""},
		"by bytes":      {func(_ *examination, c *jetstream.StreamConfig, _ *jetstream.StreamState) { c.MaxBytes = 40e6 }, "warning stream's MaxBytes set it to 147100000 bytes or more"},
		"not by bytes":  {func(_ *examination, c *jetstream.StreamConfig, _ *jetstream.StreamState) { c.MaxBytes = 400e6 }, ""},
		"not of old ones": {func(_ *examination, c *jetstream.StreamConfig, _ *jetstream.StreamState) {
			c.MaxMsgs, c.Discard = 400_000, jetstream.DiscardNew
		}, ""},
		"who knows": {func(_ *examination, c *jetstream.StreamConfig, s *jetstream.StreamState) {
			c.MaxMsgs, s.Msgs, s.FirstTime = 400_000, 10_000, s.LastTime.Add(-time.Second)
		}, ""},
		"full in a moment": {func(_ *examination, c *jetstream.StreamConfig, s *jetstream.StreamState) {
			c.MaxMsgs, s.Msgs, s.FirstTime = 10_000, 10_000, s.LastTime.Add(-time.Second)
		}, "warning stream's MaxMsgs which is 1s of messages"},
		"empty": {func(_ *examination, c *jetstream.StreamConfig, s *jetstream.StreamState) {
			c.MaxMsgs, *s = 10_000, jetstream.StreamState{}
		}, ""},
		"by subject": {func(_ *examination, c *jetstream.StreamConfig, _ *jetstream.StreamState) { c.MaxMsgsPerSubject = 1 }, "warning stream's MaxMsgsPerSubject set it to -1"},
		"for want of interest": {
			func(e *examination, c *jetstream.StreamConfig, _ *jetstream.StreamState) {
				e.consumer, c.Retention = nil, jetstream.InterestPolicy
			},
			"warning stream's retention create the consumer",
		},
		"with interest": {func(_ *examination, c *jetstream.StreamConfig, _ *jetstream.StreamState) {
			c.Retention = jetstream.InterestPolicy
		}, ""},
		"when acked": {func(_ *examination, c *jetstream.StreamConfig, _ *jetstream.StreamState) {
			c.Retention = jetstream.WorkQueuePolicy
		}, ""},
		"by a restart": {func(_ *examination, c *jetstream.StreamConfig, _ *jetstream.StreamState) {
			c.Storage, c.Replicas = jetstream.MemoryStorage, 1
		}, "advice stream file storage"},
		"by a server that writes later": {func(_ *examination, c *jetstream.StreamConfig, _ *jetstream.StreamState) {
			c.PersistMode = jetstream.AsyncPersistMode
		}, "warning stream's persist mode when it dies"},
		"by a publisher": {func(_ *examination, c *jetstream.StreamConfig, _ *jetstream.StreamState) { c.AllowMsgTTL = true }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			wantFinding(t, func(e *examination) { c.change(e, &e.stream.Config, &e.stream.State) }, c.want)
		})
	}
}

// wantFinding fails unless the changed examination finds exactly what is wanted.
func wantFinding(t *testing.T, change func(*examination), want string) {
	t.Helper()
	e := healthy()
	change(e)
	findings := slices.DeleteFunc(e.findings(), func(f Finding) bool { return f.Severity == OK })
	if want == "" && len(findings) == 0 {
		return
	}
	if want == "" || len(findings) != 1 {
		t.Fatalf("it finds %+v, want %q", findings, want)
	}
	f := findings[0]
	start := string(f.Severity) + " " + f.Check + " "
	reported := fmt.Sprintln(f.Found, f.Why, f.Change)
	if !strings.HasPrefix(want, start) || !strings.Contains(reported, strings.TrimPrefix(want, start)) {
		t.Errorf("it finds %s%s, want %s", start, reported, want)
	}
}

func TestLedgerOfFewerReplicasThanTheStreamIsWarnedOf(t *testing.T) {
	for wanted, replicas := range map[int]int{1: 1, 3: 3} {
		var d diagnosis
		info := &jetstream.StreamInfo{Config: jetstream.StreamConfig{Replicas: replicas}}
		if err := checkLedger(&d, info, nil, "L", wanted); err != nil || Worst(d) != OK {
			t.Errorf("%d replicas of %d: %v, %v", replicas, wanted, d, err)
		}
	}
	var d diagnosis
	info := &jetstream.StreamInfo{Config: jetstream.StreamConfig{Name: "L", Replicas: 1}}
	if err := checkLedger(&d, info, nil, "L", 3); err != nil || Worst(d) != Warning || d[0].Change != "set Replicas of stream L to 3" {
		t.Errorf("1 replica of 3: %v, %v", d, err)
	}
	d = nil
	info = &jetstream.StreamInfo{Config: jetstream.StreamConfig{Storage: jetstream.MemoryStorage}}
	if err := checkLedger(&d, info, nil, "L", 0); err != nil || Worst(d) != Warning {
		t.Errorf("memory: %v, %v", d, err)
	}
	if err := checkLedger(&d, nil, ledger.ErrLost, "L", 1); err == nil {
		t.Error("that the ledger could not be looked up is not said")
	}
}

func TestWhatALedgerOfOneReplicaRisksIsSaid(t *testing.T) {
	in := func(replicas int, cluster string) *jetstream.StreamInfo {
		return &jetstream.StreamInfo{Config: jetstream.StreamConfig{Name: "L", Replicas: replicas}, Cluster: &jetstream.ClusterInfo{Name: cluster}}
	}
	for name, c := range map[string]struct {
		info     *jetstream.StreamInfo
		wanted   int
		severity Severity
		reported bool
	}{
		"of a replicated stream":          {in(1, "C"), 3, Warning, true},
		"in a cluster":                    {in(1, "C"), 1, Advice, true},
		"of a single server":              {in(1, ""), 1, OK, true},
		"that is to be made":              {nil, 1, OK, true},
		"that is to be made, of three":    {nil, 3, OK, false},
		"three in a cluster":              {in(3, "C"), 3, OK, false},
		"two of three, which is no proof": {in(2, "C"), 3, Warning, false},
	} {
		var d diagnosis
		if err := checkLedger(&d, c.info, nil, "L", c.wanted); err != nil || len(d) != 1 {
			t.Fatalf("%s: %v, %v", name, d, err)
		}
		f := d[0]
		if reported := strings.Contains(f.Why, "sync_interval: always"); f.Severity != c.severity || reported != c.reported {
			t.Errorf("%s: %s: %s; %s; %s", name, f.Severity, f.Found, f.Why, f.Change)
		}
		if f.Severity != OK && f.Change != "set Replicas of stream L to 3" {
			t.Errorf("%s: the change is %q", name, f.Change)
		}
	}
}

func TestForksAreWarnedOfForAWhile(t *testing.T) {
	for ago, severity := range map[time.Duration]Severity{0: Warning, 6 * 24 * time.Hour: Warning, 8 * 24 * time.Hour: OK} {
		var d diagnosis
		checkFork(&d, &ledger.Fork{Seq: 1001}, time.Now(), ago)
		if f := d[0]; f.Severity != severity || f.Why == "" || !strings.Contains(f.Found, "from sequence 1001 on") {
			t.Errorf("after %v: %+v", ago, f)
		}
	}
}

func TestLimitsOfALedgerAreFoundWithTheChange(t *testing.T) {
	for name, c := range map[string]struct {
		config  jetstream.StreamConfig
		state   jetstream.StreamState
		want    string // severity, check and a part of the change
		fixable bool
	}{
		"none":               {jetstream.StreamConfig{MaxBytes: -1, MaxMsgs: -1, MaxMsgSize: -1}, jetstream.StreamState{Bytes: 1 << 30}, "", false},
		"room":               {jetstream.StreamConfig{MaxBytes: 1 << 20}, jetstream.StreamState{Bytes: 1 << 19}, "", false},
		"little room":        {jetstream.StreamConfig{MaxBytes: 1 << 20}, jetstream.StreamState{Bytes: 1_000_000}, "warning ledger's room set MaxBytes of stream L to 2097152", true},
		"no room":            {jetstream.StreamConfig{MaxBytes: 1 << 20}, jetstream.StreamState{Bytes: 1<<20 - 100}, "fatal ledger's room set MaxBytes of stream L to 2097152", true},
		"few entries":        {jetstream.StreamConfig{MaxMsgs: 100}, jetstream.StreamState{Msgs: 98}, "fatal ledger's MaxMsgs remove MaxMsgs of stream L", true},
		"small entries":      {jetstream.StreamConfig{MaxMsgSize: 1_000}, jetstream.StreamState{}, "fatal ledger's MaxMsgSize remove MaxMsgSize of stream L", true},
		"entries in no file": {jetstream.StreamConfig{PersistMode: jetstream.AsyncPersistMode}, jetstream.StreamState{}, "warning ledger's persist mode remove stream L", false},
	} {
		var d diagnosis
		c.config.Name = "L"
		checkLedgerLimits(&d, &jetstream.StreamInfo{Config: c.config, State: c.state})
		d = slices.DeleteFunc(d, func(f Finding) bool { return f.Severity == OK })
		if c.want == "" && len(d) == 0 {
			continue
		}
		if len(d) != 1 || c.want == "" {
			t.Errorf("%s: it finds %+v, want %q", name, d, c.want)
			continue
		}
		f := d[0]
		change, ok := strings.CutPrefix(c.want, string(f.Severity)+" "+f.Check+" ")
		if !ok || !strings.Contains(f.Change, change) || f.Fixable != c.fixable {
			t.Errorf("%s: it finds %+v, want %q", name, f, c.want)
		}
	}
}

func TestAFindingIsASentence(t *testing.T) {
	for want, f := range map[string]Finding{
		"AckWait is 30s: it is too little. Set AckWait to 1m (doctor --fix does).": {Check: "AckWait", Found: "30s", Why: "it is too little", Change: "set AckWait to 1m", Fixable: true},
		"stream's MaxAge is 1m: it is too little. Set it to 1h.":                   {Check: "stream's MaxAge", Found: "1m", Why: "it is too little", Change: "set it to 1h"},
		"un-acked messages: 7.": {Check: "un-acked messages", Found: "7"},
	} {
		if got := f.String(); got != want {
			t.Errorf("it is %q, want %q", got, want)
		}
	}
}

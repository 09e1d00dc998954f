package jetcapture_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/store"
)

// ledgerMetadata is the key of the ledger's token in the metadata of its stream.
const ledgerMetadata = "jetcapture.ledger"

// A ledger whose subjects are made of the names of stream and consumer is of an earlier version, whose entries nobody can read.
func TestLedgerInTheFormatOfAnEarlierVersionIsRefusedWithTheWayOut(t *testing.T) {
	for name, c := range map[string]struct {
		ledger  string // "" for the default
		entries int
	}{
		"that is empty":               {"", 0},
		"with entries":                {"", 3},
		"under a name that was given": {"ARCHIVED", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t)
			s.Publish(10, order)
			want := ledgerName
			if c.ledger != "" {
				want = c.ledger
			}
			const subject = "JC_LEDGER." + streamName + "." + consumerName + "."
			config := jetstream.StreamConfig{Name: want, Subjects: []string{subject + "*"}, Discard: jetstream.DiscardNew}
			if _, err := s.JetStream().CreateStream(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			for i := range c.entries {
				msg := nats.NewMsg(subject + string(rune('a'+i)))
				msg.Header.Set("Jc-State", "aborted")
				msg.Header.Set("Jc-Created", "1")
				if _, err := s.JetStream().PublishMsg(t.Context(), msg); err != nil {
					t.Fatal(err)
				}
			}
			dir := t.TempDir()
			o := onceIn(store.NewDir(dir), inOneFolder)
			o.LedgerName = c.ledger
			err := catchUp(t, s.Connect(), o)
			if err == nil {
				t.Fatal("Run = nil: the ledger was taken for one of this version")
			}
			if way := "nats stream rm " + want; !strings.Contains(err.Error(), way) {
				t.Errorf("the error does not say %q: %v", way, err)
			}
			if rows := readRows(t, dir); len(rows) > 0 || s.Info(streamName, consumerName).Delivered.Stream > 0 {
				t.Errorf("%d messages were archived before it ended", len(rows))
			}
		})
	}
}

// newerEntry is what a capture of a later version may append.
func newerEntry(subject, state string, mustUnderstand bool) *nats.Msg {
	msg := nats.NewMsg(subject)
	msg.Header.Set("Jc-Version", "99")
	msg.Header.Set("Jc-State", state)
	if mustUnderstand {
		msg.Header.Set("Jc-Must", "1")
	}
	msg.Data = []byte("of another kind")
	return msg
}

// ledgerSubjects returns what the subjects of the ledger's entries begin with: those of blocks, and those of settings.
func ledgerSubjects(t *testing.T, js jetstream.JetStream) (blocks, settings string) {
	t.Helper()
	l, err := js.Stream(t.Context(), ledgerName)
	if err != nil {
		t.Fatal(err)
	}
	token := l.CachedInfo().Config.Metadata[ledgerMetadata]
	if token == "" || strings.ContainsAny(token, ".*> ") {
		t.Fatalf("the ledger's metadata %q have no token under %q", l.CachedInfo().Config.Metadata, ledgerMetadata)
	}
	return "JC_LEDGER." + token + ".b.", "JC_LEDGER." + token + ".s."
}

func appendEntry(t *testing.T, js jetstream.JetStream, msg *nats.Msg) {
	t.Helper()
	if _, err := js.PublishMsg(t.Context(), msg, jetstream.WithExpectStream(ledgerName)); err != nil {
		t.Fatalf("append %s: %v", msg.Subject, err)
	}
}

// An entry of a newer version that must be understood may be a claim: whoever cannot read it must not go on.
func TestCaptureEndsAtAnEntryOfANewerVersionThatItMustUnderstand(t *testing.T) {
	for name, entry := range map[string]func(blocks, settings string) *nats.Msg{
		"a claim of a newer version": func(blocks, _ string) *nats.Msg { return newerEntry(blocks+"newer1", "claimed", true) },
		"a state that is not known":  func(blocks, _ string) *nats.Msg { return newerEntry(blocks+"newer2", "leased", true) },
		"a setting of a newer version": func(_, settings string) *nats.Msg {
			return newerEntry(settings+"rotation", "rotation", true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 100
			s, dir := startServer(t), t.TempDir()
			s.Publish(n, order)
			o := onceIn(store.NewDir(dir), inOneFolder)
			o.MaxMessages = 10
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			ended := make(chan error, 1)
			nc := s.Connect()
			go func() { ended <- o.Build().Run(ctx, nc) }()
			eventually(t, "all is archived", func() bool { return s.Info(streamName, consumerName).AckFloor.Stream == n })
			js := s.JetStream()
			appendEntry(t, js, entry(ledgerSubjects(t, js)))
			for who, err := range map[string]error{
				"the running capture": <-ended,
				"a new capture":       catchUp(t, s.Connect(), onceIn(store.NewDir(dir), inOneFolder)),
			} {
				if err == nil || !strings.Contains(err.Error(), "upgrade") || !strings.Contains(err.Error(), ledgerName) {
					t.Errorf("%s: Run = %v, want an error that says upgrade and names the ledger", who, err)
				}
			}
			wantRows(t, dir, n)
		})
	}
}

// Hints of a newer version, and what somebody else has written there, hold nobody up. A warning says how to remove the latter.
func TestCaptureGoesOnPastHintsOfANewerVersionAndGarbage(t *testing.T) {
	const n = 100
	s, dir := startServer(t), t.TempDir()
	s.Publish(n, order)
	o := onceIn(store.NewDir(dir), inOneFolder)
	o.MaxMessages = 10
	logs := logged(o)
	stop := start(t, o.Build(), s.Connect())
	eventually(t, "all is archived", func() bool { return s.Info(streamName, consumerName).AckFloor.Stream == n })
	js := s.JetStream()
	blocks, settings := ledgerSubjects(t, js)
	appendEntry(t, js, newerEntry(blocks+"newer1", "warmed", false))
	appendEntry(t, js, newerEntry(settings+"newer2", "colour", false))
	claim := nats.NewMsg(blocks + "garbage1")
	claim.Header.Set("Jc-Version", "1")
	claim.Header.Set("Jc-State", "claimed")
	claim.Data = []byte("\xff\xff\xff\xff\xff\xff\xff\xff\x7f and so on")
	appendEntry(t, js, claim)
	appendEntry(t, js, &nats.Msg{Subject: blocks + "garbage2", Data: []byte("hello")})
	appendEntry(t, js, &nats.Msg{Subject: settings + "garbage3"})

	// Whoever claims a block reads all that stands before.
	s.Publish(n, func(i int) *nats.Msg { return order(n + i) })
	if !within(time.Minute, func() bool { return s.Info(streamName, consumerName).AckFloor.Stream == 2*n }) {
		t.Errorf("the capture does not go on: the ack floor is %d of %d", s.Info(streamName, consumerName).AckFloor.Stream, 2*n)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	wantRemoval(t, texts(logs))

	// And so does one that begins, and reads all of it.
	next := onceIn(store.NewDir(dir), inOneFolder)
	logs = logged(next)
	s.Publish(n, func(i int) *nats.Msg { return order(2*n + i) })
	if err := catchUp(t, s.Connect(), next); err != nil {
		t.Error(err)
	}
	wantRemoval(t, texts(logs))
	wantRows(t, dir, 3*n)
}

// wantRemoval fails unless one warning has the command by which garbage is removed.
func wantRemoval(t *testing.T, warnings []string) {
	t.Helper()
	commands := 0
	for _, line := range warnings {
		if strings.Contains(line, "nats stream rmm "+ledgerName) {
			commands++
		}
	}
	if commands != 1 {
		t.Errorf("%d warnings say how to remove garbage, want one: %q", commands, warnings)
	}
}

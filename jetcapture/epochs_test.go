package jetcapture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/evidence"
	"github.com/jetcapture/lake/jetcapture/internal/evidence/fakestream"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

func orderK(int) *nats.Msg { return &nats.Msg{Subject: "orders.k"} }

func TestAnEpochEndsWhereTheConsumerCountsAgain(t *testing.T) {
	h := newHistory(evidence.New(&fakestream.Stream{}, func() uint64 { return 0 }))
	var got []uint64
	for _, consumerSeq := range []uint64{1, 2, 5, 6, 1, 2, 2, 3} {
		d := &acks.Delivery{StreamSeq: 10 + consumerSeq, ConsumerSeq: consumerSeq}
		h.receive(d)
		got = append(got, d.Epoch)
	}
	h.cut(0)
	d := &acks.Delivery{StreamSeq: 30, ConsumerSeq: 4}
	h.receive(d)
	if got = append(got, d.Epoch); !slices.Equal(got, []uint64{1, 1, 1, 1, 2, 2, 3, 3, 4}) {
		t.Errorf("epochs are %v", got)
	}
}

func TestAnEpochEndsWherePullingStartsAgain(t *testing.T) {
	p := newTrack(t, AtLeastOnce)
	p.take(p.messages(1, 10))
	p.loop.intake.restart = errors.New("the connection was restored")
	p.loop.restart()
	p.take(p.messages(1, 10))
	cuts := 0
	for b := range p.loop.open.all() {
		for _, cut := range b.Messages() {
			if cut {
				cuts++
			}
		}
	}
	if cuts != 2 || !p.loop.watch.asked {
		t.Errorf("there are %d epochs, the stream is looked at: %v", cuts, p.loop.watch.asked)
	}
}

func TestMarksSpanAllThatWasDelivered(t *testing.T) {
	var k marks
	for seq := uint64(5); seq <= 100_000; seq++ {
		k.add(&acks.Delivery{StreamSeq: seq, Timestamp: int64(seq)})
	}
	n := len(k.messages)
	if n < marksMost/2 || n > marksMost || k.messages[0].Seq != 5 || k.messages[n-1].Seq < 95_000 {
		t.Errorf("%d marks are %v", n, k.messages)
	}
	if !slices.IsSortedFunc(k.messages, func(a, b ledger.Message) int { return cmp.Compare(a.Seq, b.Seq) }) {
		t.Errorf("marks are not in order: %v", k.messages)
	}
	k.cutFrom(50_000)
	if last := k.messages[len(k.messages)-1].Seq; last >= 50_000 || last < 45_000 {
		t.Errorf("after a loss the last mark is %d", last)
	}
	k.add(&acks.Delivery{StreamSeq: 60_000})
	if last := k.messages[len(k.messages)-1].Seq; last != 60_000 {
		t.Errorf("after a loss nothing is added: %d", last)
	}
}

// A consumer has delivered more than its stream has: it is reset to before what is new.
func TestAConsumerThatIsAheadOfItsStreamIsReset(t *testing.T) {
	for name, c := range map[string]struct {
		known  []ledger.Message
		acked  uint64
		stream fakestream.Stream
		behind uint64 // a fork that is known already
		to     uint64
		sure   bool
	}{
		"nothing is known":         {nil, 0, fakestream.Stream{Last: 6}, 0, 1, false},
		"nor when more is acked":   {nil, 9, fakestream.Stream{Last: 6}, 0, 7, false},
		"the fork is known":        {marksOf(1, 3, 5, 7, 9), 9, fakestream.Stream{Last: 8, NewFrom: 4}, 0, 4, true},
		"the fork is before that":  {marksOf(5, 7, 9), 9, fakestream.Stream{Last: 8, NewFrom: 4}, 0, 5, false},
		"only the ack floor is":    {marksOf(1, 3, 5, 7, 9), 2, fakestream.Stream{Last: 8, NewFrom: 6}, 0, 3, true},
		"as much is new":           {marksOf(1, 3, 5, 7, 9), 9, fakestream.Stream{Last: 20, NewFrom: 4}, 0, 4, true}, // nothing may have come of it
		"and less is acked":        {marksOf(1, 3, 5, 7, 9), 2, fakestream.Stream{Last: 20, NewFrom: 4}, 0, 3, true}, // what is not would never come
		"nothing is new, or seems": {marksOf(1, 3, 5), 9, fakestream.Stream{Last: 5}, 0, 6, true},
		"a known fork":             {marksOf(1, 3), 9, fakestream.Stream{Last: 8, NewFrom: 4}, 5, 4, true}, // it may be anywhere behind 3
		"and as much is new":       {marksOf(1, 3), 9, fakestream.Stream{Last: 20, NewFrom: 4}, 5, 4, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := capturetest.Start(t)
			s.Stream("ORDERS", "orders.>")
			consumer := s.Consumer("ORDERS", "lake", nil)
			s.Publish(10, orderK)
			deliverTen(t, consumer, c.acked)
			l := newPoller(s.JetStream(), consumer, evidence.New(&c.stream, func() uint64 { return 0 }))
			a := l.poll(t.Context(), pollAsk{stream: true, epoch: 1, known: c.known, behind: c.behind})
			if a.err != nil || a.ahead == nil || a.ahead.err != nil || a.ahead.resetTo != c.to || a.ahead.sure != c.sure {
				t.Fatalf("the answer is %+v, ahead %+v", a, a.ahead)
			}
			if info := s.Info("ORDERS", "lake"); info.Delivered.Stream != c.to-1 || info.NumPending != 11-c.to {
				t.Errorf("the consumer has delivered up to %d, %d are pending", info.Delivered.Stream, info.NumPending)
			}
		})
	}
}

// deliverTen takes ten messages, and acks those up to a sequence.
func deliverTen(t *testing.T, consumer jetstream.Consumer, acked uint64) {
	t.Helper()
	batch, err := consumer.Fetch(10)
	if err != nil {
		t.Fatal(err)
	}
	for msg := range batch.Messages() {
		if meta, err := msg.Metadata(); err == nil && meta.Sequence.Stream <= acked {
			if err := msg.DoubleAck(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The stream does not say where it forked. Where it ends does not tell, as it may have grown since.
func TestAConsumerThatIsAheadWaitsUntilItsStreamAnswers(t *testing.T) {
	s := capturetest.Start(t)
	s.Stream("ORDERS", "orders.>")
	consumer := s.Consumer("ORDERS", "lake", nil)
	s.Publish(10, orderK)
	deliverTen(t, consumer, 10)
	stream := unanswered{fakestream.Stream{Last: 8, NewFrom: 4}}
	l := newPoller(s.JetStream(), consumer, evidence.New(&stream, func() uint64 { return 0 }))
	a := l.poll(t.Context(), pollAsk{stream: true, epoch: 1, known: marksOf(1, 3, 5, 7, 9)})
	if a.err != nil || a.ahead != nil || !a.unseen {
		t.Errorf("the answer is %+v, ahead %+v", a, a.ahead)
	}
	if info := s.Info("ORDERS", "lake"); info.Delivered.Stream != 10 {
		t.Errorf("the consumer has delivered up to %d", info.Delivered.Stream)
	}
}

// An unanswered stream says where it ends, and nothing of its messages.
type unanswered struct{ fakestream.Stream }

func (*unanswered) TimeOf(context.Context, uint64) (int64, error) {
	return 0, errors.New("no responders")
}

func marksOf(seqs ...uint64) (known []ledger.Message) {
	for _, seq := range seqs {
		known = append(known, ledger.Message{Seq: seq, Time: int64(seq)})
	}
	return known
}

func TestWhatTheStreamHasLostIsFoundByLooking(t *testing.T) {
	s := capturetest.Start(t)
	s.Stream("ORDERS", "orders.>")
	consumer := s.Consumer("ORDERS", "lake", nil)
	for name, c := range map[string]struct {
		stream fakestream.Stream
		from   uint64 // 0: nothing is lost
	}{
		"nothing":          {fakestream.Stream{Last: 9}, 0},
		"deleted":          {fakestream.Stream{Last: 9, Deleted: func(uint64) bool { return true }}, 0},
		"cannot look":      {fakestream.Stream{Err: evidence.ErrMayNotLook}, 0},
		"its end":          {fakestream.Stream{Last: 6}, 7},
		"others are there": {fakestream.Stream{Last: 90, NewFrom: 4}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			l := newPoller(s.JetStream(), consumer, evidence.New(&c.stream, func() uint64 { return 0 }))
			a := l.poll(t.Context(), pollAsk{stream: true, epoch: 3, known: marksOf(1, 3, 5, 7, 9)})
			switch {
			case a.err != nil || (a.loss != nil) != (c.from > 0):
				t.Errorf("the loss is %+v, %v", a.loss, a.err)
			case a.loss != nil && (a.loss.Seq != c.from || a.loss.To != 9 || a.loss.Epoch != 3):
				t.Errorf("the loss is %+v", a.loss)
			}
		})
	}
}

func alwaysOwned(context.Context) (bool, error) { return true, nil }

// AckAll acks stand for all messages below, so none may be sent after a reconnect until the consumer is reset.
func TestAckAllAcknowledgesOnlyOnTheConnectionOfItsReset(t *testing.T) {
	p := newTrack(t, ExactlyOnce)
	w := &watermark{acker: p.loop.acker, route: acks.Route{Prefix: "$JS.ACK.ORDERS.lake."}, connection: 1, fence: newFence(p.loop.acker, alwaysOwned, nil)}
	p.loop.intake.watermark = w
	acked, err := p.loop.nc.SubscribeSync("$JS.ACK.ORDERS.lake.>")
	if err != nil {
		t.Fatal(err)
	}
	w.received = acks.Ref{StreamSeq: 7, ConsumerSeq: 7}
	w.sure = w.received
	p.loop.ackUpTo()
	w.confirm(t.Context(), p.loop.low(), p.loop.log)
	if msg, err := acked.NextMsg(200 * time.Millisecond); err == nil {
		t.Errorf("an ack is sent: %s", msg.Subject)
	}
}

// A second message of a sequence that is held ends all blocks, and each message is in one.
func TestABlockNeverHoldsASequenceTwice(t *testing.T) {
	p := newTrack(t, AtLeastOnce)
	l := p.loop
	var told []Fork
	l.history.onFork = func(f Fork) { told = append(told, f) }
	p.take(p.messages(100, 10))
	p.next, p.now = 40, p.now.Add(time.Second)
	redelivered := p.messages(80, 10) // 41 to 120
	p.take(redelivered)
	p.take(redelivered)
	if len(told) != 1 || told[0].Seq != 41 || told[0].New.IsZero() {
		t.Errorf("forks are %+v", told)
	}
	if len(l.queue.waiting) != 1 || l.queue.waiting[0].reason != SealFork || l.queue.waiting[0].Count() != 100 {
		t.Fatalf("%d blocks are sealed", len(l.queue.waiting))
	}
	if l.open.messages != 80 || l.intake.held.Len() != 120 {
		t.Errorf("%d messages are open, %d are held", l.open.messages, l.intake.held.Len())
	}
	for _, b := range slices.AppendSeq(slices.Clone(l.queue.waiting), l.open.all()) {
		seen := map[uint64]bool{}
		for m := range b.Messages() {
			if seen[m.Seq] {
				t.Fatalf("sequence %d is twice in a block", m.Seq)
			}
			seen[m.Seq] = true
		}
	}
	old := l.queue.giveUp()[0]
	allowed := l.history.evidence.Known(old.Refs)
	var got []uint64
	allowed.Seqs(func(seq uint64) { got = append(got, seq) })
	if len(got) != 40 || got[39] != 40 {
		t.Errorf("of the old block may be acknowledged %v", got)
	}
	l.forget(old)
	if l.intake.held.Len() != 80 { // of the new ones none was forgotten
		t.Errorf("%d messages are held", l.intake.held.Len())
	}
}

func TestSuspectsAreToldFromOthersWithTheirSequence(t *testing.T) {
	p := newTrack(t, AtLeastOnce)
	first := p.messages(1, 10)
	p.take(first)
	for b := range p.loop.open.all() {
		p.loop.intake.suspects.Add(b.Messages())
	}
	d, _ := acks.Parse(first[0].Reply)
	if p.loop.intake.suspects.Failures(d.Message()) != 1 || p.loop.intake.suspects.Len() != 1 {
		t.Errorf("suspects are %v", p.loop.intake.suspects)
	}
	other := d.Message()
	other.Time++
	if p.loop.intake.suspects.Failures(other) > 0 {
		t.Error("another message of the same sequence is a suspect")
	}
}

func TestAFileNamesTheLineageThatIsSet(t *testing.T) {
	b := &block[string]{lineage: "L1"}
	b.add(&acks.Delivery{StreamSeq: 9, Timestamp: 900}, 1)
	b.add(&acks.Delivery{StreamSeq: 5, Timestamp: 1_000}, 1)
	b.add(&acks.Delivery{StreamSeq: 12, Timestamp: 800}, 1) // the clock of the server went back
	got := b.describeSelf()
	text := fmt.Sprint(got["lineage"], " ", got["first_time"], " ", got["last_time"])
	if want := "L1 1970-01-01T00:00:00.000001Z 1970-01-01T00:00:00.0000008Z"; text != want {
		t.Errorf("attributes say %s, want %s", text, want)
	}
	b.lineage = ""
	if _, ok := b.describeSelf()["lineage"]; ok || strings.Contains(text, "0001-01-01") {
		t.Error("an empty lineage is named")
	}
}

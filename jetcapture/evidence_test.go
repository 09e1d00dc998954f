package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/jetcapture/ledger"
)

// A fakeStream has messages, of which that with sequence s has time s unless it is told otherwise.
type fakeStream struct {
	last    uint64
	newFrom uint64 // the messages from there on are others
	deleted func(seq uint64) bool
	err     error
	looks   int
	grows   func(*fakeStream) // when its state is asked for
}

func (s *fakeStream) timeOf(_ context.Context, seq uint64) (int64, error) {
	s.looks++
	switch {
	case s.err != nil:
		return 0, s.err
	case seq > s.last, s.deleted != nil && s.deleted(seq):
		return 0, errNoMessage
	case s.newFrom > 0 && seq >= s.newFrom:
		return int64(seq) + 1_000_000, nil
	}
	return int64(seq), nil
}

func (s *fakeStream) state(context.Context) (*jetstream.StreamState, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.grows != nil {
		s.grows(s)
	}
	return &jetstream.StreamState{FirstSeq: 1, LastSeq: s.last}, nil
}

func orderK(int) *nats.Msg { return &nats.Msg{Subject: "orders.k"} }

// refsOf returns messages of an epoch.
func refsOf(epoch, from, to uint64) (m messageRefs) {
	for seq := from; seq <= to; seq++ {
		m.add(&delivery{streamSeq: seq, consumerSeq: seq, timestamp: int64(seq), numDelivered: 1, epoch: epoch})
	}
	return m
}

func seqsOf(m *messageRefs) (seqs []uint64) {
	m.seqs(func(seq uint64) { seqs = append(seqs, seq) })
	return seqs
}

func TestMessagesOfAnEarlierEpochAreAcknowledgedIfTheStreamStillHasThem(t *testing.T) {
	isOneOf := func(from, to uint64) func(uint64) bool {
		return func(seq uint64) bool { return from <= seq && seq <= to }
	}
	for name, c := range map[string]struct {
		stream  fakeStream
		known   uint64 // a loss from there on, 0 for none
		allowed uint64 // up to which message of 100
		looks   int    // at most
	}{
		"all of it is there":                {fakeStream{last: 500}, 0, 100, 1},
		"its end is lost":                   {fakeStream{last: 70}, 0, 70, 9},
		"its end is lost and replaced":      {fakeStream{last: 500, newFrom: 71}, 0, 70, 9},
		"all is lost":                       {fakeStream{}, 0, 0, 9},
		"all is replaced":                   {fakeStream{last: 500, newFrom: 1}, 0, 0, 9},
		"all is deleted":                    {fakeStream{last: 500, deleted: isOneOf(1, 500)}, 0, 100, 40},
		"the highest are deleted":           {fakeStream{last: 500, deleted: isOneOf(95, 500)}, 0, 100, 20},
		"replaced and some deleted":         {fakeStream{last: 500, newFrom: 71, deleted: isOneOf(92, 500)}, 0, 70, 40},
		"the lowest are deleted":            {fakeStream{last: 500, newFrom: 71, deleted: isOneOf(1, 69)}, 0, 70, 80},
		"it cannot be read":                 {fakeStream{err: errMayNotLook}, 0, 100, 1},
		"it cannot be read, and has a loss": {fakeStream{err: errMayNotLook}, 31, 30, 1},
		"a known loss is all there is":      {fakeStream{last: 30}, 31, 30, 2},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEvidence(&c.stream, func() uint64 { return 0 })
			h := newHistory(e)
			for seq := uint64(1); seq <= 120; seq++ {
				h.receive(&delivery{streamSeq: seq, consumerSeq: seq, timestamp: int64(seq)})
			}
			epoch := h.epoch
			h.cut(0)
			if c.known > 0 {
				e.lose(loss{epoch: epoch, Fork: Fork{Seq: c.known}})
			}
			got, lost := e.allowed(t.Context(), refsOf(epoch, 1, 100), false)
			if want := refsOf(epoch, 1, c.allowed); !slices.Equal(seqsOf(&got), seqsOf(&want)) || lost != 100-int(c.allowed) {
				t.Errorf("allowed are %v, %d are not, want those up to %d", seqsOf(&got), lost, c.allowed)
			}
			if c.stream.looks > c.looks {
				t.Errorf("%d messages were read, want %d at most", c.stream.looks, c.looks)
			}
			found := e.takeFound()
			switch isNew := c.allowed < 100 && c.known == 0; {
			case isNew != (len(found) == 1):
				t.Errorf("losses found are %+v", found)
			case isNew && (found[0].Seq != c.allowed+1 || found[0].New.IsZero() != (c.stream.newFrom == 0)):
				t.Errorf("the loss is %+v", found[0])
			}
			if again, _ := e.allowed(t.Context(), refsOf(epoch, 1, 100), false); !slices.Equal(seqsOf(&again), seqsOf(&got)) || len(e.takeFound()) > 0 {
				t.Errorf("asked again, allowed are %v", seqsOf(&again))
			}
		})
	}
}

// A message is above the end of its stream when it is looked for, and another one has its sequence when the end is looked for.
func TestALostMessageIsNotTakenForADeletedOneThoughTheStreamGrows(t *testing.T) {
	s := fakeStream{last: 60, newFrom: 61, grows: func(s *fakeStream) { s.last = 500 }}
	e := newEvidence(&s, func() uint64 { return 0 })
	if c := e.compare(t.Context(), ledger.Message{Seq: 100, Time: 100}); c.state != wasLost || c.is.IsZero() {
		t.Errorf("compared: %+v, want it lost", c)
	}
}

func TestManyBlocksOfAnEarlierEpochCostOneLook(t *testing.T) {
	var s fakeStream
	s.last = 2_000
	e := newEvidence(&s, func() uint64 { return 0 })
	h := newHistory(e)
	for seq := uint64(1); seq <= 1_000; seq++ {
		h.receive(&delivery{streamSeq: seq, consumerSeq: seq, timestamp: int64(seq)})
	}
	h.cut(0)
	for i := range uint64(100) {
		if _, lost := e.allowed(t.Context(), refsOf(1, 10*i+1, 10*i+10), false); lost > 0 {
			t.Fatalf("block %d has lost %d messages", i, lost)
		}
	}
	if s.looks != 1 {
		t.Errorf("%d messages were read", s.looks)
	}
}

func TestMessagesOfThePresentEpochAreLookedUpOnlyOnAnotherConnection(t *testing.T) {
	s := fakeStream{last: 50}
	var connection uint64
	e := newEvidence(&s, func() uint64 { return connection })
	h := newHistory(e)
	m := refsOf(h.epoch, 1, 100)
	if got, lost := e.allowed(t.Context(), m, false); got.count() != 100 || lost != 0 || s.looks != 0 {
		t.Errorf("on the same connection: %d allowed after %d looks", got.count(), s.looks)
	}
	connection = 1
	if got, lost := e.allowed(t.Context(), m, false); got.count() != 50 || lost != 50 {
		t.Errorf("on another connection: %d allowed, %d lost", got.count(), lost)
	}
	connection = 0
	e = newEvidence(&s, func() uint64 { return 0 })
	h = newHistory(e)
	if got, lost := e.allowed(t.Context(), refsOf(h.epoch, 1, 100), true); got.count() != 50 || lost != 50 {
		t.Errorf("after an ack without an answer: %d allowed, %d lost", got.count(), lost)
	}
}

// An epoch may be of another history of the stream than the one before.
func TestOneEpochIsNoEvidenceForAnother(t *testing.T) {
	s := fakeStream{last: 500, newFrom: 41}
	e := newEvidence(&s, func() uint64 { return 0 })
	h := newHistory(e)
	first := h.epoch
	for seq := uint64(1); seq <= 80; seq++ {
		h.receive(&delivery{streamSeq: seq, consumerSeq: seq, timestamp: int64(seq)})
	}
	h.cut(0)
	second := h.epoch
	var newer messageRefs
	for seq := uint64(90); seq <= 100; seq++ {
		d := &delivery{streamSeq: seq, consumerSeq: seq, timestamp: int64(seq) + 1_000_000}
		h.receive(d)
		newer.add(d)
	}
	h.cut(0)
	if got, lost := e.allowed(t.Context(), newer, false); got.count() != 11 || newer.firstEpoch() != second {
		t.Errorf("of the second epoch %d are allowed, %d lost", got.count(), lost)
	}
	if got, lost := e.allowed(t.Context(), refsOf(first, 1, 80), false); got.count() != 40 || lost != 40 {
		t.Errorf("of the first epoch %d are allowed, %d lost", got.count(), lost)
	}
}

func TestAnEpochEndsWhereTheConsumerCountsAgain(t *testing.T) {
	h := newHistory(newEvidence(&fakeStream{}, func() uint64 { return 0 }))
	var got []uint64
	for _, consumerSeq := range []uint64{1, 2, 5, 6, 1, 2, 2, 3} {
		d := &delivery{streamSeq: 10 + consumerSeq, consumerSeq: consumerSeq}
		h.receive(d)
		got = append(got, d.epoch)
	}
	h.cut(0)
	d := &delivery{streamSeq: 30, consumerSeq: 4}
	h.receive(d)
	if got = append(got, d.epoch); !slices.Equal(got, []uint64{1, 1, 1, 1, 2, 2, 3, 3, 4}) {
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
		for _, cut := range b.messages() {
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
		k.add(&delivery{streamSeq: seq, timestamp: int64(seq)})
	}
	n := len(k.messages)
	if n < marksMost/2 || n > marksMost || k.messages[0].Seq != 5 || k.messages[n-1].Seq < 95_000 {
		t.Errorf("%d marks are %v", n, k.messages)
	}
	if !slices.IsSortedFunc(k.messages, compareSeqs) {
		t.Errorf("marks are not in order: %v", k.messages)
	}
	k.cutFrom(50_000)
	if last := k.messages[len(k.messages)-1].Seq; last >= 50_000 || last < 45_000 {
		t.Errorf("after a loss the last mark is %d", last)
	}
	k.add(&delivery{streamSeq: 60_000})
	if last := k.messages[len(k.messages)-1].Seq; last != 60_000 {
		t.Errorf("after a loss nothing is added: %d", last)
	}
}

// A consumer has delivered more than its stream has: it is reset to before what is new.
func TestAConsumerThatIsAheadOfItsStreamIsReset(t *testing.T) {
	for name, c := range map[string]struct {
		known  []ledger.Message
		acked  uint64
		stream fakeStream
		behind uint64 // a fork that is known already
		to     uint64
		sure   bool
	}{
		"nothing is known":         {nil, 0, fakeStream{last: 6}, 0, 1, false},
		"nor when more is acked":   {nil, 9, fakeStream{last: 6}, 0, 7, false},
		"the fork is known":        {marksOf(1, 3, 5, 7, 9), 9, fakeStream{last: 8, newFrom: 4}, 0, 4, true},
		"the fork is before that":  {marksOf(5, 7, 9), 9, fakeStream{last: 8, newFrom: 4}, 0, 5, false},
		"only the ack floor is":    {marksOf(1, 3, 5, 7, 9), 2, fakeStream{last: 8, newFrom: 6}, 0, 3, true},
		"as much is new":           {marksOf(1, 3, 5, 7, 9), 9, fakeStream{last: 20, newFrom: 4}, 0, 4, true}, // nothing may have come of it
		"and less is acked":        {marksOf(1, 3, 5, 7, 9), 2, fakeStream{last: 20, newFrom: 4}, 0, 3, true}, // what is not would never come
		"nothing is new, or seems": {marksOf(1, 3, 5), 9, fakeStream{last: 5}, 0, 6, true},
		"a known fork":             {marksOf(1, 3), 9, fakeStream{last: 8, newFrom: 4}, 5, 4, true}, // it may be anywhere behind 3
		"and as much is new":       {marksOf(1, 3), 9, fakeStream{last: 20, newFrom: 4}, 5, 4, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := capturetest.Start(t)
			s.Stream("ORDERS", "orders.>")
			consumer := s.Consumer("ORDERS", "lake", nil)
			s.Publish(10, orderK)
			deliverTen(t, consumer, c.acked)
			l := newPoller(s.JetStream(), consumer, newEvidence(&c.stream, func() uint64 { return 0 }))
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
	stream := unanswered{fakeStream{last: 8, newFrom: 4}}
	l := newPoller(s.JetStream(), consumer, newEvidence(&stream, func() uint64 { return 0 }))
	a := l.poll(t.Context(), pollAsk{stream: true, epoch: 1, known: marksOf(1, 3, 5, 7, 9)})
	if a.err != nil || a.ahead != nil || !a.unseen {
		t.Errorf("the answer is %+v, ahead %+v", a, a.ahead)
	}
	if info := s.Info("ORDERS", "lake"); info.Delivered.Stream != 10 {
		t.Errorf("the consumer has delivered up to %d", info.Delivered.Stream)
	}
}

// An unanswered stream says where it ends, and nothing of its messages.
type unanswered struct{ fakeStream }

func (*unanswered) timeOf(context.Context, uint64) (int64, error) {
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
		stream fakeStream
		from   uint64 // 0: nothing is lost
	}{
		"nothing":          {fakeStream{last: 9}, 0},
		"deleted":          {fakeStream{last: 9, deleted: func(uint64) bool { return true }}, 0},
		"cannot look":      {fakeStream{err: errMayNotLook}, 0},
		"its end":          {fakeStream{last: 6}, 7},
		"others are there": {fakeStream{last: 90, newFrom: 4}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			l := newPoller(s.JetStream(), consumer, newEvidence(&c.stream, func() uint64 { return 0 }))
			a := l.poll(t.Context(), pollAsk{stream: true, epoch: 3, known: marksOf(1, 3, 5, 7, 9)})
			switch {
			case a.err != nil || (a.loss != nil) != (c.from > 0):
				t.Errorf("the loss is %+v, %v", a.loss, a.err)
			case a.loss != nil && (a.loss.Seq != c.from || a.loss.to != 9 || a.loss.epoch != 3):
				t.Errorf("the loss is %+v", a.loss)
			}
		})
	}
}

// A server that has restarted may not answer at once.
func TestAStreamThatDoesNotAnswerIsAskedAgain(t *testing.T) {
	s := fakeStream{err: errors.New("no responders")}
	e := newEvidence(&s, func() uint64 { return 0 })
	m := ledger.Message{Seq: 5, Time: 5}
	if c := e.compare(t.Context(), m); c.state != cannotLook || s.looks != lookMost {
		t.Errorf("compare = %+v after %d looks", c, s.looks)
	}
	s = fakeStream{last: 9}
	if c := e.compare(t.Context(), m); c.state != cannotLook || s.looks != 0 {
		t.Errorf("it is asked at once again: %+v", c)
	}
	e.now = func() time.Time { return time.Now().Add(blindFor) }
	if c := e.compare(t.Context(), m); c.state != stillThere {
		t.Errorf("it is not asked later: %+v", c)
	}
}

func TestAStreamThatMayNotBeReadIsKnownByTheServersError(t *testing.T) {
	permissions := &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.MSG.GET.>"}}}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
		Users: []*server.User{{Username: "a", Password: "a", Permissions: permissions}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("nats-server is not ready")
	}
	nc, err := nats.Connect(s.ClientURL(), nats.UserInfo("a", "a"), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := newStreamReader(nc, "", "ORDERS").timeOf(t.Context(), 1); !errors.Is(err, errMayNotLook) {
		t.Errorf("reading a message = %v", err)
	}
}

// A real stream answers as the fake one does.
func TestAStreamIsReadBySequence(t *testing.T) {
	s := capturetest.Start(t)
	stream := s.Stream("ORDERS", "orders.>")
	s.Publish(5, orderK)
	if err := stream.DeleteMsg(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	r := newStreamReader(s.Connect(), "", "ORDERS")
	for seq := uint64(1); seq <= 6; seq++ {
		at, err := r.timeOf(t.Context(), seq)
		if seq == 3 || seq == 6 {
			if !errors.Is(err, errNoMessage) {
				t.Errorf("message %d is of %d, %v", seq, at, err)
			}
			continue
		}
		msg, wantErr := stream.GetMsg(t.Context(), seq)
		if err != nil || wantErr != nil || at != msg.Time.UnixNano() {
			t.Errorf("message %d is of %d, %v; want %v, %v", seq, at, err, msg, wantErr)
		}
	}
	if state, err := r.state(t.Context()); err != nil || state.LastSeq != 5 || state.FirstSeq != 1 {
		t.Errorf("the state is %+v, %v", state, err)
	}
	r.stream = "NONE"
	if _, err := r.timeOf(t.Context(), 1); err == nil || errors.Is(err, errNoMessage) {
		t.Errorf("of a stream that is not there: %v", err)
	}
	if _, err := r.state(t.Context()); err == nil {
		t.Error("the state of a stream that is not there")
	}
}

// What a client buffers while it is not connected is sent to a server that may have lost what it is for.
func TestNothingIsAcknowledgedWhileTheConnectionIsLost(t *testing.T) {
	s := capturetest.Start(t)
	nc := s.Connect()
	a := &acker{nc: nc, evidence: newEvidence(&fakeStream{last: 1_000}, func() uint64 { return nc.Stats().Reconnects })}
	newHistory(a.evidence)
	connection := a.connection()
	m := refsOf(1, 1, 10)
	for i := range m.runs {
		m.runs[i].route.prefix = "$JS.ACK.S.C."
	}
	acks, err := nc.SubscribeSync("$JS.ACK.>")
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	for nc.IsConnected() {
		time.Sleep(time.Millisecond)
	}
	a.nak(m, time.Second)
	a.ackUnconfirmed("$JS.ACK.S.C.1.1.1.0.0", connection)
	if err := a.sendAcks(t.Context(), &m, connection); !errors.Is(err, errConnectionLost) {
		t.Errorf("acks are sent: %v", err)
	}
	s.Restart()
	for !nc.IsConnected() {
		time.Sleep(time.Millisecond)
	}
	a.ackUnconfirmed("$JS.ACK.S.C.1.1.1.0.0", connection)
	if msg, err := acks.NextMsg(200 * time.Millisecond); err == nil {
		t.Errorf("an ack of a message of the connection before is sent: %s %s", msg.Subject, msg.Data)
	}
}

func alwaysOwned(context.Context) (bool, error) { return true, nil }

// AckAll acks stand for all messages below, so none may be sent after a reconnect until the consumer is reset.
func TestAckAllAcknowledgesOnlyOnTheConnectionOfItsReset(t *testing.T) {
	p := newTrack(t, ExactlyOnce)
	w := &watermark{acker: p.loop.acker, route: ackRoute{prefix: "$JS.ACK.ORDERS.lake."}, connection: 1, fence: newFence(p.loop.acker, alwaysOwned, nil)}
	p.loop.intake.watermark = w
	acks, err := p.loop.nc.SubscribeSync("$JS.ACK.ORDERS.lake.>")
	if err != nil {
		t.Fatal(err)
	}
	w.received = ackRef{streamSeq: 7, consumerSeq: 7}
	w.sure = w.received
	p.loop.ackUpTo()
	w.confirm(t.Context(), p.loop.low(), p.loop.log)
	if msg, err := acks.NextMsg(200 * time.Millisecond); err == nil {
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
	again := p.messages(80, 10) // 41 to 120
	p.take(again)
	p.take(again)
	if len(told) != 1 || told[0].Seq != 41 || told[0].New.IsZero() {
		t.Errorf("forks are %+v", told)
	}
	if len(l.queue.waiting) != 1 || l.queue.waiting[0].reason != SealFork || l.queue.waiting[0].count() != 100 {
		t.Fatalf("%d blocks are sealed", len(l.queue.waiting))
	}
	if l.open.messages != 80 || l.intake.held.Len() != 120 {
		t.Errorf("%d messages are open, %d are held", l.open.messages, l.intake.held.Len())
	}
	for _, b := range slices.AppendSeq(slices.Clone(l.queue.waiting), l.open.all()) {
		seen := map[uint64]bool{}
		for m := range b.messages() {
			if seen[m.Seq] {
				t.Fatalf("sequence %d is twice in a block", m.Seq)
			}
			seen[m.Seq] = true
		}
	}
	old := l.queue.giveUp()[0]
	allowed := l.acker.evidence.known(old.messageRefs)
	if got := seqsOf(&allowed); len(got) != 40 || got[39] != 40 {
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
		p.loop.intake.suspects.Add(b.messages())
	}
	d, _ := parseDelivery(first[0].Reply)
	if p.loop.intake.suspects.Failures(d.message()) != 1 || p.loop.intake.suspects.Len() != 1 {
		t.Errorf("suspects are %v", p.loop.intake.suspects)
	}
	other := d.message()
	other.Time++
	if p.loop.intake.suspects.Failures(other) > 0 {
		t.Error("another message of the same sequence is a suspect")
	}
}

func TestAFileNamesTheLineageThatIsSet(t *testing.T) {
	b := &block[string]{lineage: "L1"}
	b.add(&delivery{streamSeq: 9, timestamp: 900}, 1)
	b.add(&delivery{streamSeq: 5, timestamp: 1_000}, 1)
	b.add(&delivery{streamSeq: 12, timestamp: 800}, 1) // the clock of the server went back
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

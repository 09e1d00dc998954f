package jetcapture

import (
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
)

// The last ack of a stream that has gone quiet is lost: the server delivers again what is stored, and nothing new comes.
func TestAckAllAcknowledgesAgainWhatComesAgain(t *testing.T) {
	p := newTrack(t, ExactlyOnce)
	w := &watermark{acker: p.loop.acker, route: acks.Route{Prefix: "$JS.ACK.ORDERS.lake."}, fence: newFence(p.loop.acker, nil, nil)}
	p.loop.intake.watermark = w
	acked, err := p.loop.nc.SubscribeSync("$JS.ACK.ORDERS.lake.>")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		received acks.Ref
		ack      string
	}{
		{acks.Ref{StreamSeq: 7, ConsumerSeq: 7}, "1.7.7"},
		{acks.Ref{StreamSeq: 7, ConsumerSeq: 7}, ""},
		{acks.Ref{StreamSeq: 7, ConsumerSeq: 8}, "1.7.8"}, // 7 came again
		{acks.Ref{StreamSeq: 8, ConsumerSeq: 9}, "1.8.9"},
	} {
		w.received, w.sure = step.received, step.received
		p.loop.ackUpTo()
		patience := 20 * time.Second
		if step.ack == "" {
			patience = 200 * time.Millisecond
		}
		msg, err := acked.NextMsg(patience)
		switch {
		case step.ack == "" && err == nil:
			t.Errorf("%+v: an ack of %s, want none", step.received, msg.Subject)
		case step.ack != "" && (err != nil || !strings.HasPrefix(msg.Subject, w.route.Prefix+step.ack)):
			t.Errorf("%+v: an ack of %+v, %v, want %s", step.received, msg, err, step.ack)
		}
	}
}

func TestAckAllNoticesAGap(t *testing.T) {
	w := &watermark{}
	for _, step := range []struct {
		consumerSeq uint64
		isNext      bool
	}{{1, true}, {2, true}, {4, false}} {
		d := &acks.Delivery{StreamSeq: 10 + step.consumerSeq, ConsumerSeq: step.consumerSeq}
		if w.receive(d) != step.isNext || (w.broken == nil) != step.isNext {
			t.Errorf("delivery %d: broken is %v", step.consumerSeq, w.broken)
		}
	}
	if want := (acks.Ref{StreamSeq: 12, ConsumerSeq: 2}); w.received != want {
		t.Errorf("received up to %+v, want %+v", w.received, want)
	}
}

// All that a given-up block had is in other files: nothing is to be delivered again.
func TestAckAllIsNotResetForNothing(t *testing.T) {
	p := newTrack(t, ExactlyOnce)
	w := &watermark{acker: p.loop.acker}
	p.loop.intake.watermark = w
	p.loop.handBack(acks.Refs{}, 0)
	if w.broken != nil || p.loop.intake.restart != nil {
		t.Errorf("the consumer is to be reset: %v, %v", w.broken, p.loop.intake.restart)
	}
	d := &acks.Delivery{StreamSeq: 7, ConsumerSeq: 7}
	p.loop.handBack(d.Alone(), 0)
	if w.broken == nil {
		t.Error("a message is to be delivered again, and the consumer is not reset")
	}
}

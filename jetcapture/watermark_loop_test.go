package jetcapture

import (
	"strings"
	"testing"
	"time"
)

// The last ack of a stream that has gone quiet is lost: the server delivers again what is stored, and nothing new comes.
func TestAckAllAcknowledgesAgainWhatComesAgain(t *testing.T) {
	p := newTrack(t, ExactlyOnce)
	w := &watermark{acker: p.loop.acker, route: ackRoute{prefix: "$JS.ACK.ORDERS.lake."}, fence: newFence(p.loop.acker, nil, nil)}
	p.loop.intake.watermark = w
	acks, err := p.loop.nc.SubscribeSync("$JS.ACK.ORDERS.lake.>")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		received ackRef
		ack      string
	}{
		{ackRef{streamSeq: 7, consumerSeq: 7}, "1.7.7"},
		{ackRef{streamSeq: 7, consumerSeq: 7}, ""},
		{ackRef{streamSeq: 7, consumerSeq: 8}, "1.7.8"}, // 7 came again
		{ackRef{streamSeq: 8, consumerSeq: 9}, "1.8.9"},
	} {
		w.received, w.sure = step.received, step.received
		p.loop.ackUpTo()
		patience := 20 * time.Second
		if step.ack == "" {
			patience = 200 * time.Millisecond
		}
		msg, err := acks.NextMsg(patience)
		switch {
		case step.ack == "" && err == nil:
			t.Errorf("%+v: an ack of %s, want none", step.received, msg.Subject)
		case step.ack != "" && (err != nil || !strings.HasPrefix(msg.Subject, w.route.prefix+step.ack)):
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
		d := &delivery{streamSeq: 10 + step.consumerSeq, consumerSeq: step.consumerSeq}
		if w.receive(d) != step.isNext || (w.broken == nil) != step.isNext {
			t.Errorf("delivery %d: broken is %v", step.consumerSeq, w.broken)
		}
	}
	if want := (ackRef{streamSeq: 12, consumerSeq: 2}); w.received != want {
		t.Errorf("received up to %+v, want %+v", w.received, want)
	}
}

// All that a given-up block had is in other files: nothing is to be delivered again.
func TestAckAllIsNotResetForNothing(t *testing.T) {
	p := newTrack(t, ExactlyOnce)
	w := &watermark{acker: p.loop.acker}
	p.loop.intake.watermark = w
	p.loop.handBack(messageRefs{}, 0)
	if w.broken != nil || p.loop.intake.restart != nil {
		t.Errorf("the consumer is to be reset: %v, %v", w.broken, p.loop.intake.restart)
	}
	d := &delivery{streamSeq: 7, consumerSeq: 7}
	p.loop.handBack(d.alone(), 0)
	if w.broken == nil {
		t.Error("a message is to be delivered again, and the consumer is not reset")
	}
}

package jetcapture

import (
	"testing"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
)

// What came after the ledger was last read may be of another numbering: another capture may have taken the consumer.
func TestAckAllAcknowledgesOnlyWhatCameWhileItOwnedTheConsumer(t *testing.T) {
	p := newTrack(t, ExactlyOnce)
	w := &watermark{acker: p.loop.acker, route: acks.Route{Prefix: "$JS.ACK.ORDERS.lake."}, fence: newFence(p.loop.acker, nil, nil)}
	p.loop.intake.watermark = w
	acked, err := p.loop.nc.SubscribeSync("$JS.ACK.ORDERS.lake.>")
	if err != nil {
		t.Fatal(err)
	}
	w.received = acks.Ref{StreamSeq: 7, ConsumerSeq: 7}
	p.loop.ackUpTo()
	asked := <-w.fence.asks
	w.received = acks.Ref{StreamSeq: 9, ConsumerSeq: 9}
	p.loop.learnFence(fenceAnswer{fenceAsk: asked, owned: true})
	if msg, err := acked.NextMsg(20 * time.Second); err != nil || msg.Subject[len(w.route.Prefix):][:5] != "1.7.7" {
		t.Fatalf("the ack is %+v, %v, want one of 7", msg, err)
	}
	asked = <-w.fence.asks
	for name, answer := range map[string]fenceAnswer{
		"not owned":               {fenceAsk: asked},
		"of an earlier numbering": {fenceAsk: fenceAsk{received: asked.received, numbering: -1}, owned: true},
	} {
		p.loop.learnFence(answer)
		if msg, err := acked.NextMsg(100 * time.Millisecond); err == nil {
			t.Errorf("%s: an ack is sent: %s", name, msg.Subject)
		}
	}
	p.loop.ackUpTo()
	if len(w.fence.asks) == 0 {
		t.Error("nobody asks again")
	}
}

func TestAckAllIsResetAgainIfPullingBeganOnAnotherConnection(t *testing.T) {
	w := &watermark{}
	w.renumbered(3)
	for connection, want := range map[uint64]bool{3: false, 4: true} {
		if w.isVoid(connection) != want {
			t.Errorf("reset on connection 3, pulling on %d: void is %v", connection, !want)
		}
	}
	if _ = w.breakOff(errGivenUp); w.isVoid(4) {
		t.Error("a watermark that is to be reset anyway is void")
	}
	if none := (*watermark)(nil); none.isVoid(4) {
		t.Error("a capture without a watermark is void")
	}
}

package jetcapture_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jetcapture/lake/jetcapture"
)

// The server matches an ack by the sequence alone. So the acks of messages that the stream has lost would stand for others.
func TestStoringLostMessagesAcksNoOthers(t *testing.T) {
	for _, kind := range []forkKind{forkKinds.lostTail, forkKinds.memoryServer, forkKinds.madeAgain} {
		for _, mode := range []forkMode{atLeastOnce, exactlyOnce} {
			t.Run(kind.name+", "+mode.name, func(t *testing.T) { ackedAfterFork(newForkWorld(t, kind, mode)) })
		}
	}
	t.Run(forkKinds.lostTail.name+", "+ackAll.name, func(t *testing.T) { ackedAfterFork(newForkWorld(t, forkKinds.lostTail, ackAll)) })
}

// What will be lost is sealed and waits for the store while the stream loses it and the new messages come. Then it is stored,
// and the capture dies before it can store the new ones.
func ackedAfterFork(w *forkWorld) {
	const lost = 1_000
	stop := w.start(w.options(true))
	w.archiveKept()
	if err := stop(); err != nil {
		w.t.Error(err)
	}

	o := w.options(true)
	gates := &gate{old: make(chan struct{})}
	o.Store = gates.before(o.Store)
	nc := w.server.Connect()
	stop = start(w.t, o.Build(), nc)
	w.publish("old.", lost)
	w.until("what will be lost is delivered, and waits for the store", func() bool { return w.delivered() && gates.waiting.Load() > 0 })
	w.forkTo("new.")
	w.until("the new messages are delivered", w.delivered)
	close(gates.old)
	w.until("what was lost is stored", func() bool { return len(readRows(w.t, w.dir)) >= w.kind.kept+lost })
	for deadline := time.Now().Add(ackGrace); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		info := w.info()
		unacked := info.NumAckPending + int(info.NumPending) // a consumer that is reset delivers again
		if info.Config.Durable != "" && (unacked < lost || info.AckFloor.Stream > uint64(w.kind.kept)) {
			w.t.Errorf("%d of %d new messages are acked though none is stored, and the ack floor is %d", lost-unacked, lost, info.AckFloor.Stream)
			break
		}
	}
	w.wantWarning()
	nc.Close()
	_ = stop() // as good as killed: it can neither ack nor claim, and the store takes nothing any more
	w.catchUp()
	w.wantAll()
}

const ackGrace = 300 * time.Millisecond // within which acks arrive that follow a stored block

// A gate lets blocks of old messages wait until it is open, and blocks of new ones until the capture gives them up.
type gate struct {
	old     chan struct{} // closed: old ones pass
	waiting atomic.Int64  // blocks that have come to the gate
}

func (g *gate) before(s jetcapture.BlockStore[string]) jetcapture.BlockStore[string] {
	return interpose(s, func(ctx context.Context, content io.Reader, next func(context.Context) error) error {
		rows, ok := content.(io.ReadSeeker)
		if !ok {
			return fmt.Errorf("a block is a %T", content)
		}
		text, err := io.ReadAll(rows)
		if err == nil {
			_, err = rows.Seek(0, io.SeekStart)
		}
		if err != nil {
			return err
		}
		var open chan struct{} // nil never opens
		switch {
		case bytes.Contains(text, []byte(".old.")):
			open = g.old
		case !bytes.Contains(text, []byte(".new.")):
			return next(ctx)
		}
		g.waiting.Add(1)
		select {
		case <-open:
			return next(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

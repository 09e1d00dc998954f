package jetcapture

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// No answer of the ledger holds the loop up, nor is it waited for longer than a moment.
func TestALookUpWaitsBesideTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLookups(func(ctx context.Context, m ledger.Message) ledger.Verdict {
			if m.Seq == 1 {
				<-ctx.Done() // the ledger does not answer
				return ledger.Free
			}
			return ledger.Archived
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go l.run(ctx)
		in := intake{lookups: l}
		began := time.Now()
		if !in.wait(nil, &acks.Delivery{StreamSeq: 1}) || in.messages() != nil {
			t.Error("a message that is looked up does not wait alone")
		}
		synctest.Wait()
		in.waits = nil // handed back
		if !in.wait(nil, &acks.Delivery{StreamSeq: 2}) {
			t.Error("the next message cannot wait")
		}
		if in.wait(nil, &acks.Delivery{StreamSeq: 3}) {
			t.Error("a third message waits, too")
		}
		if w := in.answered(<-in.answers()); w != nil {
			t.Errorf("message %d has the answer of another", w.StreamSeq)
		}
		a := <-in.answers()
		if w := in.answered(a); w == nil || w.StreamSeq != 2 || a.verdict != ledger.Archived {
			t.Errorf("the answer is %+v", a)
		}
		if duration := time.Since(began); duration != lookUpTimeout {
			t.Errorf("it took %v, want %v", duration, lookUpTimeout)
		}
	})
}

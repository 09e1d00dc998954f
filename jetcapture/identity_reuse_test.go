package jetcapture_test

import (
	"testing"

	"github.com/jetcapture/lake/jetcapture"
)

// A sequence is not a message: a stream gives one to another message when it has lost the first.

func TestMessagesOfReusedSequencesAreArchived(t *testing.T) {
	for _, kind := range []forkKind{forkKinds.lostTail, forkKinds.oldBackup, forkKinds.memoryNode, forkKinds.memoryServer, forkKinds.madeAgain} {
		for _, mode := range []forkMode{atLeastOnce, exactlyOnce} {
			t.Run(kind.name+", "+mode.name, func(t *testing.T) {
				t.Parallel()
				t.Run("by the capture that archived the lost ones", func(t *testing.T) { reusedWhileRunning(newForkWorld(t, kind, mode)) })
				if mode.delivery == jetcapture.ExactlyOnce { // without a ledger a new capture knows nothing of the lost ones
					t.Run("by a new capture", func(t *testing.T) { reusedInBetween(newForkWorld(t, kind, mode)) })
				}
				t.Run("while the lost ones are in open blocks", func(t *testing.T) { reusedWhileHeld(newForkWorld(t, kind, mode)) })
			})
		}
	}
	t.Run("a file stream loses its tail, "+ackAll.name, func(t *testing.T) {
		t.Parallel()
		t.Run("by the capture that archived the lost ones", func(t *testing.T) { reusedWhileRunning(newForkWorld(t, forkKinds.lostTail, ackAll)) })
		t.Run("by a new capture", func(t *testing.T) { reusedInBetween(newForkWorld(t, forkKinds.lostTail, ackAll)) })
		t.Run("while the lost ones are in open blocks", func(t *testing.T) { reusedWhileHeld(newForkWorld(t, forkKinds.lostTail, ackAll)) })
	})
}

// archiveKept publishes what the stream keeps, waits until all is archived, and prepares the fork.
func (w *forkWorld) archiveKept() {
	w.t.Helper()
	if w.kind.kept > 0 {
		w.publish("", w.kind.kept)
		w.until("what the stream keeps is archived", w.acked)
	}
	if w.kind.prepare != nil {
		w.kind.prepare(w)
	}
}

// forkTo lets the stream lose what came after the messages it keeps, and publishes as many others.
func (w *forkWorld) forkTo(what string) {
	w.t.Helper()
	lost := int(w.last) - w.kind.kept
	w.kind.fork(w)
	w.last = uint64(w.kind.kept)
	w.publish(what, lost)
}

func reusedWhileRunning(w *forkWorld) {
	stop := w.start(w.options(true))
	w.archiveKept()
	w.publish("", 1_000)
	w.until("what will be lost is archived", w.acked)
	w.forkTo("")
	w.until("the new messages are delivered", w.delivered)
	if err := stop(); err != nil {
		w.t.Error(err)
	}
	w.wantWarning()
	w.catchUp()
	w.wantAll()
}

func reusedInBetween(w *forkWorld) {
	stop := w.start(w.options(true))
	w.archiveKept()
	w.publish("", 1_000)
	w.until("what will be lost is archived", w.acked)
	if err := stop(); err != nil {
		w.t.Error(err)
	}
	w.forkTo("")
	w.catchUp()
	w.wantAll()
	w.wantWarning()
}

func reusedWhileHeld(w *forkWorld) {
	stop := w.start(w.options(true))
	w.archiveKept()
	if err := stop(); err != nil {
		w.t.Error(err)
	}
	stop = w.start(w.options(false))
	w.publish("", 1_000)
	w.until("what will be lost is delivered", w.delivered)
	w.forkTo("")
	w.until("the new messages are delivered", w.delivered)
	if err := stop(); err != nil {
		w.t.Error(err)
	}
	w.wantWarning()
	w.catchUp()
	w.wantAll()
}

// All servers of a stream lose its tail, and those of the consumer do not: it has delivered sequences that the stream does not
// have, and would pass over the messages that get them.
func TestMessagesBelowTheDeliveredSequenceAreArchived(t *testing.T) {
	for _, mode := range []forkMode{atLeastOnce, exactlyOnce} {
		t.Run("by the capture that archived the lost ones, "+mode.name, func(t *testing.T) {
			aboveTheLast(newForkWorld(t, forkKinds.clusterTail, mode), false)
		})
		t.Run("by a new capture, "+mode.name, func(t *testing.T) {
			aboveTheLast(newForkWorld(t, forkKinds.clusterTail, mode), true)
		})
	}
}

func aboveTheLast(w *forkWorld, another bool) {
	stop := w.start(w.options(true))
	w.archiveKept()
	w.publish("", 1_000)
	w.until("what will be lost is archived", w.acked)
	if another {
		if err := stop(); err != nil {
			w.t.Error(err)
		}
	}
	w.kind.fork(w)
	if another {
		stop = w.start(w.options(true))
	}
	w.until("the capture warns", func() bool {
		return w.logs.FilterMessageSnippet(lostWarning).Len() > 0 || w.logs.FilterMessageSnippet(aheadWarning).Len() > 0
	})
	w.last = uint64(w.kind.kept)
	w.publish("", 1_000)
	w.until("the new messages are delivered", w.delivered)
	if err := stop(); err != nil {
		w.t.Error(err)
	}
	w.catchUp()
	w.wantAll()
}

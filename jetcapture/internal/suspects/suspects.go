// Package suspects finds the messages that a writer cannot write.
package suspects

import (
	"iter"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// A Set counts for each message how many blocks with it failed in their writer. Such a message is tried alone when it is delivered
// again. If it passes, the writer fails only on several of them together. So they go to blocks of their own, which get smaller
// with each failure, and a message that fails in a block of its own is a dead letter. The other messages are not held up.
type Set struct {
	failures map[ledger.Message]int
	most     int // messages
}

// blockMessages is how many messages a block has at most if they failed so often.
var blockMessages = [...]int{1: 1_000, 2: 100, 3: 10, 4: 1}

const entryBytes = 64 // of memory, roughly

// New returns a set that takes at most so many bytes, and keeps at most so many messages.
func New(messages int, bytes int64) *Set {
	return &Set{failures: make(map[ledger.Message]int), most: min(messages, int(bytes/entryBytes))}
}

// Add counts a failure of the writer of a block with these messages. If there are too many, it forgets the earlier ones: other
// captures may have stored them, and those that are not stored fail again.
func (s *Set) Add(messages iter.Seq2[ledger.Message, bool]) {
	for m := range messages {
		n, known := s.failures[m]
		if !known && len(s.failures) >= s.most {
			clear(s.failures)
		}
		s.failures[m] = n + 1
	}
}

// Failures returns how many blocks with a message failed.
func (s *Set) Failures(m ledger.Message) int {
	if len(s.failures) == 0 {
		return 0
	}
	return s.failures[m]
}

// Len returns how many messages are suspects.
func (s *Set) Len() int { return len(s.failures) }

// Clear forgets messages that are stored, or are dead letters.
func (s *Set) Clear(messages iter.Seq2[ledger.Message, bool]) {
	if len(s.failures) == 0 {
		return
	}
	for m := range messages {
		delete(s.failures, m)
	}
}

// BlockIsFull reports whether a block has as many messages as it may, if they failed so often.
func BlockIsFull(failures, messages int) bool {
	return failures > 0 && messages >= blockMessages[failures]
}

// IsDeadLetter reports whether a message has failed in a block of its own.
func IsDeadLetter(failures int) bool { return failures >= len(blockMessages) }

package jetcapture

import (
	"errors"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

// suspects are the messages of blocks whose writer failed, with how often it did. Each is tried alone when it comes again. If that
// shows nothing, it is some of them together that the writer chokes on: they come in ever smaller blocks of their own, and those
// which fail in a block of one message each go to the dead letters. So what is wrong with a few holds up no others.
type suspects struct {
	failures map[ledger.Message]int
	most     int // messages
}

// suspectBlock is how many messages a block has at most of those that failed so often. Who failed more often is a dead letter.
var suspectBlock = [...]int{1: 1_000, 2: 100, 3: 10, 4: 1}

// errChokes says why a message that fits alone is a dead letter.
var errChokes = errors.New("the writer fails in each block that has the message, even in one of its own")

const suspectBytes = 64 // of an entry, roughly

func newSuspects(inFlight int, memory int64) suspects {
	return suspects{failures: make(map[ledger.Message]int), most: min(2*inFlight, int(memory/16/suspectBytes))}
}

// add counts a failure of the writer of a block with these messages. When there are too many it forgets those before: they may be
// stored by other captures long since, and are found once more if not.
func (s *suspects) add(messages *messageRefs) {
	for m := range messages.messages() {
		n, known := s.failures[m]
		if !known && len(s.failures) >= s.most {
			clear(s.failures)
		}
		s.failures[m] = n + 1
	}
}

// of returns how often a message was in a block whose writer failed.
func (s *suspects) of(m ledger.Message) int {
	if len(s.failures) == 0 {
		return 0
	}
	return s.failures[m]
}

// clear forgets messages that are stored, or are dead letters.
func (s *suspects) clear(messages *messageRefs) {
	if len(s.failures) == 0 {
		return
	}
	for m := range messages.messages() {
		delete(s.failures, m)
	}
}

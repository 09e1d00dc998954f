package jetcapture

import (
	"testing"
	"time"
)

func TestAStreamThatDoesNotAnswerIsToldAfterAWhileAndThenSeldom(t *testing.T) {
	var u unseen
	start := time.Now()
	var told []time.Duration
	look := func(failed bool, from, to time.Duration) {
		for at := from; at < to; at += time.Second {
			since, tell := u.note(failed, start.Add(at))
			if tell {
				told = append(told, at)
			}
			if failed && since != at-from {
				t.Errorf("after %v it has not answered for %v, want %v", at, since, at-from)
			}
		}
	}
	look(true, 0, 9*time.Second)
	look(false, 9*time.Second, 10*time.Second)
	look(true, 10*time.Second, 100*time.Second)
	if len(told) != 2 || told[0] != 20*time.Second || told[1] != 80*time.Second {
		t.Errorf("a person is told after %v, want 20s and 80s", told)
	}
}

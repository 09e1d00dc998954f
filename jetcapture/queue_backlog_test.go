package jetcapture

import (
	"testing"
	"time"
)

func TestBacklogShrinksOncePerBacklogAndGrowsAgain(t *testing.T) {
	now := time.Now()
	l := newBacklog(100)
	if !l.full(100) || l.full(99) {
		t.Errorf("a new backlog of 100 has the limit %d", l.limit)
	}
	sealed := now
	now = now.Add(time.Minute)
	if !l.late(sealed, 79, now) || l.limit != 40 {
		t.Errorf("80 blocks that waited too long leave the limit %d, want 40", l.limit)
	}
	if l.late(sealed.Add(time.Second), 78, now.Add(time.Second)) || l.limit != 40 {
		t.Errorf("the next block of the same backlog leaves the limit %d, want 40", l.limit)
	}
	for range 40 {
		l.done()
	}
	if l.limit != 41 {
		t.Errorf("40 stored blocks make the limit %d, want 41", l.limit)
	}
	for range 10 {
		sealed = now.Add(time.Second)
		now = now.Add(time.Minute)
		l.late(sealed, 0, now)
	}
	if l.limit != 1 {
		t.Errorf("the limit is %d, want 1: with none, nothing would ever be pulled", l.limit)
	}
	for range 100 * 100 {
		l.done()
	}
	if l.limit != 100 {
		t.Errorf("the limit has grown to %d, want 100 again", l.limit)
	}
}

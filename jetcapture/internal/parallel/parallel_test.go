package parallel_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/parallel"
)

func TestEachIndexIsCalledOnceAndAFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int64
		calls := make([]atomic.Int64, 100)
		if err := parallel.Do(len(calls), 7, func(i int) error {
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(time.Second)
			running.Add(-1)
			calls[i].Add(1)
			return nil
		}); err != nil {
			t.Error(err)
		}
		if most.Load() != 7 {
			t.Errorf("%d calls at a time, want 7", most.Load())
		}
		for i := range calls {
			if n := calls[i].Load(); n != 1 {
				t.Errorf("%d was called %d times", i, n)
			}
		}
	})
}

func TestTheFirstErrorEndsIt(t *testing.T) {
	broken := errors.New("broken")
	calls := 0
	if err := parallel.Do(100, 1, func(i int) error {
		calls++
		if i == 3 {
			return broken
		}
		return nil
	}); !errors.Is(err, broken) || calls != 4 {
		t.Errorf("%v after %d calls", err, calls)
	}
	if err := parallel.Do(0, 5, nil); err != nil {
		t.Error(err)
	}
}

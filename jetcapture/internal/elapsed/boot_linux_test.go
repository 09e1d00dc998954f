package elapsed

import (
	"testing"
	"time"
)

func TestTheClockThatRunsWhileSuspendedIsRead(t *testing.T) {
	boot := read().Boot
	if boot <= 0 {
		t.Fatalf("CLOCK_BOOTTIME is %v", boot)
	}
	time.Sleep(time.Millisecond)
	if passed := read().Boot - boot; passed < time.Millisecond {
		t.Errorf("it ran by %v in a millisecond", passed)
	}
}

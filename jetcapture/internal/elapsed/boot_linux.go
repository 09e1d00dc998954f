package elapsed

import (
	"time"

	"golang.org/x/sys/unix"
)

// sinceBoot returns the time since the machine started, with the time that it was suspended.
func sinceBoot() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0 // forbidden, or a kernel without it
	}
	return time.Duration(t.Nano())
}

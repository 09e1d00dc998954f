package jetcapture

import "github.com/jetcapture/lake/jetcapture/internal/elapsed"

// SetClock has a capture judge the age of blocks by other clocks.
func (c *Capture[P, K]) SetClock(clock *elapsed.Clock) { c.clock = clock }

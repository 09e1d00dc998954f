package jetcapture

import "time"

// sealLimits are the options that decide when a block seals.
type sealLimits struct {
	interval    time.Duration
	grace       time.Duration
	maxMessages int   // 0: no limit
	maxBytes    int64 // 0: no limit
	minMessages int   // that a block is to have, if it can wait for them
	maxLinger   time.Duration
}

func (o *Options[P, K]) sealLimits() sealLimits {
	return sealLimits{
		interval: o.MaxAge, grace: o.Grace, maxMessages: o.MaxMessages, maxBytes: o.MaxBytes,
		minMessages: o.MinMessages, maxLinger: o.MaxLinger,
	}
}

// intervalOf returns the start of the interval of a message's time. Intervals are aligned to midnight UTC of the year 1.
func (l sealLimits) intervalOf(timestamp int64) time.Time {
	return time.Unix(0, timestamp).UTC().Truncate(l.interval)
}

// linger is how long a block that was opened late, for an interval that had ended already, waits for more of its kind.
// Without it a thousand late messages would make a thousand files.
func (l sealLimits) linger() time.Duration {
	return min(l.interval, max(l.interval/10, time.Second), 30*time.Second)
}

// sealReason decides whether a block seals now: "" means that it stays open.
func sealReason(b blockStats, l sealLimits, c clocks) SealReason {
	open := c.now.Sub(b.opened)
	end := b.intervalEnd.Add(l.grace)
	switch {
	case l.maxMessages > 0 && b.messages >= l.maxMessages:
		return SealMaxMessages
	case l.maxBytes > 0 && b.bytes >= l.maxBytes:
		return SealMaxBytes
	case !c.stream.Before(end) && (!b.late || open >= l.linger()):
		return SealInterval
	case !c.now.Before(end) && c.now.Sub(c.lastMessage) >= idleAfter && (!b.late || open >= l.linger()):
		return SealIdle
	case open >= l.interval+l.grace:
		return SealAge
	default:
		return ""
	}
}

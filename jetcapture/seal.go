package jetcapture

import "time"

// A SealReason says why a block was sealed.
type SealReason string

// The reasons to seal a block.
const (
	SealInterval    SealReason = "interval"     // its interval has ended by the time of later messages
	SealIdle        SealReason = "idle"         // its interval has ended by the clock, and no message comes
	SealAge         SealReason = "age"          // it has been open for as long as an interval lasts
	SealMaxMessages SealReason = "max-messages" // Options.MaxMessages
	SealMaxBytes    SealReason = "max-bytes"    // Options.MaxBytes
	SealInFlight    SealReason = "in-flight"    // too many un-acknowledged messages are held
	SealMemory      SealReason = "memory"       // Options.MemoryLimit
	SealCaughtUp    SealReason = "caught-up"    // Options.UntilCaughtUp, and nothing is pending
	SealFork        SealReason = "fork"         // the stream lost messages and used their sequences again
	SealSuspect     SealReason = "suspect"      // writers of blocks with its messages failed: it is kept small
	SealShutdown    SealReason = "shutdown"     // Run is ending
)

// idleAfter is the silence after which the wall clock, rather than the time of messages, says what has ended. It must
// be longer than the gaps of a capture that works off a backlog, whose blocks have all ended by the wall clock.
const idleAfter = time.Second

// sealLimits are the options that decide when a block seals.
type sealLimits struct {
	interval    time.Duration
	grace       time.Duration
	maxMessages int   // 0: no limit
	maxBytes    int64 // 0: no limit
	minMessages int   // that a block is to have, if it can wait for them
	maxLinger   time.Duration
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

// blockStats are the facts about a block that the decision to seal needs.
type blockStats struct {
	intervalEnd time.Time
	opened      time.Time // by the local clock
	late        bool      // opened after its interval had ended by stream time
	messages    int
	bytes       int64 // in the spool, and held by the writer
}

// clocks are the times that blocks are judged by. Only differences between local times count, so a local clock that is wrong makes
// more or larger files, and does no other harm.
type clocks struct {
	now         time.Time // by the local clock
	stream      time.Time // the latest time of any message so far
	lastMessage time.Time // when the latest message came in, by the local clock, that was not held or archived already
}

// silent returns how long no new message has come.
func (c *clocks) silent() time.Duration { return c.now.Sub(c.lastMessage) }

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

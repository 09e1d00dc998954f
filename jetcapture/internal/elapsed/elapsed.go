// Package elapsed tells how much time has passed since a moment, even if clocks stood still or were set meanwhile.
//
// No clock of a machine is right in every case. The monotonic one stands still while the machine is suspended. All of them
// stand still while a virtual machine is paused, and the wall clock may be set back. So a Moment is what several clocks show at
// once, among them that of a server which does not share the fate of the machine, and the time between two moments is the
// largest that any of them gives.
//
// An age is therefore never too small because of one wrong clock, but it may be too large: a wall clock that is set forward by
// an hour adds an hour to what is older. Who uses an age must lose nothing but work by that.
package elapsed

import (
	"math"
	"sync"
	"time"
)

// A Reading is what the clocks of a machine show.
type Reading struct {
	Monotonic time.Duration // since any time; it never goes back
	Boot      time.Duration // the same, but it also runs while the machine is suspended; 0 if the system has no such clock
	Wall      time.Time
}

var started = time.Now()

// read reads the clocks of this machine.
func read() Reading {
	now := time.Now()
	return Reading{Monotonic: now.Sub(started), Boot: sinceBoot(), Wall: now}
}

// slack is how far the server's time may go back: by what two servers differ whose clocks are kept right, and by what an answer
// may be late.
const slack = 10 * time.Second

// A Clock makes Moments. The zero value reads the clocks of this machine and knows no server's time. It is safe for concurrent
// use.
type Clock struct {
	Read func() Reading // in place of the clocks of this machine, if it is not nil

	mu     sync.Mutex
	server time.Time     // that was heard
	heard  time.Duration // when, by the monotonic clock
}

// Heard notes a time that the server said, as soon as its answer is here.
//
// A time that is more than some seconds behind the known one is ignored: it is of long ago, or another server leads now whose
// clock is behind. With such a server the known time runs on by the monotonic clock. A server whose clock is ahead makes what is
// older too old, by the difference of the two clocks.
func (c *Clock) Heard(server time.Time) {
	monotonic := c.read().Monotonic
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.known(monotonic); !server.IsZero() && server.After(known.Add(-slack)) {
		c.server, c.heard = server.Round(0), monotonic
	}
}

// known returns the server's time as far as it is known: since it was heard it runs by the monotonic clock, which may stand still
// but is never faster. So it is not later than the true one.
func (c *Clock) known(monotonic time.Duration) time.Time {
	if c.server.IsZero() {
		return c.server
	}
	return c.server.Add(max(0, monotonic-c.heard))
}

// Now returns what the clocks show. What a server has not said since the clocks of this machine stood still, it does not show: so
// a server's time should be heard before an age is computed that matters.
func (c *Clock) Now() Moment {
	r := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	return Moment{monotonic: r.Monotonic, boot: r.Boot, wall: r.Wall.Round(0), server: c.known(r.Monotonic)}
}

func (c *Clock) read() Reading {
	if c.Read != nil {
		return c.Read()
	}
	return read()
}

// A Moment is what several clocks showed at once. The zero value is never.
type Moment struct {
	monotonic time.Duration
	boot      time.Duration // 0 if unknown
	wall      time.Time     // without its monotonic part
	server    time.Time     // zero if unknown
}

// IsZero reports whether the Moment is never.
func (m Moment) IsZero() bool { return m.wall.IsZero() }

// Server returns the server's time as far as it was known, zero if none was: the true one was not earlier.
func (m Moment) Server() time.Time { return m.server }

// Before reports whether a Moment of the same Clock was made earlier, by the monotonic clock alone: the only one that never goes
// back. It tells the order, and says nothing of how much time was between the two.
func (m Moment) Before(other Moment) bool { return m.monotonic < other.monotonic }

// Since returns how long before m the Moment then was: the largest difference that any clock gives which both have, and never
// less than 0. If one of them is never, the time is longer than any other.
func (m Moment) Since(then Moment) time.Duration {
	if m.IsZero() || then.IsZero() {
		return math.MaxInt64
	}
	age := max(0, m.monotonic-then.monotonic, m.wall.Sub(then.wall))
	if m.boot != 0 && then.boot != 0 {
		age = max(age, m.boot-then.boot)
	}
	if !m.server.IsZero() && !then.server.IsZero() {
		age = max(age, m.server.Sub(then.server))
	}
	return age
}

package elapsed_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/elapsed"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clocks are those of a machine, and of the server that it talks to.
type clocks struct {
	elapsed.Clock
	monotonic, boot time.Duration
	wall, server    time.Time
}

func newClocks() *clocks {
	c := &clocks{monotonic: time.Minute, boot: time.Hour, wall: noon, server: noon.Add(3 * time.Second)}
	c.Read = func() elapsed.Reading { return elapsed.Reading{Monotonic: c.monotonic, Boot: c.boot, Wall: c.wall} }
	return c
}

// pass lets time pass by each clock.
func (c *clocks) pass(monotonic, boot, wall, server time.Duration) {
	c.monotonic += monotonic
	c.boot += boot
	c.wall, c.server = c.wall.Add(wall), c.server.Add(server)
}

// now returns the moment after the server was asked.
func (c *clocks) now() elapsed.Moment {
	c.Heard(c.server)
	return c.Now()
}

func TestAnAgeIsTheLargestThatAnyClockGives(t *testing.T) {
	const h = time.Hour
	for _, test := range []struct {
		name                          string
		monotonic, boot, wall, server time.Duration
		want                          time.Duration
	}{
		{"all run", h, h, h, h, h},
		{"no time passes", 0, 0, 0, 0, 0},
		{"the machine is suspended", time.Second, h, h, h, h},
		{"the machine is suspended, and its wall clock is not set yet", time.Second, h, 0, 0, h},
		{"a virtual machine is paused", time.Second, time.Second, h, h, h},
		{"a virtual machine is paused, and its wall clock, too", time.Second, time.Second, time.Second, h, h},
		{"the wall clock is set back", h, h, -24 * h, h, h},
		{"the wall clock is set back while no time passes", 0, 0, -24 * h, 0, 0},
		{"the wall clock is set forward", time.Second, time.Second, h, time.Second, h},
		{"the server's clock is set back", h, h, h, -24 * h, h},
		{"all but the monotonic clock are set back", time.Minute, -h, -h, -h, time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newClocks()
			then := c.now()
			c.pass(test.monotonic, test.boot, test.wall, test.server)
			if age := c.now().Since(then); age != test.want {
				t.Errorf("the age is %v, want %v", age, test.want)
			}
		})
	}
}

func TestAClockThatOnlyOneMomentHasTellsNothing(t *testing.T) {
	c := newClocks()
	withoutServer := c.Now()
	if !withoutServer.Server().IsZero() {
		t.Errorf("the server's time is %v before it was heard", withoutServer.Server())
	}
	c.boot = 0
	withServer := c.now()
	if got := withServer.Server(); !got.Equal(c.server) {
		t.Errorf("the server's time is %v, want %v", got, c.server)
	}
	for _, age := range []time.Duration{withServer.Since(withoutServer), withoutServer.Since(withServer)} {
		if age != 0 {
			t.Errorf("the age is %v", age)
		}
	}
}

func TestNeverIsLongerAgoThanAnything(t *testing.T) {
	var never elapsed.Moment
	now := new(elapsed.Clock).Now()
	for _, age := range []time.Duration{now.Since(never), never.Since(now), never.Since(never)} {
		if age != math.MaxInt64 {
			t.Errorf("the age is %v", age)
		}
	}
	if !never.IsZero() || now.IsZero() {
		t.Errorf("never is zero: %v, now is: %v", never.IsZero(), now.IsZero())
	}
}

// A server takes over whose clock is ten minutes behind, and then the one before comes back.
func TestAServerWhoseClockIsBehindMakesNoAgeNegativeOrHuge(t *testing.T) {
	c := newClocks()
	then := c.now()
	before := c.server
	c.Heard(before.Add(-10 * time.Minute))
	between := c.Now()
	c.Heard(before.Add(time.Second))
	now := c.Now()
	for what, age := range map[string]time.Duration{
		"from before to between": between.Since(then), "from between to after": now.Since(between), "from before to after": now.Since(then),
	} {
		if age < 0 || age > time.Second {
			t.Errorf("the age %s is %v", what, age)
		}
	}
	if age := now.Since(then); age != time.Second {
		t.Errorf("the age is %v, want 1s", age)
	}
}

// A time of long ago, as that of an old entry which is read again, is not the server's time.
func TestTimesOfLongAgoAreNotTheServersTime(t *testing.T) {
	c := newClocks()
	c.now()
	c.Heard(noon.Add(-time.Hour))
	then := c.Now()
	if age := c.now().Since(then); age != 0 {
		t.Errorf("the age is %v", age)
	}
}

// What was asked for long after the server's time was heard is not as old as that.
func TestTheServersTimeRunsOnUntilItIsHeardAgain(t *testing.T) {
	c := newClocks()
	c.now()
	c.pass(time.Hour, time.Hour, time.Hour, time.Hour)
	then := c.Now()
	if got := then.Server(); !got.Equal(c.server) {
		t.Errorf("the server's time is %v, want %v", got, c.server)
	}
	c.pass(time.Second, time.Second, time.Second, time.Second)
	if age := c.now().Since(then); age != time.Second {
		t.Errorf("the age is %v, want 1s", age)
	}
}

// The known time runs by the clock of this machine, so it would be ahead by more and more if only later times counted.
func TestAServerWhoseClockIsSlowerThanOursIsFollowed(t *testing.T) {
	c := newClocks()
	c.now()
	for range 100 {
		c.pass(time.Hour, time.Hour, time.Hour, time.Hour-time.Second)
		if got := c.now().Server(); !got.Equal(c.server) {
			t.Fatalf("the server's time is %v, want %v", got, c.server)
		}
	}
}

func TestMomentsKeepTheirOrderWhateverTheWallClockDoes(t *testing.T) {
	c := newClocks()
	first := c.now()
	c.pass(time.Nanosecond, 0, -time.Hour, -time.Hour)
	second := c.now()
	if !first.Before(second) || second.Before(first) || first.Before(first) {
		t.Error("the order is not that in which they were made")
	}
}

func TestTheClocksOfThisMachineRun(t *testing.T) {
	var c elapsed.Clock
	then, began := c.Now(), time.Now()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range 1000 {
				c.Heard(noon.Add(time.Duration(i*j) * time.Nanosecond))
				_ = c.Now()
			}
		})
	}
	all.Wait()
	passed := time.Since(began)
	if age := c.Now().Since(then); age < passed || age > passed+time.Minute {
		t.Errorf("the age is %v after %v", age, passed)
	}
}

func BenchmarkNow(b *testing.B) {
	var c elapsed.Clock
	c.Heard(noon)
	b.ReportAllocs()
	for b.Loop() {
		_ = c.Now()
	}
}

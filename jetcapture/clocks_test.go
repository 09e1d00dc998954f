package jetcapture_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/jetcapture/internal/elapsed"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// A machine can be made to stand still: its connections end, whoever looks at its clocks waits, and these clocks do not run.
type machine struct {
	booted time.Time

	mu     sync.Mutex
	asleep chan struct{} // closed when it wakes; nil while it is awake
	since  time.Time     // when it fell asleep
	slept  time.Duration
	jump   elapsed.Reading // by how much its clocks were set right when it woke
	conns  []net.Conn
}

// read reads clocks that know only what jump says of the time asleep.
func (m *machine) read() elapsed.Reading {
	m.mu.Lock()
	for m.asleep != nil {
		asleep := m.asleep
		m.mu.Unlock()
		<-asleep
		m.mu.Lock()
	}
	defer m.mu.Unlock()
	awake := time.Since(m.booted) - m.slept
	wall := m.booted.Add(awake)
	if !m.jump.Wall.IsZero() {
		wall = m.jump.Wall
	}
	return elapsed.Reading{Monotonic: awake, Boot: awake + m.jump.Boot, Wall: wall}
}

func (m *machine) sleep() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asleep, m.since = make(chan struct{}), time.Now()
	for _, conn := range m.conns {
		_ = conn.Close() // it may have ended before
	}
}

func (m *machine) wake(jump elapsed.Reading) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asleep == nil {
		return
	}
	m.slept += time.Since(m.since)
	m.jump = jump
	close(m.asleep)
	m.asleep = nil
}

// Dial makes it a nats.CustomDialer.
func (m *machine) Dial(network, address string) (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asleep != nil {
		return nil, errors.New("the machine stands still")
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(context.Background(), network, address) // a nats.CustomDialer has no context
	if err == nil {
		m.conns = append(m.conns, conn)
	}
	return conn, err
}

// A capture stands still with a block. Its messages are delivered to another capture, which stores them, and the ledger forgets
// that. When the first one goes on, it must not store its block, whichever clock it is that shows how long it stood still.
func TestACaptureThatStoodStillDoesNotStoreWhatTheLedgerHasForgotten(t *testing.T) {
	t.Parallel()
	const n, retention = 10, 9 * time.Second
	for name, jump := range map[string]elapsed.Reading{
		"a suspended machine":                         {Boot: time.Hour},
		"a paused machine whose wall clock is right":  {Wall: time.Now().Add(time.Hour)},
		"a paused machine that only the server tells": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := capturetest.Start(t), t.TempDir()
			s.Stream(streamName, "orders.>")
			s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.AckWait = time.Second })
			s.Publish(n, func(i int) *nats.Msg { return order(8 * i) }) // for one destination key
			options := func() *rawOptions {
				o := onceNDJSON(dir)
				o.MaxMessages, o.MaxAge, o.Grace, o.LedgerRetention = n, time.Second, time.Nanosecond, retention
				return o
			}
			m := &machine{booted: time.Now()}
			nc, err := nats.Connect(s.URL(), nats.SetCustomDialer(m), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(nc.Close)
			first := options()
			asleep, fate := make(chan struct{}), make(chan error, n)
			var once sync.Once
			first.Observer.BlockSealed = func(jetcapture.Block, jetcapture.SealReason) { once.Do(func() { m.sleep(); close(asleep) }) }
			first.Observer.BlockStored = func(jetcapture.Block, time.Duration) { fate <- nil }
			first.Observer.BlockAbandoned = func(_ jetcapture.Block, err error) { fate <- err }
			capture := first.Build()
			capture.SetClock(&elapsed.Clock{Read: m.read})
			stop := start(t, capture, nc)
			t.Cleanup(func() { m.wake(jump) }) // if the test fails, before it waits for the capture
			<-asleep
			untilCaughtUp(t, s, options())
			eventually(t, "the retention has passed", func() bool { return time.Since(m.since) > retention })
			forgetAllButTheLast(t, s)
			m.wake(jump)
			if err := <-fate; !errors.Is(err, ledger.ErrStale) {
				t.Errorf("the block's fate is %v, want %v", err, ledger.ErrStale)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
			if rows := readRows(t, dir); len(rows) != n {
				t.Errorf("%d rows of %d messages", len(rows), n)
			}
		})
	}
}

// forgetAllButTheLast does at once what captures do with old entries of the ledger after a while.
func forgetAllButTheLast(t *testing.T, s *capturetest.Server) {
	t.Helper()
	l, err := s.JetStream().Stream(t.Context(), "JC_ORDERS_lake")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Purge(t.Context(), jetstream.WithPurgeSequence(l.CachedInfo().State.LastSeq)); err != nil {
		t.Fatal(err)
	}
}

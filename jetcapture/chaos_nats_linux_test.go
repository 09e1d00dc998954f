package jetcapture_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// chaosServers are one nats-server, or a cluster, each in a process of its own.
type chaosServers struct {
	roles    []chaosServer
	children []*chaosChild
	js       jetstream.JetStream
	nc       *nats.Conn

	published *published
	names     []string // of the streams that must be there

	mu      sync.Mutex
	between func() error // done once while the first server is down
	failed  error        // of that
}

// startServers starts n servers, and makes the stream and a consumer on all of them.
func startServers(t *testing.T, dir string, n int, ackPolicy jetstream.AckPolicy) *chaosServers {
	t.Helper()
	s := &chaosServers{published: newPublished(), names: []string{streamName}}
	ports := freePorts(t, 2*n)
	var routes []string
	for i := range n {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[n+i]))
	}
	for i := range n {
		role := chaosServer{Name: fmt.Sprintf("n%d", i), Dir: filepath.Join(dir, fmt.Sprintf("nats-%d", i)), Port: ports[i]}
		if n > 1 {
			role.Route, role.Routes = ports[n+i], routes
		}
		s.roles = append(s.roles, role)
		s.children = append(s.children, startChild(t, filepath.Join(dir, role.Name+".log"), func() chaosRole {
			s.whileDown()
			return chaosRole{Server: &role}
		}))
	}
	s.nc = s.connect(t)
	var err error
	if s.js, err = jetstream.New(s.nc); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stream is made", func() bool {
		_, err = s.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: streamName, Subjects: []string{"orders.>"}, Replicas: n})
		return err == nil
	})
	eventually(t, "the consumer is made", func() bool {
		_, err = s.js.CreateConsumer(t.Context(), streamName, jetstream.ConsumerConfig{
			Durable: consumerName, AckPolicy: ackPolicy, AckWait: chaosAckWait, MaxAckPending: 100_000, MaxDeliver: -1,
			MaxRequestExpires: 5 * time.Second, // a message counts as old as its request, and half of chaosRetention is too old
		})
		return err == nil
	})
	return s
}

// urls are what clients connect to.
func (s *chaosServers) urls() string {
	var urls []string
	for i := range s.roles {
		urls = append(urls, s.roles[i].url())
	}
	return strings.Join(urls, ",")
}

// connect opens a connection that outlives servers, until the test ends.
func (s *chaosServers) connect(t *testing.T) *nats.Conn {
	t.Helper()
	var nc *nats.Conn
	eventually(t, "a server answers", func() (ok bool) {
		var err error
		nc, err = nats.Connect(s.urls(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond),
			nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // which are expected
		return err == nil
	})
	t.Cleanup(nc.Close)
	return nc
}

// upset restarts a server by a signal: the only one, or the leader of the stream or of its ledger. It returns once all
// servers are at work again.
func (s *chaosServers) upset(ctx context.Context, signal syscall.Signal, stream string) error {
	return s.upsetAnd(ctx, signal, stream, nil)
}

// whileDown does what upsetAnd was asked to do while the server is down.
func (s *chaosServers) whileDown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.between != nil {
		s.failed = s.between()
		s.between = nil
	}
}

// upsetAnd is upset, with something to do while the server, which must be the only one, is down.
func (s *chaosServers) upsetAnd(ctx context.Context, signal syscall.Signal, stream string, between func() error) error {
	s.mu.Lock()
	s.between, s.failed = between, nil
	s.mu.Unlock()
	victim := 0
	if len(s.roles) > 1 {
		info, err := s.stream(ctx, stream)
		if err != nil {
			return fmt.Errorf("find the leader of %s: %w", stream, err)
		}
		for i := range s.roles {
			if info.Cluster != nil && s.roles[i].Name == info.Cluster.Leader {
				victim = i
			}
		}
	}
	lives := s.children[victim].lives()
	s.children[victim].signal(signal)
	for deadline := time.Now().Add(time.Minute); s.children[victim].lives() == lives || !s.healthy(ctx); {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s ended by %v: the servers are not well after a minute", s.roles[victim].Name, signal)
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// healthy reports whether all streams have a leader and all replicas are up to date.
func (s *chaosServers) healthy(ctx context.Context) bool {
	for _, name := range s.names {
		info, err := s.stream(ctx, name)
		if err != nil {
			return false
		}
		if len(s.roles) == 1 {
			continue
		}
		if info.Cluster == nil || info.Cluster.Leader == "" || len(info.Cluster.Replicas) != len(s.roles)-1 {
			return false
		}
		for _, r := range info.Cluster.Replicas {
			if !r.Current || r.Offline {
				return false
			}
		}
	}
	return true
}

func (s *chaosServers) stream(ctx context.Context, name string) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	stream, err := s.js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	return stream.CachedInfo(), nil
}

// publish sends so many messages a second until ctx ends. Each has content of its own, and is sent once: it may be lost on its way.
func (s *chaosServers) publish(ctx context.Context, nc *nats.Conn, rate int) error {
	const ticks = 50 // a second
	inbox := nats.NewInbox()
	answers, err := nc.Subscribe(inbox+".*", func(m *nats.Msg) {
		var answer struct{ Seq uint64 }
		i, err := strconv.Atoi(m.Subject[len(inbox)+1:])
		if err == nil {
			_ = json.Unmarshal(m.Data, &answer) // without a sequence it is none
			s.published.confirm(i, answer.Seq)
		}
	})
	if err != nil {
		return err
	}
	ticker := time.NewTicker(time.Second / ticks)
	defer ticker.Stop()
	for i := 0; ; {
		select {
		case <-ctx.Done():
			_ = nc.FlushTimeout(10 * time.Second)
			time.Sleep(time.Second) // for the last answers
			return answers.Unsubscribe()
		case <-ticker.C:
		}
		s.published.gate.RLock()
		for range rate / ticks {
			m := chaosMessage(i)
			m.Reply = inbox + "." + strconv.Itoa(i)
			i++ // an error is a buffer that is full while no server is there
			if err := nc.PublishMsg(m); err == nil {
				s.published.mu.Lock()
				s.published.sent++
				s.published.mu.Unlock()
			}
		}
		s.published.gate.RUnlock()
	}
}

// chaosKeys is how many subjects there are.
const chaosKeys = 8

// chaosMessage is the i-th message, of about 50 bytes.
func chaosMessage(i int) *nats.Msg {
	return &nats.Msg{Subject: fmt.Sprintf("orders.k%d", i%chaosKeys), Data: fmt.Appendf(nil, `{"order":%d,"note":"exactly once, whatever comes"}`, i)}
}

func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	var config net.ListenConfig
	for range n {
		l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }() // all are held until all are known, so that they differ
		addr, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			t.Fatalf("listener at %v", l.Addr())
		}
		ports = append(ports, addr.Port)
	}
	return ports
}

package jetcapture_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const ledgerName = "JC_" + streamName + "_" + consumerName

// chaosServers are one nats-server, or a cluster, each in a process of its own.
type chaosServers struct {
	roles    []chaosServer
	children []*chaosChild
	js       jetstream.JetStream
	nc       *nats.Conn
}

// startServers starts n servers, and makes the stream and a consumer on all of them.
func startServers(t *testing.T, dir string, n int, ackPolicy jetstream.AckPolicy) *chaosServers {
	t.Helper()
	s := new(chaosServers)
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
		s.children = append(s.children, startChild(t, filepath.Join(dir, role.Name+".log"), func() chaosRole { return chaosRole{Server: &role} }))
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
	return nil
}

// healthy reports whether both streams have a leader and all replicas are up to date.
func (s *chaosServers) healthy(ctx context.Context) bool {
	for _, name := range []string{streamName, ledgerName} {
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

// publish sends so many messages a second until ctx ends, without a look at what becomes of them: the stream says which
// ones it has.
func (s *chaosServers) publish(ctx context.Context, nc *nats.Conn, rate int) {
	const ticks = 50 // a second
	ticker := time.NewTicker(time.Second / ticks)
	defer ticker.Stop()
	for i := 0; ; {
		select {
		case <-ctx.Done():
			_ = nc.FlushTimeout(10 * time.Second)
			return
		case <-ticker.C:
		}
		for range rate / ticks {
			m := chaosMessage(i)
			if err := nc.PublishMsg(m); err == nil { // an error is a buffer that is full while no server is there
				i++
			}
		}
	}
}

// chaosMessage is the i-th message, of about 50 bytes, on one of 8 subjects.
func chaosMessage(i int) *nats.Msg {
	return &nats.Msg{Subject: fmt.Sprintf("orders.k%d", i%8), Data: fmt.Appendf(nil, `{"order":%d,"note":"exactly once, whatever comes"}`, i)}
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

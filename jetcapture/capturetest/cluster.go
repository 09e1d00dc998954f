package capturetest

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// StartCluster runs n servers as one cluster until the test ends. The first is the one that clients are told of; they
// learn of the others.
func StartCluster(t testing.TB, n int) []*Server {
	t.Helper()
	ports := freePorts(t, n)
	var routes []string
	for _, port := range ports {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", port))
	}
	servers := make([]*Server, n)
	for i := range servers {
		servers[i] = &Server{t: t, options: &server.Options{
			ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: server.RANDOM_PORT,
			Cluster: server.ClusterOpts{Name: "cluster", Host: "127.0.0.1", Port: ports[i]},
			Routes:  server.RoutesFromStr(strings.Join(routes, ",")),

			JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
		}}
		t.Cleanup(servers[i].Stop)
		servers[i].Restart()
	}
	deadline := time.Now().Add(timeout)
	for !ready(servers) {
		if time.Now().After(deadline) {
			t.Fatalf("the cluster has no JetStream leader after %v", timeout)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return servers
}

// ready reports that the servers know a meta leader and that all of them are current.
func ready(servers []*Server) bool {
	for _, s := range servers {
		if s.server.JetStreamIsLeader() {
			return len(s.server.JetStreamClusterPeers()) == len(servers)
		}
	}
	return false
}

func freePorts(t testing.TB, n int) (ports []int) {
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

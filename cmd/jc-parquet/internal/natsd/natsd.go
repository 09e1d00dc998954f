// Package natsd runs a NATS server with JetStream in the process, for the demo and the bench.
package natsd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	host         = "127.0.0.1"
	readyTimeout = 20 * time.Second
)

// A Server listens on 127.0.0.1 and keeps its streams in a temporary folder.
type Server struct {
	server *server.Server
	dir    string
}

// Start runs a server on a port, or on a free one if port is 0.
func Start(port int) (*Server, error) {
	if port > 0 { // a server without its port would never be ready, and give no reason
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.ParseIP(host), Port: port})
		if err != nil {
			return nil, fmt.Errorf("start nats-server: %w", err)
		}
		_ = l.Close()
	}
	dir, err := os.MkdirTemp("", "jc-parquet-nats-")
	if err != nil {
		return nil, fmt.Errorf("start nats-server: %w", err)
	}
	s := &Server{dir: dir}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	s.server, err = server.NewServer(&server.Options{
		Host: host, Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start nats-server: %w", err), os.RemoveAll(dir))
	}
	s.server.Start()
	if !s.server.ReadyForConnections(readyTimeout) {
		return nil, errors.Join(fmt.Errorf("start nats-server: it is not ready after %v", readyTimeout), s.Stop())
	}
	return s, nil
}

// URL is the address for clients.
func (s *Server) URL() string { return s.server.ClientURL() }

// Stop ends the server and removes its folder.
func (s *Server) Stop() error {
	s.server.Shutdown()
	s.server.WaitForShutdown()
	return os.RemoveAll(s.dir)
}

// Package capturetest starts real NATS servers with JetStream in the process, for tests of captures.
package capturetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	timeout        = 2 * time.Minute // longer than the busiest machine needs
	leaderAttempts = 20              // to publish a message, 250 ms apart, while a stream has no leader

	cannotCreateStore jetstream.ErrorCode = 10049 // the server still removes the files of a stream of that name
)

// A Server is a NATS server with JetStream on 127.0.0.1. It can be stopped, and started again on the same port and with
// the same data.
type Server struct {
	t       testing.TB
	options *server.Options
	server  *server.Server // nil if it is a process
	process *process       // nil if it runs in this one
	running bool
}

// Start runs a server until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartWith(t, nil)
}

// StartWith is Start with options that change, if not nil, alters first.
func StartWith(t testing.TB, change func(*server.Options)) *Server {
	t.Helper()
	s := &Server{t: t, options: &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
	}}
	if change != nil {
		change(s.options)
	}
	t.Cleanup(s.Stop)
	s.Restart()
	return s
}

// Restart stops the server if it runs, and starts it with the data it has.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	if s.process != nil {
		if err := s.process.start(); err != nil {
			s.t.Fatalf("start %s: %v", s.process.path, err)
		}
		s.running = true
		return
	}
	started, err := server.NewServer(s.options.Clone())
	if err != nil {
		s.t.Fatalf("start nats-server: %v", err)
	}
	s.server, s.running = started, true
	started.Start()
	if !started.ReadyForConnections(timeout) {
		s.t.Fatalf("nats-server is not ready after %v", timeout)
	}
	if addr, ok := started.Addr().(*net.TCPAddr); ok {
		s.options.Port = addr.Port
	}
}

// Stop stops the server and waits until it has.
func (s *Server) Stop() {
	switch {
	case !s.running:
	case s.process != nil:
		s.process.stop()
	default:
		s.server.Shutdown()
		s.server.WaitForShutdown()
	}
	s.running = false
}

// Name is the server's name in its cluster.
func (s *Server) Name() string { return s.options.ServerName }

// Restrict starts the server again with a user, whose password is the same, that may publish everywhere but on the subjects.
// Clients that do not say who they are may do all as before.
func (s *Server) Restrict(user string, subjects ...string) {
	s.t.Helper()
	s.options.Users = []*server.User{
		{Username: "anyone", Password: "anyone"},
		{Username: user, Password: user, Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: subjects}}},
	}
	s.options.NoAuthUser = "anyone"
	s.Restart()
}

// Limit limits what the streams of all clients may store, in bytes on disk. required says that each stream must have a limit of
// its own.
func (s *Server) Limit(storage int64, required bool) {
	s.t.Helper()
	s.LimitAccount("", func(l *server.JetStreamAccountLimits) { l.MaxStore, l.MaxBytesRequired = storage, required })
}

// LimitAccount limits what all clients may have, of a tier such as R1, or altogether. change alters limits that allow everything.
func (s *Server) LimitAccount(tier string, change func(*server.JetStreamAccountLimits)) {
	s.t.Helper()
	limits := server.JetStreamAccountLimits{
		MaxMemory: -1, MaxStore: -1, MaxStreams: -1, MaxConsumers: -1, MaxAckPending: -1, MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1,
	}
	change(&limits)
	if err := s.server.GlobalAccount().UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{tier: limits}); err != nil {
		s.t.Fatalf("limit the account: %v", err)
	}
}

// URL is what clients connect to.
func (s *Server) URL() string {
	return "nats://" + net.JoinHostPort(s.options.Host, strconv.Itoa(s.options.Port))
}

// Connect opens a connection that outlives restarts of the server, until the test ends.
func (s *Server) Connect() *nats.Conn {
	s.t.Helper()
	nc, err := nats.Connect(s.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.Timeout(timeout))
	if err != nil {
		s.t.Fatalf("connect to nats-server: %v", err)
	}
	s.t.Cleanup(nc.Close)
	return nc
}

// Stream makes a stream of the given subjects on file storage.
func (s *Server) Stream(name string, subjects ...string) jetstream.Stream {
	s.t.Helper()
	ctx := s.context()
	var stream jetstream.Stream
	var err error
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		stream, err = s.jetStream().CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: subjects})
		var api *jetstream.APIError
		if !errors.As(err, &api) || api.ErrorCode != cannotCreateStore || wait > time.Second {
			break
		}
		time.Sleep(wait)
	}
	if err != nil {
		s.t.Fatalf("create stream %s: %v", name, err)
	}
	return stream
}

// Consumer makes a durable pull consumer that suits a capture; change, if not nil, alters it first.
func (s *Server) Consumer(stream, name string, change func(*jetstream.ConsumerConfig)) jetstream.Consumer {
	s.t.Helper()
	config := jetstream.ConsumerConfig{
		Durable: name, AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Minute, MaxAckPending: 1_000_000, MaxDeliver: -1,
	}
	if change != nil {
		change(&config)
	}
	c, err := s.jetStream().CreateConsumer(s.context(), stream, config)
	if err != nil {
		s.t.Fatalf("create consumer %s: %v", name, err)
	}
	return c
}

// Publish stores n messages, each made by message from its number (from 0), and returns when the server has all.
func (s *Server) Publish(n int, message func(i int) *nats.Msg) {
	s.t.Helper()
	var refused atomic.Pointer[error]
	js := s.jetStream(jetstream.WithPublishAsyncMaxPending(2_000),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, _ *nats.Msg, err error) { refused.Store(&err) }))
	for i := range n {
		if _, err := js.PublishMsgAsync(message(i), jetstream.WithStallWait(timeout), jetstream.WithRetryAttempts(leaderAttempts)); err != nil {
			s.t.Fatalf("publish message %d: %v", i, err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
		if err := refused.Load(); err != nil {
			s.t.Fatalf("publish: %v", *err)
		}
	case <-time.After(timeout):
		s.t.Fatalf("publish: %d of %d messages are not confirmed after %v", js.PublishAsyncPending(), n, timeout)
	}
}

// Info describes a consumer.
func (s *Server) Info(stream, consumer string) *jetstream.ConsumerInfo {
	s.t.Helper()
	js := s.jetStream()
	defer js.Conn().Close() // tests ask again and again
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	c, err := js.Consumer(ctx, stream, consumer)
	if err != nil {
		s.t.Fatalf("look up consumer %s: %v", consumer, err)
	}
	return c.CachedInfo()
}

// JetStream returns a client of its own.
func (s *Server) JetStream() jetstream.JetStream { return s.jetStream() }

func (s *Server) jetStream(options ...jetstream.JetStreamOpt) jetstream.JetStream {
	s.t.Helper()
	js, err := jetstream.New(s.Connect(), options...)
	if err != nil {
		s.t.Fatal(fmt.Errorf("connect to JetStream: %w", err))
	}
	return js
}

func (s *Server) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	s.t.Cleanup(cancel)
	return ctx
}

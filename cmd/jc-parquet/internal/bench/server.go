//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/cmd/jc-parquet/internal/natsd"
	"github.com/jetcapture/lake/jetcapture/ledger"
)

// settle is how long the server is left alone before a run, to finish what it does behind the one before.
const settle = 2 * time.Second

// serve is the role of the server. It prints its URL, then its CPU time in nanoseconds for each line it reads, and ends with
// its input.
func serve([]string) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM) // the bench ends it, in its turn
	server, err := natsd.Start(0)
	if err != nil {
		return err
	}
	fmt.Println(server.URL())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		used, err := ownCPU()
		if err != nil {
			return errors.Join(err, server.Stop())
		}
		fmt.Println(int64(used))
	}
	return server.Stop()
}

// A serverProcess is the server as the bench sees it.
type serverProcess struct {
	url     string
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

func startServer(ctx context.Context) (*serverProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &serverProcess{process: exec.CommandContext(context.WithoutCancel(ctx), self, "server")} // it ends by stop
	s.process.Stderr = os.Stderr
	if s.in, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	if err := s.process.Start(); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	if _, err := fmt.Fscanln(s.out, &s.url); err != nil {
		return nil, errors.Join(fmt.Errorf("start server: %w", err), s.stop())
	}
	return s, ctx.Err()
}

func (s *serverProcess) stop() error {
	return errors.Join(s.in.Close(), s.process.Wait())
}

func (s *serverProcess) cpu() (used time.Duration, err error) {
	if _, err := fmt.Fprintln(s.in); err != nil {
		return 0, fmt.Errorf("ask the server for its CPU time: %w", err)
	}
	if _, err := fmt.Fscanln(s.out, &used); err != nil {
		return 0, fmt.Errorf("ask the server for its CPU time: %w", err)
	}
	return used, nil
}

// A contender pulls all messages of a consumer, acks them, and says what came of it.
type contender struct {
	name   string
	run    func(ctx context.Context, url, consumer string, messages int) (*run, error)
	policy jetstream.AckPolicy // of the consumer; the zero value is explicit acks
}

// measure lets a contender have a new consumer, and checks that the consumer is empty afterwards.
func (s *serverProcess) measure(ctx context.Context, messages int, c contender) (r *run, err error) {
	nc, err := nats.Connect(s.url)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	const name = "bench"
	_, err = js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{ // as jc-parquet would create it
		Durable: name, AckPolicy: c.policy, AckWait: 10 * time.Minute, MaxAckPending: 1_000_000, MaxDeliver: -1,
	})
	if err != nil {
		return nil, fmt.Errorf("create consumer: %w", err)
	}
	defer func() { err = errors.Join(err, js.DeleteConsumer(context.WithoutCancel(ctx), stream, name)) }()
	defer func() {
		if r != nil {
			r.LedgerBytes = takeLedger(context.WithoutCancel(ctx), js, ledger.StreamName(stream, name))
		}
	}()
	time.Sleep(settle)

	machine := machineCPU()
	own, err := ownCPU()
	if err != nil {
		return nil, err
	}
	before, err := s.cpu()
	if err != nil {
		return nil, err
	}
	if r, err = c.run(ctx, s.url, name, messages); err != nil {
		return nil, err
	}
	after, err := s.cpu()
	if err != nil {
		return nil, err
	}
	r.ServerCPU = (after - before).Seconds()
	ownAfter, err := ownCPU()
	if err != nil {
		return nil, err
	}
	if now := machineCPU(); now > 0 {
		ours := (ownAfter - own).Seconds() + r.ServerCPU + r.ClientCPU*float64(messages)/1e6
		r.OthersCPU = max(0, (now-machine).Seconds()-ours)
	}

	consumer, err := js.Consumer(ctx, stream, name)
	if err != nil {
		return nil, err
	}
	if info := consumer.CachedInfo(); info.NumPending > 0 || info.NumAckPending > 0 || info.AckFloor.Stream != uint64(messages) {
		return nil, fmt.Errorf("the consumer has %d messages pending and %d un-acked, and is acked up to %d, after all %d were to be acked",
			info.NumPending, info.NumAckPending, info.AckFloor.Stream, messages)
	}
	return r, nil
}

// takeLedger returns the size of a ledger, 0 if there is none, and removes it.
func takeLedger(ctx context.Context, js jetstream.JetStream, name string) int64 {
	s, err := js.Stream(ctx, name)
	if err != nil {
		return 0
	}
	defer func() { _ = js.DeleteStream(ctx, name) }() // the server's folder goes in the end
	return int64(s.CachedInfo().State.Bytes)
}

// A child is a process of the bench that has ended.
type child[R any] struct {
	result R
	usage  *syscall.Rusage
	wall   time.Duration
}

// runRole runs a role, which prints its result as JSON.
func runRole[R any](ctx context.Context, args ...string) (*child[R], error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, self, args...)
	command.Stderr = os.Stderr
	start := time.Now()
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	c := &child[R]{wall: time.Since(start), usage: usageOf(command)}
	if err := json.Unmarshal(out, &c.result); err != nil {
		return nil, fmt.Errorf("%s printed no result: %w", args[0], err)
	}
	return c, nil
}

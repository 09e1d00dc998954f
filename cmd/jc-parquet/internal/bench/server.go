//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/cmd/jc-parquet/internal/natsd"
	"github.com/jetcapture/lake/jetcapture/ledger"
)

// settle is the pause before a run, in which the server finishes its work for the run before.
const settle = 2 * time.Second

// serve is the role of the server. It prints its URL, then its CPU time in nanoseconds for each line it reads, and ends with
// its input.
func serve([]string) error {
	outliveSignals()
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

// A serverProcess is the server process of the bench.
type serverProcess struct {
	*servant
	url    string
	settle time.Duration
}

func startServer(ctx context.Context) (s *serverProcess, err error) {
	s = &serverProcess{settle: settle}
	s.servant, err = startServant(ctx, []string{"server"}, &s.url)
	return s, err
}

func (s *serverProcess) cpu() (used time.Duration, err error) {
	err = s.ask("cpu", &used)
	return used, err
}

// measure gives a contender a new consumer, and checks that the consumer is empty afterwards.
func (s *serverProcess) measure(ctx context.Context, messages int, c contender) (r *run, err error) {
	nc, js, err := connect(s.url)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	j := job{url: s.url, stream: c.stream, consumer: "bench", messages: messages}
	config := jetstream.ConsumerConfig{ // as jc-parquet would create it
		Durable: j.consumer, AckPolicy: c.policy, AckWait: 10 * time.Minute, MaxAckPending: 1_000_000, MaxDeliver: -1,
	}
	if c.unlimited {
		config.MaxAckPending, config.MemoryStorage = -1, true // as doctor advises
	}
	if _, err = js.CreateConsumer(ctx, j.stream, config); err != nil {
		return nil, fmt.Errorf("create consumer: %w", err)
	}
	defer func() { err = errors.Join(err, js.DeleteConsumer(context.WithoutCancel(ctx), j.stream, j.consumer)) }()
	defer func() {
		size := takeLedger(context.WithoutCancel(ctx), js, ledger.StreamName(j.stream, j.consumer))
		if r != nil {
			r.LedgerBytes = size
		}
	}()
	time.Sleep(s.settle)
	if r, err = s.observe(ctx, j, c); err != nil {
		return nil, err
	}
	consumer, err := js.Consumer(ctx, j.stream, j.consumer)
	if err != nil {
		return nil, err
	}
	if info := consumer.CachedInfo(); info.NumPending > 0 || info.NumAckPending > 0 || info.AckFloor.Stream != uint64(messages) {
		return nil, fmt.Errorf("the consumer has %d messages pending and %d un-acked, and is acked up to %d, after all %d were to be acked",
			info.NumPending, info.NumAckPending, info.AckFloor.Stream, messages)
	}
	return r, nil
}

// observe runs a contender and measures the CPU time of the other processes meanwhile.
func (s *serverProcess) observe(ctx context.Context, j job, c contender) (r *run, err error) {
	machine := machineCPU()
	own, err := ownCPU()
	if err != nil {
		return nil, err
	}
	before, err := s.cpu()
	if err != nil {
		return nil, err
	}
	if r, err = c.run(ctx, j); err != nil {
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
		ours := (ownAfter - own).Seconds() + r.ServerCPU + r.StoreCPU + r.ClientCPU*float64(j.messages)/1e6
		r.OthersCPU = max(0, (now-machine).Seconds()-ours)
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

//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	soakConsumer   = "bench"
	soakSample     = 5 * time.Second
	soakMaxBytes   = 4 << 30 // of the stream
	soakOutage     = 5       // the store is down for a fifth of the time, in its middle
	soakCatchUp    = 10 * time.Minute
	soakLook       = 100 * time.Millisecond
	soakDeliveries = time.Second // in which messages arrive that the server has sent
)

// A soaking is a capture at full rate into a store that fails for a while.
type soaking struct {
	*bench
	consumer jetstream.Consumer
	capture  *capturing
	ended    chan error // gets the error of the capture, or nil
	over     bool       // ended was received
	flood    *servant
	result   soakResult
}

// soak runs jc-parquet for a time, exactly once and into S3, beside a publisher that is as fast as it, and compares the store with the
// published messages.
func soak(ctx context.Context, d time.Duration, flags ...string) (result *soakResult, err error) {
	b, err := startBench(ctx, plan{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	if b.gateway == nil {
		return nil, errors.New("versitygw is not installed: run make tools")
	}
	nc, err := nats.Connect(b.server.url)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	s := &soaking{bench: b, ended: make(chan error, 1)}
	s.result.Seconds, s.result.OutageSeconds = d.Seconds(), (d / soakOutage).Seconds()
	if err := s.createStream(ctx, nc, d); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	to := b.gateway.place(b.gateway.outage, "lake")
	return &s.result, archiveIn(to.folder, func() (err error) {
		j := job{url: b.server.url, stream: stream, consumer: soakConsumer}
		if s.capture, err = b.startCapture(ctx, s.ended, j, to, append([]string{"--delivery", "exactly-once"}, flags...)...); err != nil {
			return err
		}
		if err := s.run(ctx, d); err != nil {
			cancel()
			if !s.over {
				err = errors.Join(err, <-s.ended) // with its log
			}
			if s.flood != nil {
				err = errors.Join(err, s.flood.stop())
			}
			return err
		}
		return s.compare(to.folder)
	})
}

// createStream makes a stream that refuses messages rather than discards any, and its consumer.
func (s *soaking) createStream(ctx context.Context, nc *nats.Conn, d time.Duration) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	_, err = js.CreateStream(ctx, jetstream.StreamConfig{
		Name: stream, Subjects: []string{"orders.>"}, MaxBytes: soakMaxBytes, Discard: jetstream.DiscardNew,
	})
	if err != nil {
		return fmt.Errorf("create stream: %w", err)
	}
	s.consumer, err = js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{
		Durable: soakConsumer, AckPolicy: jetstream.AckExplicitPolicy, AckWait: 30*time.Minute + d, MaxAckPending: 1_000_000, MaxDeliver: -1,
	})
	if err != nil {
		return fmt.Errorf("create consumer: %w", err)
	}
	return nil
}

// run runs a soak and ends it.
func (s *soaking) run(ctx context.Context, d time.Duration) (err error) {
	ready := ""
	if s.flood, err = startServant(ctx, []string{"flood", s.server.url, soakConsumer}, &ready); err != nil {
		return err
	}
	say("publishing for %v; the store is down for %v of that", d, d/soakOutage)
	if err := s.watch(ctx, d); err != nil {
		return err
	}
	var published floodResult
	err = s.flood.end(&published)
	s.flood = nil
	if err != nil {
		return err
	}
	s.result.Published = published.Published
	say("catching up")
	if err := s.catchUp(ctx); err != nil {
		return err
	}
	if err := s.capture.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	err, s.over = <-s.ended, true
	if err != nil {
		return fmt.Errorf("jc-parquet: %w", err)
	}
	info, err := s.consumer.Info(ctx)
	if err != nil {
		return err
	}
	s.result.Unacked = backlog(info)
	return nil
}

// watch takes samples, and stops the store in the middle.
func (s *soaking) watch(ctx context.Context, d time.Duration) error {
	every := min(soakSample, d/20)
	tick := time.NewTicker(every)
	defer tick.Stop()
	start := time.Now()
	down, up := time.After(d*(soakOutage-1)/(2*soakOutage)), time.After(d*(soakOutage+1)/(2*soakOutage))
	phase := beforeOutage
	for {
		var err error
		select {
		case <-down:
			phase, err = duringOutage, s.switchStore("down")
		case <-up:
			phase, err = afterOutage, s.switchStore("up")
		case <-tick.C:
			err = s.sample(ctx, time.Since(start), phase)
			if time.Since(start) >= d {
				return err
			}
		case err = <-s.ended:
			err = s.endedEarly(err)
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

func (s *soaking) endedEarly(err error) error {
	s.over = true
	return errors.Join(errors.New("jc-parquet ended too early"), err)
}

func (s *soaking) switchStore(to string) error {
	say("the store is %s", to)
	answer := ""
	return s.gateway.ask(to, &answer)
}

func (s *soaking) sample(ctx context.Context, at time.Duration, phase string) error {
	info, err := s.consumer.Info(ctx)
	if err != nil {
		return err
	}
	s.result.Samples = append(s.result.Samples, soakSampled{
		At: at.Seconds(), Phase: phase, Backlog: backlog(info), Resident: residentMemory(s.capture.Process.Pid),
		Acked: info.Delivered.Stream - min(info.Delivered.Stream, uint64(info.NumAckPending)),
	})
	return nil
}

// catchUp returns once all messages have been delivered.
func (s *soaking) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, soakCatchUp)
	defer cancel()
	look := time.NewTicker(soakLook)
	defer look.Stop()
	since := time.Now()
	for {
		info, err := s.consumer.Info(ctx)
		if err != nil {
			return err
		}
		if info.NumPending > 0 {
			since = time.Now()
		}
		if time.Since(since) >= soakDeliveries {
			return nil
		}
		select {
		case <-look.C:
		case err := <-s.ended:
			return s.endedEarly(err)
		case <-ctx.Done():
			return fmt.Errorf("%d messages were not delivered: %w", info.NumPending, ctx.Err())
		}
	}
}

// compare compares the files with the published messages.
func (s *soaking) compare(folder string) (err error) {
	say("reading the files in the store")
	rows := newSequences(s.result.Published)
	if s.result.Files, s.result.FileBytes, err = rows.read(folder); err != nil {
		return err
	}
	distinct := rows.distinct()
	s.result.Rows, s.result.Lost = rows.rows, s.result.Published-min(s.result.Published, distinct)
	s.result.Twice = rows.rows - distinct
	return nil
}

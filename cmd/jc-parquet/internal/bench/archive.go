//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// A place is a destination of jc-parquet.
type place struct {
	out    string // the value of --out
	folder string // where the files are read at the end
	env    []string
}

// A capturing is a running jc-parquet.
type capturing struct {
	*exec.Cmd
	log   bytes.Buffer
	start time.Time
	wall  time.Duration // once it has ended
}

// startCapture runs jc-parquet with flags, and sends its result to ended. It is killed when the context ends.
func (b *bench) startCapture(ctx context.Context, ended chan<- error, j job, to place, flags ...string) (*capturing, error) {
	args := []string{"run", "--server", j.url, "--stream", j.stream, "--consumer", j.consumer, "--out", to.out, "--log-json"}
	c := &capturing{Cmd: exec.CommandContext(ctx, b.binary, append(args, flags...)...), start: time.Now()}
	c.Env = append([]string{"TMPDIR=" + os.TempDir()}, to.env...) // no JC_ or NATS_ variable
	c.Stderr = &c.log
	if err := c.Start(); err != nil {
		return nil, err
	}
	go func() {
		err := c.Wait()
		c.wall = time.Since(c.start)
		if err != nil {
			err = fmt.Errorf("%w:\n%s", err, c.log.Bytes())
		}
		ended <- err
	}()
	return c, nil
}

// archive runs jc-parquet with flags, in one process or several, until all is acked.
func (b *bench) archive(processes int, flags ...string) func(context.Context, job) (*run, error) {
	return func(ctx context.Context, j job) (*run, error) {
		return b.intoFolder(j, func(dir string) (*run, error) {
			return b.runCaptures(ctx, j, place{out: dir, folder: dir}, processes, flags...)
		})
	}
}

// runCaptures runs processes until they have caught up, and adds up their results.
func (b *bench) runCaptures(ctx context.Context, j job, to place, processes int, flags ...string) (*run, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all []*capturing
	var err error
	ended := make(chan error, processes)
	for range processes {
		c, startErr := b.startCapture(ctx, ended, j, to, append([]string{"--until-caught-up"}, flags...)...)
		if err = startErr; err != nil {
			cancel()
			break
		}
		all = append(all, c)
	}
	for range all {
		if endErr := <-ended; endErr != nil && err == nil {
			err = endErr
			cancel() // the others would wait for its messages
		}
	}
	if err != nil {
		return nil, err
	}
	return sumUp(j, all)
}

// sumUp makes one run of the captures of a consumer. They start together, so all take as long as the slowest.
func sumUp(j job, all []*capturing) (*run, error) {
	var sum run
	longest := 0.0
	for _, c := range all {
		seconds, err := loggedSeconds(&c.log)
		if err != nil && !errors.Is(err, errIdle) {
			return nil, err
		}
		one := newRun(j.messages, 1, c.wall, usageOf(c.Cmd))
		longest = max(longest, seconds)
		sum.ClientCPU += one.ClientCPU
		sum.PeakMemory += one.PeakMemory
		sum.WallSeconds = max(sum.WallSeconds, one.WallSeconds)
	}
	if longest == 0 {
		return nil, errIdle
	}
	sum.MessagesPerSecond = float64(j.messages) / longest
	return &sum, nil
}

// errIdle is the error of loggedSeconds for a capture that has archived nothing.
var errIdle = errors.New("jc-parquet logged no sums")

// loggedSeconds returns the time from the first message to the last confirmed ack, from the log.
func loggedSeconds(log io.Reader) (float64, error) {
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line struct {
			Msg     string
			Seconds float64
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err == nil && line.Msg == "stored" {
			return line.Seconds, nil
		}
	}
	return 0, errors.Join(errIdle, lines.Err())
}

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
)

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

// A servant is a child process that serves until its input ends, which happens even if the bench is killed. It prints a line when it is
// ready, and one for each line that it reads.
type servant struct {
	role    string
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

// startServant runs a role and reads the line that says that it is ready.
func startServant(ctx context.Context, args []string, ready ...any) (*servant, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &servant{role: args[0], process: exec.CommandContext(context.WithoutCancel(ctx), self, args...)} // it ends by stop
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
		return nil, fmt.Errorf("start %s: %w", s.role, err)
	}
	if _, err := fmt.Fscanln(s.out, ready...); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", s.role, err), s.stop())
	}
	if ctx.Err() != nil {
		return nil, errors.Join(ctx.Err(), s.stop())
	}
	return s, nil
}

// ask sends a line and reads one.
func (s *servant) ask(question string, answer any) error {
	if _, err := fmt.Fprintln(s.in, question); err != nil {
		return fmt.Errorf("ask %s: %w", s.role, err)
	}
	if _, err := fmt.Fscanln(s.out, answer); err != nil {
		return fmt.Errorf("ask %s: %w", s.role, err)
	}
	return nil
}

func (s *servant) stop() error {
	return errors.Join(s.in.Close(), s.process.Wait())
}

// end stops a servant that prints its result at the end.
func (s *servant) end(result any) error {
	if err := s.in.Close(); err != nil {
		return errors.Join(err, s.process.Wait())
	}
	err := json.NewDecoder(s.out).Decode(result)
	if err != nil {
		err = fmt.Errorf("%s printed no result: %w", s.role, err)
	}
	return errors.Join(s.process.Wait(), err)
}

// outliveSignals ignores signals, because the bench ends its servants in order.
func outliveSignals() { signal.Ignore(os.Interrupt, syscall.SIGTERM) }

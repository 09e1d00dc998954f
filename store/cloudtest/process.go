package cloudtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

const (
	startTimeout = 2 * time.Minute
	startTries   = 3 // another program may take the port between its choice and its use
)

// start runs a server until the test ends and returns its address, host:port. command is called with a free port.
func start(t testing.TB, name string, command func(port string) *exec.Cmd) (address string) {
	t.Helper()
	var last error
	for range startTries {
		port, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		address = net.JoinHostPort("127.0.0.1", port)
		if last = run(t, command(port), address); last == nil {
			return address
		}
	}
	t.Fatalf("start %s: %v", name, last)
	return ""
}

// run starts the command and returns once something listens at address.
func run(t testing.TB, command *exec.Cmd, address string) error {
	var printed output
	command.Stdout, command.Stderr = &printed, &printed
	endWithParent(command)
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = command.Wait() // it is killed: its result does not matter
		close(ended)
	}()
	stop := func() {
		_ = command.Process.Kill()
		<-ended
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	for {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = connection.Close()
			t.Cleanup(stop)
			return nil
		}
		select {
		case <-ended:
			return fmt.Errorf("it ended at once: %s", printed.String())
		case <-ctx.Done():
			stop()
			return fmt.Errorf("it does not listen on %s: %s", address, printed.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test, and does not wait
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	addr, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return "", errors.New("not an address of TCP")
	}
	return strconv.Itoa(addr.Port), nil
}

// output keeps the beginning of a process's output.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.buf.Len() < 8<<10 {
		o.buf.Write(p)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// tool returns the path of a tool that make tools installed at path below the module's root. If it is missing, the test ends.
func tool(t testing.TB, path ...string) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("the folder of this package is not known")
	}
	found := filepath.Join(append([]string{filepath.Dir(file), "..", ".."}, path...)...)
	if _, err := os.Stat(found); err != nil {
		missing(t, fmt.Errorf("%s is not installed: run make tools (%w)", path[len(path)-1], err))
	}
	return found
}

func missing(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") != "" || os.Getenv("JETCAPTURE_REQUIRE_TOOLS") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
}

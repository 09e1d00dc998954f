package capturetest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// oldServer is the file in .tools that `make tools` installs: a nats-server before the one that this module uses.
const oldServer = "nats-server-v2.14.4"

// StartOld runs nats-server 2.14.4 as a process until the test ends. If that server is not installed, the test is skipped, or
// fails where CI or JETCAPTURE_REQUIRE_TOOLS is set.
func StartOld(t testing.TB) *Server {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("the folder of this package is not known")
	}
	path := filepath.Join(filepath.Dir(file), "..", "..", ".tools", oldServer)
	if _, err := os.Stat(path); err != nil {
		err = fmt.Errorf("%s is not installed: run make tools (%w)", oldServer, err)
		if os.Getenv("CI") != "" || os.Getenv("JETCAPTURE_REQUIRE_TOOLS") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	s := &Server{t: t, options: &server.Options{Host: "127.0.0.1", Port: freePorts(t, 1)[0], StoreDir: t.TempDir()}}
	s.process = &process{
		path:    path,
		address: net.JoinHostPort(s.options.Host, strconv.Itoa(s.options.Port)),
		args:    []string{"--addr", s.options.Host, "--port", strconv.Itoa(s.options.Port), "--jetstream", "--store_dir", s.options.StoreDir},
	}
	t.Cleanup(s.Stop)
	s.Restart()
	return s
}

// A process is a server of its own.
type process struct {
	path    string
	args    []string
	address string

	command *exec.Cmd
	output  *bytes.Buffer // of the command; read only after it has ended
	ended   chan struct{}
}

// start returns once something listens at the address.
func (p *process) start() error {
	p.command, p.output, p.ended = exec.Command(p.path, p.args...), new(bytes.Buffer), make(chan struct{}) //nolint:noctx // stop ends it
	p.command.Stdout, p.command.Stderr = p.output, p.output
	if err := p.command.Start(); err != nil {
		return err
	}
	go func() {
		_ = p.command.Wait() // how it ends does not matter
		close(p.ended)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	for {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", p.address)
		if err == nil {
			return connection.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("it ended at once: %s", p.output)
		case <-ctx.Done():
			p.stop()
			return fmt.Errorf("it does not listen on %s: %s", p.address, p.output)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the process as a service manager does, and waits until it has ended.
func (p *process) stop() {
	_ = p.command.Process.Signal(os.Interrupt)
	select {
	case <-p.ended:
	case <-time.After(timeout):
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

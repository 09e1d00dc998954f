package jetcapture_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// The test binary can be a capture or a nats-server of its own, to be killed.
const (
	captureEnv = "JETCAPTURE_TEST_CAPTURE" // the URL to capture from
	serverEnv  = "JETCAPTURE_TEST_SERVER"  // the address to listen on
	dirEnv     = "JETCAPTURE_TEST_DIR"     // for the files, or the server's data
)

func TestMain(m *testing.M) {
	switch dir := os.Getenv(dirEnv); {
	case os.Getenv(chaosEnv) != "":
		os.Exit(chaosProcess(os.Getenv(chaosEnv)))
	case os.Getenv(captureEnv) != "":
		captureProcess(os.Getenv(captureEnv), dir)
	case os.Getenv(serverEnv) != "":
		serverProcess(os.Getenv(serverEnv), dir)
	default:
		os.Exit(m.Run())
	}
}

// captureProcess captures until it has caught up.
func captureProcess(url, dir string) {
	nc, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		panic(err)
	}
	o := rawNDJSON(dir)
	o.MaxMessages, o.MaxAge, o.UntilCaughtUp, o.BufferToDisk = 5_000, time.Second, true, true
	if err := o.Build().Run(context.Background(), nc); err != nil {
		panic(err)
	}
}

// serverProcess serves until it is killed, and prints its address.
func serverProcess(address, dir string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		panic(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		panic(err)
	}
	if number == 0 {
		number = server.RANDOM_PORT
	}
	s, err := server.NewServer(&server.Options{Host: host, Port: number, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		panic(err)
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		panic("nats-server is not ready")
	}
	fmt.Println(s.Addr())
	select {}
}

// startCapture starts a captureProcess.
func startCapture(t *testing.T, url, dir, temp string) *exec.Cmd {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), captureEnv+"="+url, dirEnv+"="+dir, "TMPDIR="+temp)
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	return child
}

type serverChild struct {
	address string
	process *exec.Cmd
}

// startServerProcess starts a serverProcess that is killed when the test ends, if not before.
func startServerProcess(t *testing.T, data, address string) *serverChild {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), serverEnv+"="+address, dirEnv+"="+data)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	c := &serverChild{process: child}
	t.Cleanup(c.kill)
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the server process did not start")
	}
	c.address = lines.Text()
	return c
}

func (c *serverChild) kill() {
	if c.process.ProcessState == nil {
		_ = c.process.Process.Kill()
		_ = c.process.Wait()
	}
}

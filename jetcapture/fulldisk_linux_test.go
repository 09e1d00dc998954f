package jetcapture_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/jetcapture"
)

const inNamespace = "JETCAPTURE_TEST_IN_NAMESPACE"

// A file system of 1 MB for temporary files is full when blocks spill to it: they are given up, nothing of them is acked
// or stored, and once there is room again everything is.
func TestFullDiskWhileSpoolingLosesNothing(t *testing.T) {
	const n = 4_000
	temp := smallFileSystem(t)
	if temp == "" {
		return // ran in a child that may mount one
	}
	filler := filepath.Join(temp, "filler")
	if err := os.WriteFile(filler, make([]byte, 900<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	s, dir := startServer(t), t.TempDir()
	s.Publish(n, func(i int) *nats.Msg {
		m := order(i)
		m.Header = nats.Header{"Fill": {strings.Repeat("x", 1000)}}
		return m
	})
	o := rawNDJSON(dir)
	o.BufferToDisk, o.TempDir = true, temp
	var abandoned, acked atomic.Int64
	o.Observer.BlockAbandoned = func(_ jetcapture.Block, err error) {
		if !strings.Contains(err.Error(), "no space left") {
			t.Errorf("a block is given up for %v", err)
		}
		if abandoned.Add(1) == 3 {
			if err := os.Truncate(filler, 0); err != nil {
				t.Error(err)
			}
			if err := syscall.Mount("tmpfs", temp, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
				t.Error(err)
			}
		} else if abandoned.Load() < 3 && acked.Load() > 0 {
			t.Error("acked although nothing could be written")
		}
	}
	o.Observer.BlockAcked = func(jetcapture.Block, time.Duration) { acked.Add(1) }
	untilCaughtUp(t, s, o)
	if abandoned.Load() < 3 {
		t.Errorf("%d blocks were given up: the disk was never full", abandoned.Load())
	}
	wantOrders(t, readRows(t, dir), n, true)
}

// smallFileSystem mounts one. Where that takes rights that the test does not have, it runs the test in a child with a
// user namespace of its own, and returns "".
func smallFileSystem(t *testing.T) string {
	t.Helper()
	temp := t.TempDir()
	err := syscall.Mount("tmpfs", temp, "tmpfs", 0, "size=1m")
	if err == nil {
		t.Cleanup(func() { _ = syscall.Unmount(temp, syscall.MNT_DETACH) })
		return temp
	}
	if os.Getenv(inNamespace) != "" {
		t.Fatalf("mount a small file system: %v", err)
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), inNamespace+"=1")
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("in a namespace of its own: %w\n%s", err, out))
	}
	return ""
}

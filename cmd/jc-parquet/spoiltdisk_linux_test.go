package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jetcapture/lake/jetcapture/app"
)

const inNamespace = "JETCAPTURE_TEST_IN_NAMESPACE"

// A folder that is read-only or full is refused at the start, in words that say so.
func TestFolderThatCannotBeWrittenIsRefusedBeforeAnythingIsPulled(t *testing.T) {
	t.Run("read-only", func(t *testing.T) {
		if dir := smallMount(t, "size=1m"); dir != "" {
			if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
			wantRefusal(t, dir, "read-only file system")
		}
	})
	t.Run("full", func(t *testing.T) {
		if dir := smallMount(t, "size=64k"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("the file system does not become full: %v", err)
			}
			wantRefusal(t, dir, "no space left on device")
		}
	})
}

func wantRefusal(t *testing.T, dir, complaint string) {
	t.Helper()
	code, _, stderr := jcParquet("run", "--server=nats://127.0.0.1:1", "--stream=S", "--consumer=C", "--out", dir)
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	last := lines[len(lines)-1]
	if code != app.ExitUsage || !strings.HasPrefix(last, "jc-parquet: --out: ") || !strings.Contains(last, complaint) || !strings.Contains(last, dir) {
		t.Errorf("exit code %d, and it says\n%s", code, stderr)
	}
	t.Log(last)
}

// smallMount mounts a small file system. Where that takes rights that the test does not have, it runs the test in a child with
// a user namespace of its own, and returns "".
func smallMount(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, size)
	if err == nil {
		t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
		return dir
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
		t.Fatalf("in a namespace of its own: %v\n%s", err, out)
	}
	return ""
}

package jetcapture_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jetcapture/lake/jetcapture"
)

// The folder that blocks are stored in cannot be written for a while, which begins in the middle of a capture: that
// waits, acks nothing that is not stored, leaves nothing half-visible, and goes on by itself.
func TestStoreThatCannotBeWrittenForAWhileLosesNothing(t *testing.T) {
	t.Run("read-only", func(t *testing.T) {
		storesAround(t, "read-only file system", func(dir string) error {
			return remount(dir, syscall.MS_RDONLY, "")
		}, func(dir string) error {
			return remount(dir, 0, "")
		})
	})
	t.Run("full", func(t *testing.T) {
		filler := func(dir string) string { return filepath.Join(dir, "filler") }
		storesAround(t, "no space left on device", func(dir string) error {
			f, err := os.Create(filler(dir))
			for err == nil {
				_, err = f.Write(make([]byte, 4096))
			}
			if errors.Is(err, syscall.ENOSPC) {
				err = nil
			}
			return errors.Join(err, f.Close())
		}, func(dir string) error {
			return os.Remove(filler(dir))
		})
	})
}

func storesAround(t *testing.T, complaint string, spoil, mend func(dir string) error) {
	t.Helper()
	const n, blockSize, failures = 20_000, 100, 12
	dir := smallFileSystem(t)
	if dir == "" {
		return // ran in a child that may mount one
	}
	if err := remount(dir, 0, "size=64m"); err != nil {
		t.Fatal(err)
	}
	s, lake := startServer(t), filepath.Join(dir, "lake")
	s.Publish(n, order)
	o := rawNDJSON(lake)
	o.MaxMessages = blockSize
	var stored, failed atomic.Int64
	var spoilOnce sync.Once
	o.Observer.BlockStored = func(b jetcapture.Block, _ time.Duration) {
		if stored.Add(int64(b.Messages)) >= n/4 {
			spoilOnce.Do(func() {
				if err := spoil(dir); err != nil {
					t.Errorf("spoil the file system: %v", err)
				}
			})
		}
	}
	var meanwhile map[string]string
	o.Observer.StoreFailed = func(_ jetcapture.Block, _ int, err error, _ time.Duration) {
		if !strings.Contains(err.Error(), complaint) || !strings.Contains(err.Error(), lake) {
			t.Errorf("storing fails with %q, which does not tell what is wrong", err)
		}
		if failed.Add(1) != failures {
			return
		}
		info := s.Info(streamName, consumerName)
		if acked := int64(info.Delivered.Consumer) - int64(info.NumAckPending); acked > stored.Load() {
			t.Errorf("%d messages are acked, %d stored", acked, stored.Load())
		}
		meanwhile = contents(t, lake)
		if err := mend(dir); err != nil {
			t.Errorf("fix the file system: %v", err)
		}
	}
	untilCaughtUp(t, s, o)
	if failed.Load() < failures || len(meanwhile) < n/4/blockSize {
		t.Fatalf("%d failures, %d files when it was fixed: the test shows nothing", failed.Load(), len(meanwhile))
	}
	finally := contents(t, lake)
	for path, content := range meanwhile {
		if finally[path] != content {
			t.Errorf("%s had %d bytes while the file system was spoilt, and has %d", path, len(content), len(finally[path]))
		}
	}
	wantOrders(t, readRows(t, lake), n, true)
	if left := files(t, filepath.Join(lake, ".jetcapture-tmp"), ""); len(left) > 0 {
		t.Errorf("temporary files are left: %q", left)
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, path := range files(t, dir, ".ndjson") {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		all[path] = string(content)
	}
	return all
}

// remount changes the file system at dir once no file is being written there, which would keep it from becoming read-only.
func remount(dir string, flags uintptr, data string) error {
	for {
		err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, data)
		if !errors.Is(err, syscall.EBUSY) {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

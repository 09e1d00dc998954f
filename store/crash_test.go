package store_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jetcapture/lake/store"
)

// The test binary can be a process of its own that writes until it is killed.
const (
	crashRootEnv = "STORE_TEST_CRASH_ROOT" // where it writes
	crashRunEnv  = "STORE_TEST_CRASH_RUN"  // the folder of its objects
)

const crashWriters = 4 // that a process has at a time

func TestMain(m *testing.M) {
	if root := os.Getenv(crashRootEnv); root != "" {
		writeUntilKilled(root, os.Getenv(crashRunEnv))
	}
	os.Exit(m.Run())
}

// writeUntilKilled prints that it starts, and then the name of each stored object.
func writeUntilKilled(root, run string) {
	d := store.NewDir(root)
	fmt.Println("start")
	write := func(name string) {
		if _, err := d.Create(context.Background(), name, bytes.NewReader(crashContent(name)), nil); err != nil {
			panic(err)
		}
		fmt.Println(name) // one write to the pipe: it arrives whole or not at all
	}
	write(run + "/first") // sweeps, before others may meet the files that it is sweeping
	for w := range crashWriters {
		go func() {
			for i := 0; ; i++ {
				write(fmt.Sprintf("%s/w%d/%d/%d", run, w, i/3, i))
			}
		}()
	}
	select {}
}

// crashContent returns the content of the object of a name: 0 bytes to 600 KB, mostly few.
func crashContent(name string) []byte {
	source := rand.NewChaCha8(sha256.Sum256([]byte(name)))
	sizes := []int{0, 1, 4096, 4097, 10_000, 33_000, 100_000, 600_000}
	content := make([]byte, sizes[source.Uint64()%uint64(len(sizes))])
	_, _ = source.Read(content)
	return content
}

// Whenever a process is killed, a file is whole or missing, files that were reported as stored exist, and the next process removes
// temporary files.
func TestKilledProcessesLeaveWholeFilesAndNoTemporaryOnes(t *testing.T) {
	const kills = 200
	latest := 45 * time.Millisecond // that a process is killed after it began; later on a machine where that is too early
	root := t.TempDir()
	reported, inDoubt, swept := map[string]bool{}, 0, 0
	var left map[string]bool // temporary files after the kill before
	for i := range kills {
		run := fmt.Sprintf("run=%03d", i)
		names := writeAndKill(t, root, run, rand.N(latest))
		there := wantWhole(t, root, run)
		for _, name := range names {
			reported[name] = true
			if !there[name] {
				t.Fatalf("kill %d: %s was stored, and is not there", i, name)
			}
		}
		inDoubt += len(there) - len(names)
		if len(reported) < 3*i && latest < time.Second {
			latest += latest / 20
		}
		now := crashTemps(t, root)
		if runtime.GOOS != "windows" && len(names) > 0 { // where there are no locks they stay for a day
			for temp := range left {
				if now[temp] {
					t.Fatalf("kill %d: %s, which a killed process left, is still there after the next has stored %d objects", i, temp, len(names))
				}
			}
			swept += len(left)
			if len(now) > crashWriters {
				t.Fatalf("kill %d: %d temporary files of %d writers", i, len(now), crashWriters)
			}
		}
		left = now
	}
	t.Logf("%d kills: %d objects stored, %d there without a report, %d temporary files swept", kills, len(reported), inDoubt, swept)
	if len(reported) < 2*kills || swept < kills/4 {
		t.Errorf("%d objects stored and %d temporary files left by %d processes: they were killed too early to show anything", len(reported), swept, kills)
	}

	d := store.NewDir(root)
	for name := range wantWhole(t, root, "") { // again, after all that came later
		if reported[name] {
			continue
		}
		if _, err := d.Create(t.Context(), name, bytes.NewReader(crashContent(name)), nil); err != nil {
			t.Errorf("create %s once more, whose report was lost: %v", name, err)
		}
	}
	mustPut(t, d, "last", "content")
	if runtime.GOOS != "windows" {
		if left := crashTemps(t, root); len(left) > 0 {
			t.Errorf("temporary files are left in the end: %v", left)
		}
	}
}

// writeAndKill kills a process some time after its start, and returns the objects that it reported as stored.
func writeAndKill(t *testing.T, root, run string, after time.Duration) (names []string) {
	t.Helper()
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), crashRootEnv+"="+root, crashRunEnv+"="+run)
	var reported bytes.Buffer
	process.Stderr = &reported
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var killer sync.WaitGroup
	for lines.Scan() {
		if name := lines.Text(); name != "start" {
			names = append(names, name)
			continue
		}
		killer.Go(func() {
			time.Sleep(after)
			_ = process.Process.Kill()
		})
	}
	killer.Wait()
	_ = process.Wait() // it was killed
	if reported.Len() > 0 {
		t.Fatalf("the process said: %s", reported.String())
	}
	return names
}

// wantWhole returns the names of the files in a folder of root. Each holds what its name says.
func wantWhole(t *testing.T, root, folder string) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		name = filepath.ToSlash(name)
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(name, ".jetcapture-tmp"):
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		}
		content, err := os.ReadFile(path)
		if want := crashContent(name); err == nil && !bytes.Equal(content, want) {
			t.Errorf("%s has %d bytes, and they are not the %d that it should hold", name, len(content), len(want))
		}
		names[name] = true
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return names
}

func crashTemps(t *testing.T, root string) map[string]bool {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, ".jetcapture-tmp"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	temps := make(map[string]bool)
	for _, entry := range entries {
		temps[entry.Name()] = true
	}
	return temps
}

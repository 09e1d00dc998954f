package jetcapture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The test runs itself as a process that traces a captureProcess, since who traces waits for all children of its process.
const (
	traceURLEnv = "JETCAPTURE_TEST_TRACE_URL"
	traceDirEnv = "JETCAPTURE_TEST_TRACE_DIR"
)

const notPermitted = 77 // is how the tracing process ends if tracing is not permitted

// What the kernel sees of a capture: the file is synced, then linked to its name, then the folder is synced, as are those
// above that are new, and only then is an ack of one of its messages written to the connection.
func TestNoAckLeavesBeforeFileAndFolderAreSynced(t *testing.T) {
	if url := os.Getenv(traceURLEnv); url != "" {
		tracingProcess(url, os.Getenv(traceDirEnv))
	}
	const n = 3_000
	s, dir := startServer(t), t.TempDir()
	s.Publish(n, order)
	calls := traceCapture(t, s.URL(), dir)
	acks := firstAcks(t, calls)
	lake := filepath.Join(dir, "lake")
	wantOrders(t, readRows(t, lake), n, true)
	if len(acks) != n {
		t.Fatalf("%d messages of %d are acked", len(acks), n)
	}
	stored := files(t, lake, ".ndjson")
	for _, path := range stored {
		durable := durableAt(t, calls, lake, path)
		for _, r := range readJSONLines[row](t, path) {
			if acks[r.StreamSeq] <= durable {
				t.Fatalf("message %d is acked at stop %d, %s is durable at %d", r.StreamSeq, acks[r.StreamSeq], path, durable)
			}
		}
	}
	if len(stored) < 8 {
		t.Errorf("only %d files", len(stored))
	}
	t.Logf("%d calls of interest, %d files", len(calls), len(stored))
}

// traceCapture returns the calls of a capture into dir/lake that ran until it had caught up, in their order.
func traceCapture(t *testing.T, url, dir string) []tracedCall {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	tracing := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$")
	tracing.Env = append(os.Environ(), traceURLEnv+"="+url, traceDirEnv+"="+dir)
	out, err := tracing.CombinedOutput()
	if tracing.ProcessState.ExitCode() == notPermitted {
		if os.Getenv("CI") != "" || os.Getenv("JETCAPTURE_REQUIRE_TOOLS") != "" {
			t.Fatalf("%s", out)
		}
		t.Skipf("NOT SHOWN that nothing is acked before it is durable: %s", out)
	}
	if err != nil {
		t.Fatalf("the tracing process: %v\n%s", err, out)
	}
	calls, err := readTrace(filepath.Join(dir, "trace"))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(calls, func(a, b tracedCall) int { return a.Began - b.Began })
	return calls
}

// tracingProcess traces a captureProcess.
func tracingProcess(url, dir string) {
	capture := exec.Command(os.Args[0])
	capture.Env = append(os.Environ(), captureEnv+"="+url, dirEnv+"="+filepath.Join(dir, "lake"), "TMPDIR="+dir)
	capture.Stderr = os.Stderr
	err := traceTo(filepath.Join(dir, "trace"), capture)
	switch {
	case errors.Is(err, errNoTracing):
		fmt.Println(err)
		os.Exit(notPermitted)
	case err != nil:
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// durableAt returns the stop by which the file had its name, and name and content could not be lost any more.
func durableAt(t *testing.T, calls []tracedCall, lake, path string) int {
	t.Helper()
	place := find(calls, 0, func(c tracedCall) bool {
		return (c.Number == unix.SYS_LINKAT || c.Number == unix.SYS_RENAMEAT2) && c.To == path
	})
	if place == nil {
		t.Fatalf("%s got its name by no call that was seen", path)
	}
	if content := syncOf(calls, 0, place.Path); content == nil || content.Ended >= place.Began {
		t.Fatalf("%s got its name before it was synced: %+v", path, content)
	}
	at := 0
	entry := place
	for folder := filepath.Dir(path); ; folder = filepath.Dir(folder) {
		if entry != nil {
			sync := syncOf(calls, entry.Ended, folder)
			if sync == nil {
				t.Fatalf("%s was never synced after %+v", folder, entry)
			}
			at = max(at, sync.Ended)
		}
		if len(folder) < len(lake) {
			return at
		}
		entry = find(calls, 0, func(c tracedCall) bool { return c.Number == unix.SYS_MKDIRAT && c.Path == folder })
		if entry == nil {
			t.Fatalf("%s was made by no call that was seen", folder)
		}
	}
}

// syncOf returns the first sync of a file or folder that began after a stop, nil if there is none.
func syncOf(calls []tracedCall, after int, path string) *tracedCall {
	return find(calls, after, func(c tracedCall) bool {
		return (c.Number == unix.SYS_FSYNC || c.Number == unix.SYS_FDATASYNC) && c.Path == path
	})
}

func find(calls []tracedCall, after int, is func(tracedCall) bool) *tracedCall {
	for i := range calls {
		if calls[i].Began > after && is(calls[i]) {
			return &calls[i]
		}
	}
	return nil
}

// firstAcks returns for each message by its sequence in the stream when its ack began to leave for the first time.
func firstAcks(t *testing.T, calls []tracedCall) map[uint64]int {
	t.Helper()
	var sent []byte
	var began, ends []int // of the calls, in stops and in bytes
	socket := ""
	for _, c := range calls {
		if c.Data == nil {
			continue
		}
		if socket != "" && socket != c.Path {
			t.Fatalf("the capture writes to more than one socket: %s and %s", socket, c.Path)
		}
		socket = c.Path
		sent = append(sent, c.Data...)
		began, ends = append(began, c.Began), append(ends, len(sent))
	}
	acks := make(map[uint64]int)
	for rest := sent; len(rest) > 0; {
		at, _ := slices.BinarySearch(ends, len(sent)-len(rest)+1)
		line, after, _ := bytes.Cut(rest, []byte("\r\n"))
		rest = after
		words := strings.Fields(string(line))
		if len(words) == 0 || words[0] != "PUB" && words[0] != "HPUB" {
			continue
		}
		size, err := strconv.Atoi(words[len(words)-1])
		if err != nil || size+2 > len(rest) {
			t.Fatalf("%q, and %d bytes after it: %v", line, len(rest), err)
		}
		payload := rest[:size]
		rest = rest[size+2:]
		_, numbers, isAck := strings.Cut(words[1], "."+streamName+"."+consumerName+".")
		if !isAck || !strings.HasPrefix(words[1], "$JS.ACK.") || !bytes.HasPrefix(payload, []byte("+ACK")) {
			continue
		}
		seq, err := strconv.ParseUint(strings.Split(numbers, ".")[1], 10, 64)
		if err != nil {
			t.Fatalf("ack %q: %v", words[1], err)
		}
		if acks[seq] == 0 {
			acks[seq] = began[at]
		}
	}
	return acks
}

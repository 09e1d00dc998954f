//go:build unix

package jetcapture_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// More blocks are open than the process may have files: the others stay in memory, and storing has its descriptors.
func TestTemporaryFilesLeaveDescriptorsForStoring(t *testing.T) {
	const keys, n = 100, 600
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, nil)
	s.Publish(n, func(i int) *nats.Msg {
		return &nats.Msg{Subject: fmt.Sprintf("orders.k%d", i%keys), Data: bytes.Repeat([]byte{byte(i)}, 50_000)}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	capture := exec.CommandContext(ctx, "sh", "-c", `ulimit -n 64; exec "$0"`, os.Args[0])
	capture.Env = append(os.Environ(), captureEnv+"="+s.URL(), dirEnv+"="+dir, "TMPDIR="+t.TempDir())
	out, err := capture.CombinedOutput()
	if err != nil {
		t.Fatalf("capture: %v\n%.2000s", err, out)
	}
	if rows := readRows(t, dir); len(rows) != n {
		t.Errorf("%d rows", len(rows))
	}
}

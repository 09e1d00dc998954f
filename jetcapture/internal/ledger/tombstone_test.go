package ledger

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
)

func TestTombstonesComeBackHoweverManyThereAre(t *testing.T) {
	for round := range 3 {
		for i := range 3 * knownTombstones {
			plain := bytes.Repeat(fmt.Appendf(nil, "%d", i), 500)
			deflated, err := deflate(plain)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := inflate(deflated); err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("round %d, tombstone %d comes back as %.20q, %v", round, i, got, err)
			}
		}
	}
	for _, broken := range [][]byte{{}, {1}, []byte("no deflate")} {
		if got, err := inflate(broken); len(got) > 0 || (err == nil) != (len(broken) == 0) {
			t.Errorf("%q becomes %q, %v", broken, got, err)
		}
	}
}

// Each file has a claim: what is the same in all must not be compressed for each.
func TestAClaimOfAKnownTombstoneIsCheap(t *testing.T) {
	e := claimEntry("a", 1, 2, 3)
	if _, err := e.encode(); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const n = 100
	for range n {
		if _, err := e.encode(); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / n; each > 10_000 {
		t.Errorf("a claim allocates %d bytes", each)
	}
}

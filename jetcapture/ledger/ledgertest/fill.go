// Package ledgertest fills ledgers for tests and measurements.
package ledgertest

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// Fill makes the ledger of a consumer and appends claims of 500 messages each, all of them stored: two entries for each.
func Fill(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, source *jetstream.StreamInfo, consumer string, claims int) error {
	l, err := ledger.OpenStream(ctx, nc, js, source, consumer, ledger.StreamOptions{}, ledger.NewBook(ledger.DefaultCacheBytes))
	if err != nil {
		return err
	}
	start := time.Now()
	for i := range uint64(claims) {
		e := &ledger.Entry{
			Block: fmt.Sprintf("%016d", i), State: ledger.Claimed, Instance: "ledgertest",
			Part: 1, Parts: 1, Place: ledger.Place{Name: fmt.Sprintf("date=2026-11-23/hour=12/%d.parquet", i)},
			Tombstone: make([]byte, 2_000),
			Segments: ledger.NewSegments(func(yield func(ledger.Message, bool) bool) {
				for k := range uint64(500) { // as when ten destination keys take turns
					seq := i/10*5_000 + i%10 + 10*k
					if !yield(ledger.Message{Seq: seq, Time: start.Add(time.Duration(seq) * time.Microsecond).UnixNano()}, false) {
						return
					}
				}
			}),
		}
		seq, err := l.Append(ctx, e, 0)
		if err != nil {
			return err
		}
		if _, err := l.Append(ctx, &ledger.Entry{Block: e.Block, State: ledger.Stored, Instance: e.Instance}, seq); err != nil {
			return err
		}
	}
	return nil
}

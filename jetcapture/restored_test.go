package jetcapture_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/store"
)

// An operator puts back a backup of the stream with its consumer, which is from before the last messages were archived: they come
// again. README.md here says when they are archived twice.
func TestRestoredBackupArchivesNothingTwiceUnlessTheLedgerIsANewOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ledgerToo bool // is put back, as it was
		newLedger bool // the one there was is gone
		running   bool // the capture runs on meanwhile
		want      int  // rows, of thousand
	}{
		"the ledger stays":                            {want: 2},
		"the ledger stays, while a capture runs":      {want: 2, running: true},
		"the ledger is put back, too":                 {want: 2, ledgerToo: true},
		"the ledger is put back while a capture runs": {want: 2, ledgerToo: true, running: true},
		"the ledger is a new one":                     {want: 3, newLedger: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 1_000
			s, dir := startDisk(t, nil), t.TempDir()
			s.orders(time.Second)
			options := func() *rawOptions {
				o := onceParquet(t, store.NewDir(dir))
				o.MaxMessages = 100
				return o
			}
			archived := func() bool { return s.info().AckFloor.Stream == 2*n }
			s.publish(n, 0)
			if err := catchUp(t, s.connect(), options()); err != nil {
				t.Fatal(err)
			}
			s.publish(n, n)
			folders := []string{s.streamFolder(streamName)}
			if c.ledgerToo {
				folders = append(folders, s.ledgerFolder())
			}
			putBack := s.keep(folders...)
			stop := func() error { return nil }
			if c.running {
				stop = start(t, options().Build(), s.connect())
				eventually(t, "all is archived", archived)
			} else if err := catchUp(t, s.connect(), options()); err != nil {
				t.Fatal(err)
			}
			putBack(func() {
				if c.newLedger {
					if err := os.RemoveAll(s.ledgerFolder()); err != nil {
						t.Error(err)
					}
				}
			})
			if c.running {
				if !within(time.Minute, archived) {
					t.Errorf("the capture stands still: the ack floor is %d", s.info().AckFloor.Stream)
				}
			} else if err := catchUp(t, s.connect(), options()); err != nil {
				t.Errorf("Run = %v", err)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
			rows := int64(0)
			formattest.DuckDB(t).Each("select count(*) from read_parquet("+formattest.Quote(filepath.Join(dir, "**", "*.parquet"))+", hive_partitioning = false)",
				func(row []any) { rows, _ = row[0].(int64) })
			if rows != int64(c.want*n) {
				t.Errorf("%d messages have %d rows, want %d", 2*n, rows, c.want*n)
			}
		})
	}
}

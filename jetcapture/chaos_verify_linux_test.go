package jetcapture_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/format/formattest"
)

// chaosSpan is how many sequences are compared by one sum.
const chaosSpan = 1000

// verify fails the test unless DuckDB finds each message of the stream once in the Parquet files under lake, with its own
// content.
func (c *chaos) verify(t *testing.T, lake string) {
	t.Helper()
	info, err := c.servers.stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	n := int64(info.State.LastSeq)
	if info.State.FirstSeq != 1 || int64(info.State.Msgs) != n || n < 10_000 {
		t.Fatalf("the stream has %d messages from %d to %d: this test shows nothing", info.State.Msgs, info.State.FirstSeq, n)
	}
	consumer, err := c.servers.js.Consumer(t.Context(), streamName, consumerName)
	if err != nil {
		t.Fatal(err)
	}
	if i := consumer.CachedInfo(); i.NumAckPending != 0 || i.NumPending != 0 || i.AckFloor.Stream != uint64(n) {
		t.Errorf("%d messages are not acknowledged, %d not delivered, the ack floor is %d of %d", i.NumAckPending, i.NumPending, i.AckFloor.Stream, n)
	}

	duck := c.duck
	glob := formattest.Quote(filepath.Join(lake, "**", "*.parquet"))
	duck.Query(`create table lake as select stream_seq, subject = 'orders.' || key as in_place, (decode(data)::json->>'order')::bigint as content, filename
		from read_parquet(` + glob + `, hive_partitioning = true, filename = true)`)
	files := duck.QueryInt("select count(*) from glob(" + glob + ")")
	full := duck.QueryInt("select count(distinct filename) from lake")
	total, distinct := duck.QueryInt("select count(*) from lake"), duck.QueryInt("select count(distinct stream_seq) from lake")
	within := duck.QueryInt(fmt.Sprintf("select count(distinct stream_seq) from lake where stream_seq between 1 and %d", n))
	t.Logf("%d messages, %d rows, %d of them distinct, in %d files and %d tombstones", n, total, distinct, full, files-full)
	if total != n || distinct != n || within != n {
		t.Errorf("%d rows, %d of them distinct, %d of these from 1 to %d", total, distinct, within, n)
		c.showEvidence(t, duck, n)
	}
	if wrong := duck.QueryInt("select count(*) from lake where not in_place"); wrong != 0 {
		t.Errorf("%d rows are in the files of another destination key", wrong)
	}
	c.verifyContent(t, duck)
}

// verifyContent compares what is in the rows with what is in the stream.
func (c *chaos) verifyContent(t *testing.T, duck *formattest.Duck) {
	t.Helper()
	want, got := map[int64]int64{}, map[int64]int64{}
	c.eachMessage(t, streamName, func(m jetstream.Msg, seq uint64) {
		var content struct{ Order int64 }
		if err := json.Unmarshal(m.Data(), &content); err != nil {
			t.Fatalf("message %d: %v", seq, err)
		}
		want[int64(seq)/chaosSpan] += content.Order
	})
	duck.Each(fmt.Sprintf("select stream_seq // %d, sum(content)::bigint from lake group by 1", chaosSpan), func(row []any) {
		span, _ := row[0].(int64)
		got[span], _ = row[1].(int64)
	})
	wrong := 0
	for span := range want {
		wrong += count(want[span] != got[span])
	}
	if wrong > 0 || len(got) != len(want) {
		t.Errorf("%d of %d spans of %d messages have other content than the stream, and %d spans have any", wrong, len(want), chaosSpan, len(got))
	}
}

// eachMessage calls each with the messages of a stream, in order.
func (c *chaos) eachMessage(t *testing.T, stream string, each func(m jetstream.Msg, seq uint64)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	info, err := c.servers.stream(ctx, stream)
	if err != nil {
		t.Fatal(err)
	}
	if info.State.Msgs == 0 {
		return
	}
	consumer, err := c.servers.js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		t.Fatal(err)
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		meta, err := m.Metadata()
		if err != nil {
			t.Fatal(err)
		}
		each(m, meta.Sequence.Stream)
		if meta.Sequence.Stream >= info.State.LastSeq {
			return
		}
	}
}

// showEvidence prints which messages are there twice or not at all, the files they are in, and what the ledger and the
// captures said of these.
func (c *chaos) showEvidence(t *testing.T, duck *formattest.Duck, n int64) {
	t.Helper()
	suspects := map[string]bool{} // ids of blocks
	var missing []uint64
	duck.Each("select stream_seq, count(*), string_agg(filename, ' ') from lake group by 1 having count(*) > 1 order by 1 limit 20", func(row []any) {
		t.Logf("stream_seq %v is there %v times: %v", row...)
		names, _ := row[2].(string)
		for _, name := range strings.Fields(names) {
			base := strings.TrimSuffix(filepath.Base(name), ".parquet")
			suspects[base[strings.LastIndexByte(base, '-')+1:]] = true
		}
	})
	duck.Each(fmt.Sprintf("select s.range from range(1, %d) s anti join lake on s.range = lake.stream_seq order by 1 limit 20", n+1), func(row []any) {
		t.Logf("stream_seq %v is not there", row[0])
		seq, _ := row[0].(int64)
		missing = append(missing, uint64(seq))
	})
	c.eachMessage(t, ledgerName, func(m jetstream.Msg, _ uint64) {
		var first, last uint64
		_, _ = fmt.Sscanf(m.Headers().Get("Jc-Range"), "%d-%d", &first, &last)
		for _, seq := range missing {
			if first <= seq && seq <= last {
				suspects[blockOf(m)] = true
			}
		}
	})
	c.eachMessage(t, ledgerName, func(m jetstream.Msg, seq uint64) {
		if suspects[blockOf(m)] {
			meta, _ := m.Metadata()
			t.Logf("ledger %d at %v: %s %v", seq, meta.Timestamp, blockOf(m), m.Headers())
		}
	})
	logs, _ := filepath.Glob(filepath.Join(c.dir, "capture-*.log"))
	for _, name := range logs {
		eachLine(t, name, func(line string) {
			for id := range suspects {
				if strings.Contains(line, id) {
					t.Logf("%s: %s", filepath.Base(name), line)
				}
			}
		})
	}
}

func blockOf(m jetstream.Msg) string { return m.Subject()[strings.LastIndexByte(m.Subject(), '.')+1:] }

func eachLine(t *testing.T, name string, each func(line string)) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		each(lines.Text())
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

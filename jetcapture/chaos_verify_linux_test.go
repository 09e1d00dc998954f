package jetcapture_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/jetcapture"
)

// verify fails the test unless DuckDB finds each message of the stream in the Parquet files under lake, with its own time and
// content: once, if the captures promise that. Messages that the server lost may be there, no more than once too. They must be there if
// a capture had them that lived on and could store them.
func (c *chaos) verify(t *testing.T, lake string) {
	t.Helper()
	info, err := c.servers.stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	n := int64(info.State.LastSeq)
	if info.State.FirstSeq != 1 || int64(info.State.Msgs) != n || n < 2*int64(c.rate) {
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
	duck.Query(`create table lake as select stream_seq as seq, timestamp_ns as ns, (decode(data)::json->>'order')::bigint as content,
		substr(subject, 8) as key, filename from read_parquet(` + glob + `, hive_partitioning = false, filename = true)`)
	c.loadStream(t, duck)
	c.loadConfirmed(t, duck)
	c.loadReports(t, duck)
	files := duck.QueryInt("select count(*) from glob(" + glob + ")")
	full := duck.QueryInt("select count(distinct filename) from lake")
	const notInStream = " anti join stream using (seq, ns, content)"
	total, lostRows := duck.QueryInt("select count(*) from lake"), duck.QueryInt("select count(*) from lake"+notInStream)
	t.Logf("%d messages, %d rows, %d of them of messages that the server lost, in %d files and %d tombstones", n, total, lostRows, full, files-full)

	wrong := false
	wantNone := func(what, sql string) {
		if found := duck.QueryInt("select count(*) from (" + sql + ")"); found != 0 {
			t.Errorf("%d %s", found, what)
			wrong = true
		}
	}
	wantNone("messages of the stream are in no file", "from stream anti join lake using (seq, ns, content)")
	twice := "select content from lake group by content having count(*) > 1"
	if c.delivery == jetcapture.ExactlyOnce {
		wantNone("messages are in files more than once", twice)
	} else {
		t.Logf("%d messages are in files more than once", duck.QueryInt("select count(*) from ("+twice+")"))
		wantNone("messages have two sequences or times", "select content from lake group by content having count(distinct (seq, ns)) > 1")
	}
	wantNone("rows are in files of another destination key", `from lake where filename not like '%/all/%'
		and not contains(filename, '/key=' || key || '/') and not contains(filename, '/pair=' || (substr(key, 2)::int // 2) || '/')`)

	wantNone("messages were confirmed and are not in the stream, though they were not above where it lost its end",
		"select * from confirmed anti join stream using (seq, content) where seq <= "+c.firstEnd())
	wantNone("rows are of messages that are not in the stream, though they are not above where it lost its end",
		"select * from lake"+notInStream+" where seq <= "+c.firstEnd())
	const lostByServer = "(from delivered anti join stream using (seq, content))"
	const kept = "select d.* from " + lostByServer + ` d where not exists (
		from given_up g where g.life = d.life and g.key = d.key
		and d.seq between g.first and g.last and d.ns >= g.start and d.ns < g.stop)`
	t.Logf("captures that lived on had %d messages that the server lost, %d of them in no block that others were in the way of",
		duck.QueryInt("select count(*) from "+lostByServer), duck.QueryInt("select count(*) from ("+kept+")"))
	wantNone("messages that the server lost were delivered to captures that lived on, and are in no file",
		"from ("+kept+") anti join lake using (seq, content)")
	if wrong {
		c.showEvidence(t, duck)
	}
}

// firstEnd returns the lowest sequence that a stream which lost its end ended at, as SQL has it.
func (c *chaos) firstEnd() string {
	first := uint64(1 << 62)
	for _, end := range c.servers.published.ends {
		first = min(first, end)
	}
	return strconv.FormatUint(first, 10)
}

// loadStream makes a table of what the server has.
func (c *chaos) loadStream(t *testing.T, duck *formattest.Duck) {
	t.Helper()
	c.load(t, duck, "stream", "seq, ns, content", func(row func(...any)) {
		c.eachMessage(t, streamName, func(m jetstream.Msg, seq uint64) {
			var content struct{ Order int64 }
			if err := json.Unmarshal(m.Data(), &content); err != nil {
				t.Fatalf("message %d: %v", seq, err)
			}
			meta, err := m.Metadata()
			if err != nil {
				t.Fatal(err)
			}
			row(seq, meta.Timestamp.UnixNano(), content.Order)
		})
	})
}

// loadConfirmed makes a table of what the server has said that it has.
func (c *chaos) loadConfirmed(t *testing.T, duck *formattest.Duck) {
	t.Helper()
	p := c.servers.published
	p.mu.Lock()
	defer p.mu.Unlock()
	c.load(t, duck, "confirmed", "content, seq", func(row func(...any)) {
		for content, seq := range p.seqs {
			row(content, seq)
		}
	})
}

// loadReports makes tables of what captures that ended well have said.
func (c *chaos) loadReports(t *testing.T, duck *formattest.Duck) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(c.dir, "reports", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	reports := make([]chaosReport, len(names))
	for i, name := range names {
		content, err := os.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(content, &reports[i])
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	c.load(t, duck, "delivered", "life, seq, content, ns, key", func(row func(...any)) {
		for life, r := range reports {
			for _, d := range r.Delivered {
				row(life, d.Seq, d.Order, d.Nanos, keyNumber(d.Key))
			}
		}
	})
	c.load(t, duck, "given_up", "life, key, first, last, start, stop", func(row func(...any)) {
		for life, r := range reports {
			for _, g := range r.GivenUp {
				row(life, keyNumber(g.Key), g.First, g.Last, g.Start, g.End)
			}
		}
	})
}

// keyNumber returns the number in a destination key, which all keys of one capture have, or none.
func keyNumber(key string) string { return "0" + strings.TrimPrefix(key, "k") }

// load makes a table of integers.
func (c *chaos) load(t *testing.T, duck *formattest.Duck, table, columns string, fill func(row func(...any))) {
	t.Helper()
	name := filepath.Join(c.dir, table+".csv")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(file)
	_, _ = fmt.Fprintln(w, strings.ReplaceAll(columns, " ", ""))
	fill(func(values ...any) {
		for i, v := range values {
			if i > 0 {
				_ = w.WriteByte(',')
			}
			_, _ = fmt.Fprint(w, v)
		}
		_ = w.WriteByte('\n')
	})
	if err := errors.Join(w.Flush(), file.Close()); err != nil {
		t.Fatal(err)
	}
	duck.Query("create table " + table + " as from read_csv(" + formattest.Quote(name) + ", header = true, all_varchar = true)")
	for _, column := range strings.Split(columns, ", ") {
		duck.Query("alter table " + table + " alter " + column + " type bigint")
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
func (c *chaos) showEvidence(t *testing.T, duck *formattest.Duck) {
	t.Helper()
	suspects := map[string]bool{} // ids of blocks
	var missing []uint64
	duck.Each("select seq, count(*), string_agg(filename, ' '), content from lake group by seq, content having count(*) > 1 order by 1 limit 20", func(row []any) {
		t.Logf("seq %v is there %v times: %v; it is message %v", row...)
		names, _ := row[2].(string)
		for _, name := range strings.Fields(names) {
			base := strings.TrimSuffix(filepath.Base(name), ".parquet")
			suspects[base[strings.LastIndexByte(base, '-')+1:]] = true
		}
	})
	duck.Each("select seq, content from stream anti join lake using (seq, ns, content) order by 1 limit 20", func(row []any) {
		t.Logf("seq %v is not there, message %v", row...)
		seq, _ := row[0].(int64)
		missing = append(missing, uint64(seq))
	})
	if c.delivery != jetcapture.ExactlyOnce {
		return
	}
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

package jetcapture_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/store"
)

// bulk is the i-th message of a stream that is hard on an archive: binary payloads of many sizes, and headers with
// repeats in half of the messages.
func bulk(i int) *nats.Msg {
	rnd := rand.New(rand.NewPCG(7, uint64(i)))
	m := &nats.Msg{Subject: fmt.Sprintf("orders.k%d", i%8), Data: make([]byte, rnd.IntN(300))}
	for j := 0; j+8 <= len(m.Data); j += 8 {
		binary.LittleEndian.PutUint64(m.Data[j:], rnd.Uint64())
	}
	if i%2 == 0 {
		m.Header = nats.Header{"Trace-ID": {fmt.Sprint(i)}, "trace-id": {"lower", "lower", ""}, "X-Name": {"Wärme 🦆"}}
	}
	return m
}

func TestManyMessagesAreReadBackByDuckDB(t *testing.T) {
	capturetest.WithoutRace(t)
	n := 200_000
	if testing.Short() {
		n = 40_000
	}
	s, dir := startServer(t), t.TempDir()
	type split struct {
		Key string `hive:"key"`
	}
	o := jetcapture.DefaultOptions[*jetcapture.NatsMessage, split]()
	o.NATSStreamName, o.NATSConsumerName = streamName, consumerName
	o.MessageDecoder = jetcapture.NatsToNats(func(m *nats.Msg) split { return split{m.Subject[len("orders."):]} })
	writers, err := parquet.RawWriters[*jetcapture.NatsMessage](parquet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o.WriterFactory, o.Suffix = writers, "parquet"
	o.Store = store.Blocks[split](store.NewDir(dir), nil)
	o.MaxAge = 2 * time.Second
	o.UntilCaughtUp = true

	// Published in two goes, so that there is more than one interval however fast the machine is.
	s.Publish(n/2, bulk)
	time.Sleep(o.MaxAge)
	s.Publish(n/2, func(i int) *nats.Msg { return bulk(n/2 + i) })
	if err := o.Build().Run(t.Context(), s.Connect()); err != nil {
		t.Fatal(err)
	}

	duck := formattest.DuckDB(t)
	lake := fmt.Sprintf("read_parquet('%s', hive_partitioning = true, filename = true)", filepath.Join(dir, "**", "*.parquet"))
	for sql, want := range map[string]int64{
		"select count(*) from " + lake:                   int64(n),
		"select count(distinct stream_seq) from " + lake: int64(n),
		"select max(stream_seq) from " + lake:            int64(n),
		"select count(distinct key) from " + lake:        8,
		fmt.Sprintf("select count(*) from (select key, count(*) c from %s group by key) where c <> %d", lake, n/8): 0,
		"select count(*) from " + lake + " where subject <> 'orders.' || key":                                      0,
		"select count(*) from " + lake + " where stream <> 'ORDERS' or consumer <> 'lake'":                         0,
		"select count(*) from " + lake + " where reply is not null or num_delivered <> 1":                          0,
		"select count(*) from " + lake + " where epoch_us(timestamp) <> timestamp_ns // 1000":                      0,
		"select count(*) from " + lake + " where strftime(timestamp, '%Y-%m-%d') <> cast(date as varchar)":         0,
	} {
		if got := duck.QueryInt(sql); got != want {
			t.Errorf("%s\n= %d, want %d", sql, got, want)
		}
	}
	if got := duck.QueryInt("select count(distinct split_part(parse_filename(filename), '-', 1)) from " + lake); got < 2 {
		t.Errorf("%d intervals", got)
	}

	i := 0
	duck.Each("select stream_seq, subject, data, headers from "+lake+" order by stream_seq", func(row []any) {
		want := bulk(i)
		i++
		data, _ := row[2].([]byte)
		if row[0] != int64(i) || row[1] != want.Subject || data == nil || !bytes.Equal(data, want.Data) ||
			fmt.Sprint(row[3]) != headerEntries(want.Header) {
			t.Fatalf("row %v\nwant %d %s %x %s", row, i, want.Subject, want.Data, headerEntries(want.Header))
		}
	})
	if i != n {
		t.Errorf("%d rows", i)
	}
}

// headerEntries prints headers as DuckDB's map comes back, which is sorted by name.
func headerEntries(headers nats.Header) string {
	entries := []formattest.Entry{}
	for _, name := range []string{"Trace-ID", "X-Name", "trace-id"} {
		if values, ok := headers[name]; ok {
			var list []any
			for _, v := range values {
				list = append(list, v)
			}
			entries = append(entries, formattest.Entry{Key: name, Value: list})
		}
	}
	return fmt.Sprint(entries)
}

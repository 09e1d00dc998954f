package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

const sale = `
- name: id
  type: uint64
  nullable: false
- name: placed
  path: order.placed
  type: timestamp
- name: total
  path: order.total
  type: decimal(18,2)
- name: region
  path: [order, "ship.to"]
  type: string
- name: items
  type: json
- name: token
  type: uuid
- name: day
  type: date
- name: rush
  type: bool
`

// saleMsg is message i of those that sale is for. Each tenth does not fit, each hundredth is no JSON.
func saleMsg(i int) *nats.Msg {
	msg := nats.NewMsg("sales." + []string{"eu", "us"}[i%2])
	msg.Header.Add("Tenant-Id", fmt.Sprint("t", i%3))
	switch {
	case i%100 == 99:
		msg.Data = []byte(`{"id": `)
	case i%10 == 9:
		msg.Data = fmt.Appendf(nil, `{"id": %d, "order": {"placed": "yesterday", "total": 12.345}, "rush": null, "note": {"n": 1.10}}`, i)
	default:
		msg.Data = fmt.Appendf(nil, `{"id": %d, "order": {"placed": "2026-11-23T12:%02d:00.5+01:00", "total": %d.25, "ship.to": "a\u00e9"},
			"items": [{"sku": "x"}], "token": "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "day": "2026-11-23", "rush": %t}`,
			uint64(1<<63)+uint64(i), i%60, i, i%2 == 0)
	}
	return msg
}

const sales = 1_000

func salesServer(t *testing.T) *capturetest.Server {
	t.Helper()
	s := capturetest.Start(t)
	s.Stream("SALES", "sales.>")
	s.Publish(sales, saleMsg)
	return s
}

// write makes a file of its own.
func write(t *testing.T, name, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// archiveSales archives all that the consumer has into dir.
func archiveSales(t *testing.T, s *capturetest.Server, dir string, args ...string) (stdout, stderr string) {
	t.Helper()
	if !slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--consumer") }) {
		args = append(args, "--consumer=lake")
	}
	if !slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--stream") }) {
		args = append(args, "--stream=SALES")
	}
	args = append([]string{"run", "--server", s.URL(), "--create-consumer", "--until-caught-up", "--out", dir}, args...)
	code, stdout, stderr := jcParquet(args...)
	if code != app.ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	return stdout, stderr
}

func TestTypedColumnsAreWhatDuckDBReads(t *testing.T) {
	dir := t.TempDir()
	_, stderr := archiveSales(t, salesServer(t), dir, "--columns", write(t, "sale.yaml", sale), "--split=token:2", "--max-messages=200")
	if !strings.Contains(stderr, `"messages": 990,`) || !strings.Contains(stderr, `"dead_letters": 10,`) {
		t.Errorf("the log does not sum up 990 messages and 10 dead letters:\n%s", stderr)
	}
	for column, want := range map[string]string{
		"placed": `"type": "timestamp", "value_is": "text", "example": "\"yesterday\"", "instead": "write string"`,
		"total":  `"type": "decimal(18,2)", "value_is": "number", "example": "12.345", "instead": "write decimal(19,3)"`,
	} {
		want = fmt.Sprintf(`{"column": %q, %s, `, column, want)
		if strings.Count(stderr, want+`"path"`) != 1 || !strings.Contains(stderr, want+`"misfits": 90, "values": 990}`) {
			t.Errorf("the log does not tell once of the first value that does not fit column %s, and at the end of all:\n%s", column, stderr)
		}
	}
	if !strings.Contains(stderr, `"misfits": {"placed": 90, "total": 90}}`) {
		t.Errorf("the summary does not count the values that do not fit:\n%s", stderr)
	}
	db := formattest.DuckDB(t)
	db.Query("create view sales as from read_parquet(" + formattest.Quote(dir+"/**/*.parquet") + ", hive_partitioning = true, " +
		"hive_types = {'hour': VARCHAR})") // or else it is a BIGINT after ten o'clock
	want := "subject VARCHAR, headers JSON, stream VARCHAR, stream_seq BIGINT, timestamp TIMESTAMP WITH TIME ZONE, timestamp_ns BIGINT, " +
		"id UBIGINT, placed TIMESTAMP WITH TIME ZONE, total DECIMAL(18,2), region VARCHAR, items JSON, token UUID, day DATE, rush BOOLEAN, _rest JSON, " +
		"date DATE, hour VARCHAR, token_2 VARCHAR"
	var got []string
	for _, row := range db.Query("describe sales").Values {
		got = append(got, fmt.Sprint(row[0], " ", row[1]))
	}
	if strings.Join(got, ", ") != want {
		t.Errorf("DuckDB sees\n%s\nwant\n%s", strings.Join(got, ", "), want)
	}
	for sql, want := range map[string]string{
		`select count(*), count(_rest), count(placed), count(distinct stream_seq) from sales`:                  "990 90 900 990",
		`select id - stream_seq::uint64 from sales where placed is not null group by all`:                      "9223372036854775807", // 2^63 - 1
		`select min(placed)::varchar, max(placed at time zone 'UTC')::varchar from sales`:                      "2026-11-23 11:00:00.5+00 2026-11-23 11:58:00.5",
		`select sum(total)::varchar from sales`:                                                                "449325.00",
		`select distinct region, items->>'$[0].sku', token, day::varchar from sales where day is not null`:     "aé x f81d4fae-7dec-11d0-a765-00a0c91e6bf6 2026-11-23",
		`select count(*) filter (rush), count(*) filter (not rush), count(*) filter (rush is null) from sales`: "500 400 90",
		`select distinct _rest from sales where _rest is not null`:                                             `{"order":{"placed":"yesterday","total":12.345},"rush":null,"note":{"n": 1.10}}`,
		`select headers->>'$."Tenant-Id"[0]', count(*) from sales group by 1 order by 1 limit 1`:               "t0 330",
		`select token_2, subject, count(*) from sales group by all order by all limit 1`:                       "eu sales.eu 500",
		`select count(distinct epoch_us(timestamp) - timestamp_ns // 1000) from sales`:                         "1",
	} {
		row := db.Query(sql).Values[0]
		if got := strings.TrimSuffix(fmt.Sprintln(row...), "\n"); got != want {
			t.Errorf("%s\nis %s, want %s", sql, got, want)
		}
	}
	deadLetters := db.Query("select reason, count(*) from read_json(" + formattest.Quote(dir+"/**/*.jsonl") + ") group by 1").Values
	if len(deadLetters) != 1 || deadLetters[0][0] != "payload: it is no JSON, at byte 7" || deadLetters[0][1] != int64(10) {
		t.Errorf("the dead letters are %v", deadLetters)
	}
}

// The values of a column that rows are sorted by are compared when the row group is full: all of them must be there then.
func TestALargeSortedColumnOfBytesIsArchived(t *testing.T) {
	const n = 3_000
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream("SALES", "sales.>")
	random := rand.NewChaCha8([32]byte{})
	s.Publish(n, func(i int) *nats.Msg {
		token := binary.BigEndian.AppendUint32(nil, uint32(i))
		token = append(token, make([]byte, 1<<10)...)
		_, _ = random.Read(token[4:]) // never fails
		return &nats.Msg{Subject: "sales.eu", Data: fmt.Appendf(nil, `{"token": %q}`, base64.StdEncoding.EncodeToString(token))}
	})
	archiveSales(t, s, dir, "--columns", write(t, "token.yaml", "- {name: token, type: bytes, nullable: false, sort: ascending}"))
	row := formattest.DuckDB(t).Query("select count(*), count(distinct token), sum(octet_length(token))::bigint from read_parquet(" +
		formattest.Quote(dir+"/**/*.parquet") + ")").Values[0]
	if got, want := fmt.Sprint(row...), fmt.Sprint(n, n, n*(4+1<<10)); got != want {
		t.Errorf("rows, tokens and their bytes are %s, want %s", got, want)
	}
}

func TestTypedColumnsAreTheSameInTextFormats(t *testing.T) {
	s := salesServer(t)
	names := "subject headers stream stream_seq timestamp timestamp_ns id placed total region items token day rush _rest"
	list := write(t, "sale.yaml", sale)
	for _, format := range []string{"csv", "ndjson"} {
		dir := t.TempDir()
		archiveSales(t, s, dir, "--columns", list, "--format", format, "--consumer", format)
		rows := 0
		for _, file := range files(t, dir) {
			if strings.HasPrefix(file, "_deadletter") {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			if format == "csv" {
				lines, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
				if err != nil || strings.Join(lines[0], " ") != names {
					t.Errorf("%s: %v, columns %v", file, err, lines[0])
				}
				rows += len(lines) - 1
				continue
			}
			for line := range strings.Lines(string(text)) {
				var row map[string]any
				if err := json.Unmarshal([]byte(line), &row); err != nil || len(row) != len(strings.Fields(names)) {
					t.Fatalf("%s: %v, %s", file, err, line)
				}
				rows++
			}
		}
		if rows != sales-sales/100 {
			t.Errorf("%s: %d rows", format, rows)
		}
	}
}

func TestInferredColumnsArePinned(t *testing.T) {
	s, dir := salesServer(t), t.TempDir()
	list := filepath.Join(t.TempDir(), "sale.yaml")
	stdout, _ := archiveSales(t, s, dir, "--columns", list, "--infer")
	pinned, err := os.ReadFile(list)
	if err != nil || string(pinned) != stdout {
		t.Fatalf("%v: the file has\n%s\nand printed was\n%s", err, pinned, stdout)
	}
	want := `# Columns of stream SALES, inferred by jc-parquet from 1,000 messages, 1 to 1000.
# Once files have these columns, do not change their types and names. Add new columns at the end.
# See jc-parquet help run.
#
# 10 messages were no JSON objects.
#
- name: id
  type: uint64
- name: order_placed
  path: order.placed
  type: string
- name: order_total
  path: order.total
  type: float64
- name: order_ship_to
  path: ["order", "ship.to"]
  type: string
- name: items
  type: json
- name: token
  type: uuid
- name: day
  type: date
- name: rush
  type: bool
- name: note_n
  path: note.n
  type: float64
`
	if stdout != want {
		t.Errorf("inferred is\n%s\nwant\n%s", stdout, want)
	}

	// What comes later does not change them.
	s.Publish(5, func(int) *nats.Msg { return &nats.Msg{Subject: "sales.eu", Data: []byte(`{"id": "text", "new": 1}`)} })
	stdout, stderr := archiveSales(t, s, dir, "--columns", list, "--infer")
	if rewritten, err := os.ReadFile(list); err != nil || string(rewritten) != want || stdout != "" {
		t.Errorf("%v: the second run printed %q, and the file is\n%s", err, stdout, rewritten)
	}
	if !strings.Contains(stderr, `"messages": 5, "rows": 5`) {
		t.Errorf("the second run does not sum up 5 messages:\n%s", stderr)
	}
	db := formattest.DuckDB(t)
	row := db.QueryRow(`select count(*), count(distinct stream_seq), typeof(any_value(id)), round(sum(total), 2)::varchar, count(*) filter ((_rest->>'$.id') = 'text' and id is null and (_rest->>'$.new') = '1')
		from (select *, order_total as total from read_parquet(` + formattest.Quote(dir+"/**/*.parquet") + `))`)
	if got := fmt.Sprintln(row...); got != "995 995 UBIGINT 450436.05 5\n" {
		t.Errorf("DuckDB reads %s", got)
	}
	for _, file := range files(t, filepath.Dir(list)) {
		if file != "sale.yaml" {
			t.Errorf("there is %s beside the list", file)
		}
	}
}

func TestInferReadsWhatTheConsumerWouldDeliver(t *testing.T) {
	s := salesServer(t)
	s.Publish(1, func(int) *nats.Msg { return &nats.Msg{Subject: "sales.other", Data: []byte(`{"other": true}`)} })
	s.Consumer("SALES", "lake", func(c *jetstream.ConsumerConfig) { c.FilterSubject = "sales.other" })
	stdout, _ := archiveSales(t, s, t.TempDir(), "--columns", filepath.Join(t.TempDir(), "sale.yaml"), "--infer")
	if !strings.HasSuffix(stdout, "#\n- name: other\n  type: bool\n") || !strings.Contains(stdout, "from 1 messages, 1001 to 1001.") {
		t.Errorf("inferred is\n%s", stdout)
	}
}

func TestInferAloneConsumesNothing(t *testing.T) {
	s := salesServer(t)
	list := filepath.Join(t.TempDir(), "sale.json")
	code, stdout, stderr := jcParquet("infer", "--server", s.URL(), "--stream=SALES", "--messages=5", "--columns", list)
	if code != app.ExitOK || !strings.Contains(stdout, "order.placed\n  type: timestamp\n") || !strings.Contains(stdout, "from 5 messages, 1 to 5.") {
		t.Fatalf("exit code %d: %s%s", code, stderr, stdout)
	}
	stream, err := s.JetStream().Stream(t.Context(), "SALES")
	if err != nil {
		t.Fatal(err)
	}
	for info := range stream.ListConsumers(t.Context()).Info() {
		if info.Config.Durable != "" {
			t.Errorf("there is a consumer %s", info.Name)
		}
	}
	archiveSales(t, s, t.TempDir(), "--columns", list)
	if code, _, stderr := jcParquet("infer", "--server", s.URL(), "--stream=SALES", "--columns", list); code != app.ExitUsage ||
		!strings.Contains(stderr, "exists, and files may have its columns") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestWhatCannotBeInferredSaysWhatToDo(t *testing.T) {
	s := salesServer(t)
	js := s.JetStream()
	s.Stream("EMPTY", "empty")
	s.Stream("TEXT", "text")
	s.Publish(3, func(int) *nats.Msg { return &nats.Msg{Subject: "text", Data: []byte("[1]")} })
	for name, retention := range map[string]jetstream.RetentionPolicy{"QUEUE": jetstream.WorkQueuePolicy, "INTEREST": jetstream.InterestPolicy} {
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{name}, Retention: retention}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		stream string
		args   []string
		want   string
	}{
		{"EMPTY", []string{"--create-consumer"}, `infer columns: stream "EMPTY" has no messages: publish some, or write the file by hand`},
		{"TEXT", []string{"--create-consumer"}, `infer columns: none of 3 messages of stream "TEXT" is a JSON object with values: archive them raw, without --columns and --infer`},
		{"QUEUE", nil, `infer columns: stream "QUEUE" is a work queue, which only one consumer can read: write the file by hand, or infer it from a stream of the same messages`},
		{"INTEREST", []string{"--create-consumer"}, `infer columns: stream "INTEREST" keeps messages only for existing consumers, and "lake" does not exist: create it before, or write the file by hand`},
		{"SALES", nil, `consumer not found: "lake" of stream "SALES": create a durable pull consumer with explicit acks, with --create-consumer`},
		{"NONE", nil, `stream not found: "NONE": create it, or name another (with --js-domain, if it is in a domain)`},
	} {
		list := filepath.Join(t.TempDir(), "list.yaml")
		code, stdout, stderr := jcParquet(append([]string{
			"run", "--server", s.URL(), "--stream", c.stream, "--consumer=lake", "--out", t.TempDir(), "--until-caught-up", "--columns", list,
			"--infer", "--log-level=error",
		}, c.args...)...)
		if code != app.ExitError || stderr != "jc-parquet: "+c.want+"\n" || stdout != "" {
			t.Errorf("%s: exit code %d, %s\nand\n%s\nwant\n%s", c.stream, code, stdout, stderr, c.want)
		}
		if _, err := os.Stat(list); err == nil {
			t.Errorf("%s: there is a list", c.stream)
		}
	}
}

func TestSignalBeforeTheFirstMessageIsNoError(t *testing.T) {
	s := capturetest.Start(t)
	s.Stream("EMPTY", "empty")
	p := start(t, "run", "--server", s.URL(), "--stream=EMPTY", "--consumer=lake", "--create-consumer", "--out", t.TempDir(),
		"--columns", filepath.Join(t.TempDir(), "list.yaml"), "--infer")
	p.await("connected")
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != app.ExitOK {
		t.Errorf("exit code %d:\n%s", code, p.output)
	}
}

func TestColumnsAreCheckedBeforeAnythingConnects(t *testing.T) {
	out, none := t.TempDir(), filepath.Join(t.TempDir(), "none", "list.yaml")
	bad := write(t, "bad.yaml", "- {name: a, type: int}\n- {name: date, type: date}\n- {name: tenant_id, type: string}\n")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--columns", bad, "--split=header:Tenant-Id", "--format=orc"}, `jc-parquet: --format: unknown format: use parquet, arrow, ndjson or csv
jc-parquet: ` + bad + `:1: type "int" is not known: write int64
jc-parquet: ` + bad + `:2: name "date" is that of the folders date=…, which readers take for a column: name it "payload_date", with ` + "`path: date`" + `
jc-parquet: ` + bad + `:3: name "tenant_id" is that of the folders tenant_id=…, which readers take for a column: name it "payload_tenant_id", with ` + "`path: tenant_id`" + ``},
		{[]string{"--columns", none}, `jc-parquet: --columns: ` + none + ` does not exist: write it, or add --infer`},
		{[]string{"--columns", none, "--infer"}, `jc-parquet: --columns: "` + filepath.Dir(none) + `" is not a folder: create it, or name a file in another`},
		{[]string{"--infer"}, `jc-parquet: --infer needs --columns: name the file for the columns, as in --columns orders.yaml`},
		{[]string{"--infer", "--columns=new.yaml", "--layout=flat"}, `jc-parquet: --layout: unknown layout: use hive or date`},
		{[]string{"--infer", "--columns=new.yaml"}, `jc-parquet: --consumer is missing: name a durable pull consumer, as in --consumer lake (or JC_CONSUMER); --create-consumer makes it`},
		{[]string{"--infer", "--columns=new.yaml", "more"}, `jc-parquet: unexpected arguments: run takes only flags; see jc-parquet run --help`},
		{[]string{"--infer-messages=0"}, `jc-parquet: invalid value for --infer-messages: it must be at least 1; see jc-parquet run --help`},
	} {
		args := append([]string{"run", "--server=nats://127.0.0.1:1", "--stream=S", "--out", out}, c.args...)
		if !strings.Contains(c.want, "--consumer") {
			args = append(args, "--consumer=C")
		}
		code, stdout, stderr := jcParquet(args...)
		if code != app.ExitUsage || strings.TrimSpace(stderr) != c.want || stdout != "" {
			t.Errorf("%q: exit code %d, output %q and\n%s\nwant 2, none and\n%s", c.args, code, stdout, stderr, c.want)
		}
	}
	// With another layout there are no such folders.
	list := write(t, "list.yaml", "- {name: date, type: date}\n")
	if code, _, stderr := jcParquet("run", "--server=nats://127.0.0.1:1", "--stream=S", "--consumer=C", "--out", out, "--layout=date",
		"--columns", list); code != app.ExitError || strings.Contains(stderr, "--columns") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestFileThatIsNoListOfColumnsIsNotReadWhole(t *testing.T) {
	const size = 64 << 30 // more than there is memory
	file := write(t, "list.yaml", "")
	if err := os.Truncate(file, size); err != nil {
		t.Fatalf("a folder for temporary files without sparse files: %v", err)
	}
	code, _, stderr := jcParquet("run", "--server=nats://127.0.0.1:1", "--stream=S", "--consumer=C", "--out", t.TempDir(), "--columns", file)
	if code != app.ExitUsage || !strings.Contains(stderr, file+": it has more than 1048576 bytes") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

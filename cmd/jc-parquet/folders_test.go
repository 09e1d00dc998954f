package main

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/cmd/jc-parquet/internal/docs"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/store"
)

// trapValues are texts that readers of name=value folders like to take for something else.
var trapValues = []string{
	"", "null", "NULL", "Null", "nUlL", " null", "none", "None", "nil", `\N`, "NA", "undefined", "__HIVE_DEFAULT_PARTITION__", "__hive_default_partition__",
	"%5F%5FHIVE_DEFAULT_PARTITION__", "_", "__", ".hidden", "true", "false", "TRUE", "False", "yes", "no", "t", "f",
	"0", "00", "007", "-0", "-00", "+1", "1", " 1", "1 ", "42", "-42", "0x10", "0X1f", "-0x10", "0b10", "0B1", "0o7", "0x1_0", "1_000", "1e5", "1E5", "1.5", "1.50", ".5", "5.", "-.5",
	"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "99999999999999999999", strings.Repeat("9", 60),
	"nan", "NaN", "inf", "Inf", "-inf", "infinity", "Infinity", "-infinity", "+infinity", "epoch", "EPOCH", "today", "now", "tomorrow", "NaT",
	"2026-01-01", "2026-1-1", "2026-1-01", "26-01-01", "1-1-1", "0001-01-01", "12026-01-01", "-2026-01-01", "+2026-01-01", "2026-02-31", "20260101", "2026 01 01", "2026_01_01", "2026/01/01",
	"2026-01-01 ", " 2026-01-01", "2026-01-01 (BC)", "2026-01", "2026-01-01T00", "2026-01-01 00", "2026-01-01+02", "2026-01-01T00Z", "2026-01-01 00:00:00", "2026-01-01T00:00:00Z",
	"2026-01-01T00:00:00.000000001Z", "12:30", "12:30:00", "00:00:00.5", "10.0.0.1", "::1", "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
	"[]", "[1,2]", "{}", `{"a":1}`, "(1,2)", "()", `("a")`, "'a'", `"a"`, `"`, "''", "`a`",
	"a=b", "=", "a&b", "a&c=d", "a/b", "/", "..", ".", "../..", `a\b`, "a%b", "%", "%%", "100%", "%20", "a%2Fb", "%252F", "%zz", "%6Eull", "%30x10", "+", "a+b", "a b", " a", "a ", "  ",
	"a;b", "a,b", "a|b", "a:b", "a*b", "*", "**", "?", "[a-z]", "{a,b}", "$x", "${x}", "!", "~", "~user", "^", "#", "a#b", "<>", "@", "--", "/*",
	"\x00", "a\x00b", "\n", "a\nb", "\r", "\t", "a\tb", "\x1b[31m", "\x7f", "\u0085", "\u00a0", "\u2028", "\ufeff", "\ufffd", "\u200b", "\u202e",
	"é", "e\u0301", "日本語", "👩‍🚀", "ß", "İ", "１２", "٣", "Ωmega", "orders.eu.new", "Tenant-Id",
}

// hostileAlphabets make more of them.
var hostileAlphabets = []string{
	"0123456789", "0123456789+-._eExXbB ", "0123456789- ", "0123456789-:T. Z", "nulNUL", "truefalsTRUEFALS", "_HIVEDFAULTPRON%", "infaINFAty-+",
	"%0123456789ABCDEFabcdef", `"#%'*/:=?\{[]^~`, "&;,|<>()$!@`+ ", "\x00\x01\t\n\r\x1b\x7f", "éè\u0301\u202e日本👩\u200d🚀\ufeff\u2028", "./\\_", "ab =%&/\n\"'",
}

func hostileValues(n int) (values []string) {
	random := rand.New(rand.NewPCG(2026, 11))
	seen := make(map[string]bool)
	add := func(value string) {
		if !seen[value] {
			seen[value] = true
			values = append(values, value)
		}
	}
	for _, value := range trapValues {
		add(value)
	}
	for len(values) < n {
		alphabet := []rune(hostileAlphabets[len(values)%len(hostileAlphabets)])
		value := make([]rune, 1+random.IntN(12))
		for i := range value {
			value[i] = alphabet[random.IntN(len(alphabet))]
		}
		add(string(value))
	}
	return values
}

// A row says by its number in which folder its file is.
type folderRow struct {
	N string `parquet:"n"`
}

// storeRow puts a file of one row where a capture would.
func storeRow[K comparable](t *testing.T, blocks store.BlockStore[K], destKey K, n int) {
	t.Helper()
	writers, err := parquet.Writers[folderRow](parquet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	w := writers()
	if err := w.InitNew(&file); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(folderRow{strconv.Itoa(n)}); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	dir := store.HiveLayout(time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC))
	if _, _, _, err := blocks.Write(t.Context(), bytes.NewReader(file.Bytes()), destKey, dir, "x.parquet"); err != nil {
		t.Fatal(err)
	}
}

// The queries of the manual, of a folder v.
const (
	asInDuckDB     = "hive_partitioning = true, hive_types_autocast = false"
	asInClickHouse = `decodeURLComponent(nullIf(extract(_path, '/v=([^/]*)'), '__HIVE_DEFAULT_PARTITION__'))`
	asInPolars     = "try_parse_hive_dates=False"
)

func TestThreeReadersGiveTheTextOfFoldersBack(t *testing.T) {
	values, dir := hostileValues(500), t.TempDir()
	lake := formattest.NewLake(t, dir)
	type key struct {
		V string `hive:"v"`
	}
	blocks := store.Blocks[key](store.NewDir(dir), nil)
	for n, value := range values {
		storeRow(t, blocks, key{value}, n)
	}
	files := "read_parquet(" + formattest.Quote(dir+"/**/*.parquet") + ", "
	wantValues(t, "DuckDB", values, lake.DuckDB("select n, '=' || v from "+files+asInDuckDB+")"))
	wantValues(t, "ClickHouse", values, lake.ClickHouse("select n, '=' || "+asInClickHouse+" from file('**/*.parquet') settings use_hive_partitioning = 0"))
	polars := lake.Polars("v", "date", "hour")
	for _, row := range polars { // it unescapes first, and then looks for Hive's name of nothing: so the manual says
		if n, _ := strconv.Atoi(row[0].(string)); values[n] == "__HIVE_DEFAULT_PARTITION__" && row[1] == nil {
			row[1] = values[n]
		}
		if text, ok := row[1].(string); ok {
			row[1] = "=" + text
		}
	}
	wantValues(t, "polars", values, polars)
}

func TestDuckDBCastsNoFolderToAnotherText(t *testing.T) {
	duck := formattest.DuckDB(t)
	for n, value := range hostileValues(350) {
		dir := t.TempDir()
		storeRow(t, store.Blocks(store.NewDir(dir), func(v string) (string, error) { return "v=" + store.EscapeHive(v), nil }), value, n)
		if value == "" || value[0] == '.' || value[0] == '_' {
			continue // as a whole folder these are escaped in another way
		}
		row := duck.QueryRow("select '=' || v::varchar from read_parquet(" + formattest.Quote(dir+"/**/*.parquet") + ")")
		if row[0] != "="+value {
			t.Errorf("alone in a lake, %q reads as %q by DuckDB's defaults", value, row[0])
		}
	}
}

// wantValues compares rows of a number and a value, behind "=", as the Node client of DuckDB takes a byte order mark away from the start
// of what it hands over.
func wantValues(t *testing.T, reader string, values []string, rows [][]any) {
	t.Helper()
	if len(rows) != len(values) {
		t.Errorf("%s: %d rows of %d values", reader, len(rows), len(values))
	}
	for _, row := range rows {
		n, err := strconv.Atoi(row[0].(string))
		if err != nil {
			t.Fatal(err)
		}
		var want any = "=" + values[n]
		if values[n] == "" {
			want = nil // Hive has one name for both
		}
		if row[1] != want {
			t.Errorf("%s: =%q reads as %q", reader, values[n], row[1])
		}
	}
}

func TestDocumentsReadFoldersAsTested(t *testing.T) {
	manual, err := docs.Read("cmd/jc-parquet/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{asInDuckDB, strings.ReplaceAll(asInClickHouse, "/v=", "/by_subject="), asInPolars} {
		if !strings.Contains(manual, want) {
			t.Errorf("the manual lacks %s", want)
		}
	}
	for _, document := range docs.Documents {
		text, err := docs.Read(document)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(text, "hive_partitioning = true") != strings.Count(text, asInDuckDB) {
			t.Errorf("%s has queries that let DuckDB cast folders", document)
		}
	}
	for _, query := range demoQueries("lake") {
		if !strings.Contains(query, asInDuckDB) {
			t.Errorf("the demo prints %s", query)
		}
	}
}

func TestSplitBySubjectHidesNoSubject(t *testing.T) {
	long := "orders." + strings.Repeat("x", 195)
	s := capturetest.Start(t)
	s.Stream("ORDERS", "orders.>", "null")
	subjects := []string{long, "null", "orders.eu"}
	s.Publish(len(subjects), func(i int) *nats.Msg { return nats.NewMsg(subjects[i]) })
	dir := t.TempDir()
	code, _, stderr := jcParquet("run", "--server", s.URL(), "--stream=ORDERS", "--consumer=lake", "--create-consumer", "--until-caught-up",
		"--out", dir, "--split=subject")
	if code != app.ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	duck := formattest.DuckDB(t)
	for _, options := range []string{"", ", " + asInDuckDB} {
		from := " from read_parquet(" + formattest.Quote(dir+"/**/*.parquet") + options + ")"
		for _, subject := range subjects {
			if n := duck.QueryInt("select count(*)" + from + " where subject = '" + subject + "'"); n != 1 {
				t.Errorf("%d rows of the subject %.20s with %q", n, subject, options)
			}
		}
	}
}

func TestColumnsOfAListHaveNoNameOfAFolder(t *testing.T) {
	s := salesServer(t)
	list := write(t, "columns.yaml", "- {name: By_Subject, type: string}")
	code, _, stderr := jcParquet("run", "--server", s.URL(), "--stream=SALES", "--consumer=lake", "--create-consumer", "--until-caught-up",
		"--out", t.TempDir(), "--columns", list, "--split=subject")
	if code != app.ExitUsage || !strings.Contains(stderr, "by_subject=…") || !strings.Contains(stderr, "payload_By_Subject") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

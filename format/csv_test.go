package format_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
)

// asRows is a flatten of payloads that are rows already.
func asRows(rows [][]string) ([][]string, error) { return rows, nil }

func TestCSVComesBackFromDuckDB(t *testing.T) {
	duck := formattest.DuckDB(t)
	want := [][]string{
		{"plain", "a,b"}, {`"`, "line\nbreak"}, {"crlf\r\n", " spaces "}, {"é😀\u2028", `\.`}, {"", "x"}, {"\t;|", "'"},
	}
	path := writeFile(t, "a.csv", format.NewCSVWriter([]string{"one", "two"}, func(row []string) ([][]string, error) {
		return [][]string{row}, nil
	}), want)
	var got [][]string
	duck.Each("SELECT coalesce(one, ''), two FROM read_csv("+formattest.Quote(path)+", all_varchar=true)", func(row []any) {
		got = append(got, []string{row[0].(string), row[1].(string)})
	})
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("rows are %q, want %q", got, want)
	}
}

func TestAnEmptyFieldAloneIsStillARow(t *testing.T) {
	duck := formattest.DuckDB(t)
	var out bytes.Buffer
	w := format.NewCSVWriter([]string{"one"}, asRows)
	open(t, w, &out)
	if n, err := w.Write([][]string{{"a"}, {""}, {""}, {"b"}}); n != 4 || err != nil {
		t.Fatalf("%d rows, %v", n, err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if rows, err := csv.NewReader(bytes.NewReader(out.Bytes())).ReadAll(); len(rows) != 5 || err != nil {
		t.Errorf("encoding/csv reads %q, %v", rows, err)
	}
	path := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := duck.QueryInt("SELECT count(*) FROM read_csv(" + formattest.Quote(path) + ", header=true)"); n != 4 {
		t.Errorf("DuckDB reads %d rows in %q", n, out.String())
	}
}

func TestTheHeaderIsWrittenOnceAndOnlyIfThereIsOne(t *testing.T) {
	for _, test := range []struct {
		header []string
		want   string
	}{
		{[]string{"a", "b"}, "a,b\n1,2\n3,4\n"},
		{[]string{}, "1,2\n3,4\n"},
		{nil, "1,2\n3,4\n"},
	} {
		var out bytes.Buffer
		w := format.NewCSVWriter(test.header, asRows)
		open(t, w, &out)
		for _, row := range [][]string{{"1", "2"}, {"3", "4"}} {
			if _, err := w.Write([][]string{row}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if out.String() != test.want {
			t.Errorf("header %q gives %q, want %q", test.header, out.String(), test.want)
		}
	}
}

func TestRowsWithAWrongNumberOfFieldsAreRejectedWhole(t *testing.T) {
	var out bytes.Buffer
	w := format.NewCSVWriter([]string{"a", "b"}, asRows)
	open(t, w, &out)
	_, err := w.Write([][]string{{"1", "2"}, {"1", "2", "3"}})
	if err == nil || !strings.Contains(err.Error(), "row 2 has 3 fields, the header 2") {
		t.Errorf("error is %v", err)
	}
	if _, err := w.Write([][]string{{}}); err == nil {
		t.Error("a row without fields was accepted")
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "a,b\n" {
		t.Errorf("file is %q", got)
	}
	w = format.NewCSVWriter(nil, asRows)
	open(t, w, &out)
	if _, err := w.Write([][]string{{"1"}, {}}); err == nil || !strings.Contains(err.Error(), "row 2 has no fields") {
		t.Errorf("without a header, the error of a row without fields is %v", err)
	}
}

func TestCSVWritersConform(t *testing.T) {
	errBad := errors.New("bad")
	formattest.Suite[[][]string]{
		New: func() format.Writer[[][]string] {
			return format.NewCSVWriter([]string{"a", "b"}, func(rows [][]string) ([][]string, error) {
				if rows == nil {
					return [][]string{{"1", "2"}}, errBad
				}
				if len(rows) == 1 && rows[0] == nil {
					panic("bad")
				}
				return rows, nil
			})
		},
		Payloads: [][][]string{{{"1", "2"}}, {}, {{"3", "4"}, {"5", "6"}}, {{"", strings.Repeat("large", 20_000)}}, {{`"`, "\n"}}},
		Rejected: [][][]string{nil, {nil}, {{"1", "2"}, {"1"}}},
		Read: func(t *testing.T, file []byte) (rows []string) {
			records, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
			if err != nil || len(records) == 0 || !slices.Equal(records[0], []string{"a", "b"}) {
				t.Fatalf("records are %.200q, %v", records, err)
			}
			for _, record := range records[1:] {
				rows = append(rows, strings.Join(record, "|"))
			}
			return rows
		},
	}.Run(t)
}

func TestAFlattenErrorComesBackUnchanged(t *testing.T) {
	errBad := errors.New("bad")
	w := format.NewCSVWriter(nil, func(int) ([][]string, error) { return nil, errBad })
	open(t, w, new(bytes.Buffer))
	if _, err := w.Write(1); !errors.Is(err, errBad) || errors.Is(err, format.ErrBroken) {
		t.Errorf("error is %v", err)
	}
}

func open[P any](t testing.TB, w format.Writer[P], out *bytes.Buffer) {
	t.Helper()
	if err := w.InitNew(out); err != nil {
		t.Fatal(err)
	}
}

func TestCSVWritesFormulasAsTheyAre(t *testing.T) {
	type row struct{ Text string }
	writers, err := format.CSV[row]()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"=1+1", "+1", "-1", "@a", "\tx"} {
		var file bytes.Buffer
		w := writers()
		if err := w.InitNew(&file); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(row{text}); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if got, err := csv.NewReader(&file).ReadAll(); err != nil || got[1][0] != text {
			t.Errorf("%q is written as %q, %v", text, got, err)
		}
	}
}

package format_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
)

func TestEachPayloadIsOneLineOfJSON(t *testing.T) {
	type order struct {
		ID   int             `json:"id"`
		Name string          `json:"name"`
		More json.RawMessage `json:"more,omitempty"`
	}
	var out bytes.Buffer
	w := &format.JSONLines[*order]{}
	open(t, w, &out)
	for _, o := range []*order{
		{1, "<a> & \"b\"\nc", nil},
		{2, "é\u2028", json.RawMessage("{\n  \"x\": [1,\n 2]\n}")},
	} {
		if n, err := w.Write(o); n != 1 || err != nil {
			t.Fatalf("%d rows, %v", n, err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	const want = `{"id":1,"name":"<a> & \"b\"\nc"}` + "\n" + `{"id":2,"name":"é\u2028","more":{"x":[1,2]}}` + "\n"
	if got := out.String(); got != want {
		t.Errorf("file is\n%swant\n%s", got, want)
	}
}

// fickle marshals, fails, or panics.
type fickle struct{ text string }

func (f fickle) MarshalJSON() ([]byte, error) {
	switch f.text {
	case "error":
		return []byte(`"half`), errors.New("bad")
	case "panic":
		panic("bad")
	case "invalid":
		return []byte(`{"a":`), nil
	}
	return json.Marshal(f.text)
}

func TestNDJSONWritersConform(t *testing.T) {
	formattest.Suite[any]{
		New:      func() format.Writer[any] { return &format.JSONLines[any]{} },
		Payloads: []any{1, fickle{"a"}, map[string]any{"b": []int{1, 2}}, nil, strings.Repeat("large", 20_000), fickle{"\n"}},
		Rejected: []any{
			math.NaN(),
			fickle{"error"},
			fickle{"panic"},
			fickle{"invalid"},
			func() {},
			[]any{strings.Repeat("x", 10_000), make(chan int)},
		},
		Read: func(t *testing.T, file []byte) (rows []string) {
			for line := range strings.Lines(string(file)) {
				if !json.Valid([]byte(line)) {
					t.Fatalf("%.200q is no JSON", line)
				}
				rows = append(rows, strings.TrimSuffix(line, "\n"))
			}
			return rows
		},
	}.Run(t)
}

// panicOut is an out that panics once.
type panicOut struct {
	bytes.Buffer
	panicked bool
}

func (p *panicOut) Write(b []byte) (int, error) {
	if !p.panicked {
		p.panicked = true
		p.Buffer.Write(b[:len(b)/2])
		panic("out panicked")
	}
	return p.Buffer.Write(b)
}

func TestAWriterWhoseOutPanickedDoesNotRecover(t *testing.T) {
	w := &format.JSONLines[int]{}
	if err := w.InitNew(new(panicOut)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(1); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = w.Spill()
	}()
	if _, err := w.Write(2); !errors.Is(err, format.ErrBroken) {
		t.Errorf("Write returns %v", err)
	}
	if err := w.Flush(); !errors.Is(err, format.ErrBroken) {
		t.Errorf("Flush returns %v", err)
	}
}

func TestAWriterServesOneBlockOnly(t *testing.T) {
	w := &format.JSONLines[int]{}
	if _, err := w.Write(1); !errors.Is(err, format.ErrBroken) {
		t.Errorf("Write before InitNew returns %v", err)
	}
	w = &format.JSONLines[int]{}
	open(t, w, new(bytes.Buffer))
	if err := w.InitNew(new(bytes.Buffer)); err == nil {
		t.Error("a second InitNew was accepted")
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(1); !errors.Is(err, format.ErrBroken) {
		t.Errorf("Write after Flush returns %v", err)
	}
}

func TestSmallBlocksHoldLittle(t *testing.T) {
	w := &format.JSONLines[string]{}
	open(t, w, new(bytes.Buffer))
	if w.Buffered() != 0 {
		t.Errorf("an empty block holds %d bytes", w.Buffered())
	}
	for range 10 {
		if _, err := w.Write("ten messages of about fifty bytes each make half a KB"); err != nil {
			t.Fatal(err)
		}
	}
	if w.Buffered() > 2048 {
		t.Errorf("ten messages hold %d bytes", w.Buffered())
	}
}

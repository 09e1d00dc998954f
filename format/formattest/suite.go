package formattest

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/jetcapture/lake/format"
)

// Suite has the tests that every format.Writer must pass.
type Suite[P any] struct {
	// New makes a new Writer. All Writers of a test come from the same New.
	New func() format.Writer[P]

	// Payloads are payloads that the Writer accepts: three or more, which make different rows.
	Payloads []P

	// Rejected are payloads that the Writer rejects.
	Rejected []P

	// Read returns a file's rows in their order, each as text. It fails the test if the file is not valid.
	Read func(t *testing.T, file []byte) []string
}

// Run runs the suite as subtests of t.
func (s Suite[P]) Run(t *testing.T) {
	if len(s.Payloads) < 3 {
		t.Fatal("formattest: give three payloads or more")
	}
	t.Run("every row is in the file in order", s.keepsRows)
	t.Run("a block without payloads is a valid file", s.emptyBlock)
	t.Run("a rejected payload leaves the block as it was", s.rejects)
	t.Run("spilling loses nothing and lets go of memory", s.spills)
	t.Run("writers of one factory do not know of each other", s.writersAreApart)
	t.Run("no error of out goes unnoticed", s.outFails)
	t.Run("metadata does not touch the rows", s.metadata)
}

func (s Suite[P]) keepsRows(t *testing.T) {
	var parts []string
	for _, payload := range s.Payloads {
		parts = append(parts, s.Read(t, s.file(t, payload))...)
	}
	if got := s.Read(t, s.file(t, s.Payloads...)); !slices.Equal(got, parts) {
		t.Errorf("together the rows are\n%q, one by one\n%q", got, parts)
	}
}

func (s Suite[P]) emptyBlock(t *testing.T) {
	if rows := s.Read(t, s.file(t)); len(rows) != 0 {
		t.Errorf("rows without payloads: %q", rows)
	}
}

func (s Suite[P]) rejects(t *testing.T) {
	want := s.Read(t, s.file(t, s.Payloads...))
	var out bytes.Buffer
	w := s.open(t, &out)
	for i := 0; i < len(s.Payloads)+len(s.Rejected); i++ {
		if i < len(s.Rejected) {
			n, err := tryWrite(w, s.Rejected[i])
			if err == nil || n != 0 {
				t.Errorf("payload %d was not rejected: %d rows, %v", i, n, err)
			}
			if errors.Is(err, format.ErrBroken) {
				t.Fatalf("a rejected payload broke the writer: %v", err)
			}
		}
		if i < len(s.Payloads) {
			s.write(t, w, s.Payloads[i])
		}
	}
	flush(t, w)
	if got := s.Read(t, out.Bytes()); !slices.Equal(got, want) {
		t.Errorf("with rejected payloads between, the rows are\n%q\nwithout\n%q", got, want)
	}
}

func (s Suite[P]) spills(t *testing.T) {
	want := s.Read(t, s.file(t, s.Payloads...))
	var out bytes.Buffer
	w := s.open(t, &out)
	spiller, ok := format.As[format.Spiller](w)
	if !ok {
		t.Skip("no Spiller")
	}
	spill := func() {
		if err := spiller.Spill(); err != nil {
			t.Fatalf("Spill: %v", err)
		}
		if b, ok := format.As[format.Bufferer](w); ok && b.Buffered() > 64 {
			t.Errorf("%d bytes are held after Spill", b.Buffered())
		}
	}
	spill() // nothing is held yet
	held := int64(0)
	for _, payload := range s.Payloads {
		s.write(t, w, payload)
		if b, ok := format.As[format.Bufferer](w); ok {
			held += b.Buffered()
		}
		spill()
	}
	if _, ok := format.As[format.Bufferer](w); ok && held == 0 {
		t.Error("Buffered was always 0")
	}
	flush(t, w)
	if got := s.Read(t, out.Bytes()); !slices.Equal(got, want) {
		t.Errorf("spilled after every payload, the rows are\n%q\notherwise\n%q", got, want)
	}
}

func (s Suite[P]) writersAreApart(t *testing.T) {
	first, second := s.Payloads[:1], s.Payloads[1:]
	wantFirst, wantSecond := s.Read(t, s.file(t, first...)), s.Read(t, s.file(t, second...))
	for range 3 { // one after the other
		if got := s.Read(t, s.file(t, first...)); !slices.Equal(got, wantFirst) {
			t.Fatalf("the rows are %q, of the first writer of all they were %q", got, wantFirst)
		}
		if got := s.Read(t, s.file(t, second...)); !slices.Equal(got, wantSecond) {
			t.Fatalf("the rows are %q, of the second writer of all they were %q", got, wantSecond)
		}
	}
	var out1, out2 bytes.Buffer // at the same time
	w1, w2 := s.open(t, &out1), s.open(t, &out2)
	for i := range second {
		if i < len(first) {
			s.write(t, w1, first[i])
		}
		s.write(t, w2, second[i])
		if spiller, ok := format.As[format.Spiller](w2); ok && spiller.Spill() != nil {
			t.Fatal("Spill failed")
		}
	}
	flush(t, w1)
	flush(t, w2)
	if got := s.Read(t, out1.Bytes()); !slices.Equal(got, wantFirst) {
		t.Errorf("beside another writer the rows are %q instead of %q", got, wantFirst)
	}
	if got := s.Read(t, out2.Bytes()); !slices.Equal(got, wantSecond) {
		t.Errorf("beside another writer the rows are %q instead of %q", got, wantSecond)
	}
}

func (s Suite[P]) outFails(t *testing.T) {
	size := len(s.file(t, s.Payloads...))
	for limit := 0; limit < size; limit += max(1, size/50) {
		w := s.New()
		err := w.InitNew(&brokenOut{left: limit})
		if err != nil {
			continue
		}
		for _, payload := range s.Payloads {
			if _, err := w.Write(payload); err != nil && !errors.Is(err, format.ErrBroken) {
				t.Fatalf("out failed after %d bytes, and Write rejects a payload for it: %v", limit, err)
			}
		}
		if err := w.Flush(); err == nil {
			t.Fatalf("out failed after %d of %d bytes, and Flush returned nil", limit, size)
		}
	}
}

func (s Suite[P]) metadata(t *testing.T) {
	var out bytes.Buffer
	w := s.open(t, &out)
	m, ok := format.As[format.MetadataSetter](w)
	if !ok {
		t.Skip("no MetadataSetter")
	}
	m.SetMetadata(map[string]string{"a": "1", "b": ""})
	for _, payload := range s.Payloads {
		s.write(t, w, payload)
	}
	m.SetMetadata(map[string]string{"a": "2"})
	flush(t, w)
	if got, want := s.Read(t, out.Bytes()), s.Read(t, s.file(t, s.Payloads...)); !slices.Equal(got, want) {
		t.Errorf("with metadata the rows are %q, without %q", got, want)
	}
}

// file returns the block of payloads.
func (s Suite[P]) file(t *testing.T, payloads ...P) []byte {
	t.Helper()
	var out bytes.Buffer
	w := s.open(t, &out)
	for _, payload := range payloads {
		s.write(t, w, payload)
	}
	flush(t, w)
	return out.Bytes()
}

func (s Suite[P]) open(t *testing.T, out *bytes.Buffer) format.Writer[P] {
	t.Helper()
	w := s.New()
	if err := w.InitNew(unclosable{out, t}); err != nil {
		t.Fatalf("InitNew: %v", err)
	}
	return w
}

func (s Suite[P]) write(t *testing.T, w format.Writer[P], payload P) {
	t.Helper()
	if _, err := w.Write(payload); err != nil {
		t.Fatalf("Write: %v", err)
	}
}

func flush[P any](t *testing.T, w format.Writer[P]) {
	t.Helper()
	if err := w.Flush(); err != nil {
		t.Fatalf("Flush: %v", err)
	}
}

// tryWrite turns a panic into an error, as a capture does.
func tryWrite[P any](w format.Writer[P], payload P) (rows int, err error) {
	defer func() {
		if r := recover(); r != nil {
			rows, err = 0, errors.New("panic")
		}
	}()
	return w.Write(payload)
}

// unclosable is an out that a Writer must not close.
type unclosable struct {
	io.Writer
	t *testing.T
}

func (u unclosable) Close() error {
	u.t.Error("the writer closed out")
	return nil
}

var errDiskFull = errors.New("disk full")

// brokenOut is an out that fails after some bytes.
type brokenOut struct{ left int }

func (b *brokenOut) Write(p []byte) (int, error) {
	if len(p) > b.left {
		n := b.left
		b.left = 0
		return n, errDiskFull
	}
	b.left -= len(p)
	return len(p), nil
}

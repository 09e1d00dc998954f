package parquet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/schema/columns"
)

// When early pages are encoded depends on timing. The file must not.
func TestAFileIsTheSameWhenPagesAreEncodedEarly(t *testing.T) {
	for name, test := range map[string]struct {
		options  parquet.Options
		messages []*formattest.Message
	}{
		"messages of a business": {parquet.Options{PageBytes: 4 << 10}, manyMessages(6_000)},
		"row groups":             {parquet.Options{PageBytes: 1 << 10, RowGroupRows: 1_500}, manyMessages(5_000)},
		"page version 2":         {parquet.Options{PageBytes: 2 << 10, PageVersion: 2}, manyMessages(6_000)},
		"no codec":               {parquet.Options{PageBytes: 1 << 10, Codec: parquet.Uncompressed}, manyMessages(4_000)},
		"sizes that differ":      {parquet.Options{PageBytes: 8 << 10, RowGroupRows: 3_000}, sizedMessages(5_000, 1<<10)},
		"large messages":         {parquet.Options{PageBytes: 8 << 10}, sizedMessages(200, 64<<10)},
		"data that repeats":      {parquet.Options{PageBytes: 1 << 10}, repeatedMessages(4_000)},
	} {
		t.Run(name, func(t *testing.T) {
			atOnce := rawWriters(t, parquet.EarlyBytes(test.options, math.MaxInt))
			early := rawWriters(t, parquet.EarlyBytes(test.options, 4*test.options.PageBytes))
			want := encodedWithBad(t, atOnce(), test.messages)
			for range 2 {
				if got := encodedWithBad(t, early(), test.messages); !bytes.Equal(got, want) {
					t.Fatalf("the file differs: it has %d bytes, %d if no page is encoded early", len(got), len(want))
				}
			}
			if test.options.RowGroupRows == 0 {
				duck := formattest.DuckDB(t)
				formattest.CheckRaw(t, duck, formattest.RawParquet(save(t, want)), test.messages)
			}
		})
	}
}

// encodedWithBad is the file of messages, between which others are rejected.
func encodedWithBad(t *testing.T, w format.Writer[*formattest.Message], messages []*formattest.Message) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := w.InitNew(&out); err != nil {
		t.Fatal(err)
	}
	bad := formattest.BadMessages()
	for i, m := range messages {
		if _, err := w.Write(m); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bad[i%len(bad)]); err == nil {
			t.Fatalf("bad message %d was not rejected", i%len(bad))
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sizedMessages have from 0 to most bytes of data that does not repeat, most of them few.
func sizedMessages(n, most int) []*formattest.Message {
	r := rand.New(rand.NewPCG(1, 2))
	messages := manyMessages(n)
	for _, m := range messages {
		m.Data = make([]byte, r.IntN(1+r.IntN(most)))
		for i := range m.Data {
			m.Data[i] = "0123456789abcdef"[r.IntN(16)]
		}
	}
	return messages
}

// repeatedMessages have data of which a dictionary is made.
func repeatedMessages(n int) []*formattest.Message {
	messages := manyMessages(n)
	for i, m := range messages {
		m.Data = fmt.Appendf(nil, `{"state":"%d of the ten that there are, each with some text behind it"}`, i%10)
	}
	return messages
}

func TestMuchLessIsHeldOfWhatIsCompressedAlready(t *testing.T) {
	messages := manyMessages(100_000)
	most := func(options parquet.Options) (held int64) {
		w := rawWriters(t, options)()
		if err := w.InitNew(io.Discard); err != nil {
			t.Fatal(err)
		}
		for i, m := range messages {
			if _, err := w.Write(m); err != nil {
				t.Fatal(err)
			}
			held = max(held, w.(format.Bufferer).Buffered())
			if i%1_000 > 0 {
				continue
			}
			if err := parquet.WaitEarly(w); err != nil { // as if messages came more slowly than pages are made
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		return held
	}
	held, atOnce := most(parquet.Options{}), most(parquet.EarlyBytes(parquet.Options{}, math.MaxInt))
	if held > atOnce*2/3 {
		t.Errorf("%d bytes are held at most, and %d if no page is encoded early", held, atOnce)
	}
}

func TestABlockIsBrokenIfAnEarlyPageFails(t *testing.T) {
	failure := errors.New("no compression today")
	for name, end := range map[string]func(w format.Writer[*formattest.Message]) error{
		"Flush": func(w format.Writer[*formattest.Message]) error { return w.Flush() },
		"Spill": func(w format.Writer[*formattest.Message]) error { return w.(format.Spiller).Spill() },
		"Write": func(w format.Writer[*formattest.Message]) (err error) {
			for i := 0; i < 1_000_000 && err == nil; i++ {
				_, err = w.Write(manyMessages(1)[0])
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := rawWriters(t, parquet.EarlyBytes(parquet.Options{PageBytes: 1 << 10, RowGroupRows: math.MaxInt}, 4<<10))()
			parquet.FailCodec(w, parquet.Zstd, failure)
			if err := w.InitNew(io.Discard); err != nil {
				t.Fatal(err)
			}
			var err error
			for _, m := range manyMessages(2_000) { // so that some wait no more in front of the columns
				if _, err = w.Write(m); err != nil {
					break
				}
			}
			if err == nil {
				err = end(w)
			}
			if !errors.Is(err, failure) || !errors.Is(err, format.ErrBroken) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestPayloadsWithoutRowsHaveNoEarlyPages(t *testing.T) {
	type row struct {
		Data []byte `lake:"required"`
	}
	plan, err := columns.PlanOf[row]()
	if err != nil {
		t.Fatal(err)
	}
	writers, err := parquet.PlanWriters(columns.Rows(plan, func(n int) []row { return make([]row, n) }), parquet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := writers()
	if err := w.InitNew(io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 0, 3} {
		if rows, err := w.Write(n); rows != n || err != nil {
			t.Errorf("%d rows are %d, %v", n, rows, err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Error(err)
	}
}

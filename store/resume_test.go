package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jetcapture/lake/store"
)

// cutReader gives so many bytes and then an error.
type cutReader struct {
	io.ReadCloser
	left   int
	err    error
	closed *int
}

func (c *cutReader) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, c.err
	}
	n, err := c.ReadCloser.Read(p[:min(len(p), c.left)])
	c.left -= n
	if c.left == 0 && err == nil && n%2 == 0 { // an error may come with the last bytes, or after them
		err = c.err
	}
	return n, err
}

func (c *cutReader) Close() error {
	*c.closed++
	return c.ReadCloser.Close()
}

// cutting returns a Bucket whose readers break off after so many bytes.
func cutting(inner store.Bucket, after int, err error) (b *faulty, opened, closed *int) {
	opened, closed = new(int), new(int)
	b = &faulty{Bucket: inner}
	b.open = func(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
		r, openErr := inner.Open(ctx, name, offset, length)
		if openErr != nil {
			return nil, openErr
		}
		*opened++
		return &cutReader{ReadCloser: r, left: after, err: err, closed: closed}, nil
	}
	return b, opened, closed
}

func TestReaderGoesOnWhereItBrokeOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := strings.Repeat("0123456789", 100)
		mem := store.NewMem()
		mustPut(t, mem, "x", content)
		for _, err := range []error{errReset, io.ErrUnexpectedEOF, fmt.Errorf("get: %w", io.EOF)} {
			for _, after := range []int{1, 7, 100, 999} {
				for _, r := range [][2]int64{{0, -1}, {0, 1000}, {300, 500}, {995, -1}, {995, 100}, {2000, -1}, {2000, 5}, {10, 0}} {
					b, opened, closed := cutting(mem, after, err)
					reader, openErr := store.Retry(b, store.RetryOptions{Attempts: 2}).Open(t.Context(), "x", r[0], r[1])
					if openErr != nil {
						t.Fatal(openErr)
					}
					got, readErr := io.ReadAll(reader)
					start, end := min(1000, r[0]), min(1000, r[0]+r[1])
					if r[1] < 0 {
						end = 1000
					}
					if want := content[start:max(start, end)]; readErr != nil || string(got) != want {
						t.Errorf("range %d, broken off after %d bytes by %v: read %d bytes, %v, want %d", r, after, err, len(got), readErr, len(want))
					}
					if err := reader.Close(); err != nil || *closed != *opened {
						t.Errorf("%d readers of %d are closed, %v", *closed, *opened, err)
					}
					if _, err := reader.Read(make([]byte, 1)); !errors.Is(err, fs.ErrClosed) {
						t.Errorf("reading after the end and Close gives %v", err)
					}
				}
			}
		}
	})
}

func TestReaderThatGetsNoFurtherEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := store.NewMem()
		mustPut(t, mem, "x", "content")
		for _, test := range []struct {
			err    error
			opened int
		}{
			{errReset, 4}, {store.Permanent(errReset), 1}, {fs.ErrNotExist, 1},
		} {
			b, opened, _ := cutting(mem, 0, test.err)
			got, err := io.ReadAll(openAll(t, store.Retry(b, store.RetryOptions{Attempts: 4}), "x"))
			if !errors.Is(err, test.err) || len(got) > 0 || *opened != test.opened {
				t.Errorf("read %q, %v over %d readers, want %v over %d", got, err, *opened, test.err, test.opened)
			}
		}
	})
}

func TestTruncatedReaderIsNoticedOnceItsLengthIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := store.NewMem()
		mustPut(t, mem, "x", "content")
		b, opened, _ := cutting(mem, 2, errReset)
		cut := b.open
		b.open = func(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
			if *opened == 1 { // the second says that it has come to the end
				*opened++
				return io.NopCloser(strings.NewReader("n")), nil
			}
			return cut(ctx, name, offset, length)
		}
		got, err := io.ReadAll(openAll(t, store.Retry(b, store.RetryOptions{}), "x"))
		if err != nil || string(got) != "content" {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

func TestReaderOfAnObjectThatWasReplacedEnds(t *testing.T) {
	for what, replace := range map[string]string{"longer": "other content", "same length": "CONTENT", "shorter": "c", "gone": "", "shorter at once": "c"} {
		at, want := 2, "cont"
		if what == "shorter at once" {
			at, want = 1, "co"
		}
		synctest.Test(t, func(t *testing.T) {
			mem := store.NewMem()
			mustPut(t, mem, "x", "content")
			b, opened, _ := cutting(mem, 2, errReset)
			cut := b.open
			b.open = func(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
				r, err := cut(ctx, name, offset, length)
				if *opened == at {
					if err := mem.Remove(ctx, "x"); err != nil {
						t.Error(err)
					}
					if replace != "" {
						mustPut(t, mem, "x", replace)
					}
				}
				return r, err
			}
			got, err := io.ReadAll(openAll(t, store.Retry(b, store.RetryOptions{}), "x"))
			if string(got) != want || !store.IsPermanent(err) && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: read %q, %v", what, got, err)
			}
		})
	}
}

func TestLengthThatTheFirstReaderTellsMustStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := store.NewMem()
		mustPut(t, mem, "x", "content")
		b := &faulty{Bucket: mem}
		b.open = func(context.Context, string, int64, int64) (io.ReadCloser, error) { return &sizedReader{size: 8}, nil }
		_, err := io.ReadAll(openAll(t, store.Retry(store.Timeout(b, store.TimeoutOptions{}), store.RetryOptions{}), "x"))
		if !store.IsPermanent(err) || !strings.Contains(err.Error(), "replaced") {
			t.Errorf("reading gives %v", err)
		}
	})
}

// sizedReader knows how much there is to read, and fails.
type sizedReader struct{ size int64 }

func (s *sizedReader) Read([]byte) (int, error) { return 0, errReset }
func (s *sizedReader) Close() error             { return nil }
func (s *sizedReader) Size() int64              { return s.size }

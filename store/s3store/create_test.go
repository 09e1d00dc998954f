package s3store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
)

// sizes are of an object in one request and of one in parts, and the request that makes it visible.
var sizes = map[string]int{"put": 100_000, "complete": 11 * mib}

func TestLostAnswersOfWritesThatLandedAreSuccess(t *testing.T) {
	server := cloudtest.Versity(t)
	for last, size := range sizes {
		t.Run(last, func(t *testing.T) {
			w := &wire{lost: last}
			b, bucket := through(t, server, w)
			object := mustCreate(t, b, "a/b", some(size))
			if object.Name != "a/b" || object.Size != int64(size) || object.Location != "s3://"+bucket+"/a/b" || object.Modified.IsZero() {
				t.Errorf("Create returns %+v", object)
			}
			if len(w.sent(last)) < 2 {
				t.Error("the request was not retried, which would have shown what the second answer does")
			}
			wantContent(t, b, "a/b", some(size))
			wantNoUploads(t, server, bucket)
		})
	}
}

func TestRefusalsThatArriveAsBrokenConnections(t *testing.T) {
	server := cloudtest.Versity(t)
	for last, size := range sizes {
		t.Run(last, func(t *testing.T) {
			w := &wire{}
			b, bucket := through(t, server, w)
			mustCreate(t, b, "x", []byte("other content"))
			w.lost = last
			_, err := b.Create(t.Context(), "x", bytes.NewReader(some(size)), nil)
			if !errors.Is(err, fs.ErrExist) || store.IsPermanent(err) {
				t.Errorf("Create returns %v, want fs.ErrExist", err)
			}
			wantContent(t, b, "x", []byte("other content"))
			wantNoUploads(t, server, bucket)
		})
	}
}

func TestRequestsThatNeverArriveAreToBeRetried(t *testing.T) {
	server := cloudtest.Versity(t)
	for _, lost := range []string{"put", "begin", "part", "complete"} {
		t.Run(lost, func(t *testing.T) {
			w := &wire{before: func(r *http.Request) (*http.Response, error) {
				if kind(r) == lost {
					return nil, errReset
				}
				return nil, nil
			}}
			b, bucket := through(t, server, w)
			size := sizes["complete"]
			if lost == "put" {
				size = sizes["put"]
			}
			_, err := b.Create(t.Context(), "x", bytes.NewReader(some(size)), nil)
			if !errors.Is(err, errReset) || store.IsPermanent(err) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
				t.Errorf("Create returns %v", err)
			}
			if n := len(w.sent(lost)); n < 3 {
				t.Errorf("%d attempts", n)
			}
			wantNames(t, b)
			wantNoUploads(t, server, bucket)
			w.before = nil
			mustCreate(t, b, "x", some(size))
		})
	}
}

// TestCompletionThatAnswersStrangely is about 200 with an error in its body, and 404 for an upload that is complete.
func TestCompletionThatAnswersStrangely(t *testing.T) {
	server := cloudtest.Versity(t)
	content := some(sizes["complete"])
	for what, test := range map[string]struct {
		status int
		code   string
		lands  bool
	}{
		"error in 200, not complete": {200, "InternalError", false},
		"error in 200, complete":     {200, "InternalError", true},
		"gone, not complete":         {404, "NoSuchUpload", false},
		"gone, complete":             {404, "NoSuchUpload", true},
		"conflict, not complete":     {409, "ConditionalRequestConflict", false},
		"conflict, complete":         {409, "ConditionalRequestConflict", true},
	} {
		t.Run(what, func(t *testing.T) {
			w := &wire{}
			if test.lands {
				w.after = func(r *http.Request, response *http.Response) (*http.Response, error) {
					if kind(r) == "complete" {
						_ = response.Body.Close()
						response = answer(r, test.status, errorBody(test.code))
					}
					return response, nil
				}
			} else {
				w.before = func(r *http.Request) (*http.Response, error) {
					if kind(r) == "complete" {
						return answer(r, test.status, errorBody(test.code)), nil
					}
					return nil, nil
				}
			}
			b, bucket := through(t, server, w)
			_, err := b.Create(t.Context(), "x", bytes.NewReader(content), nil)
			if test.lands {
				if err != nil {
					t.Error(err)
				}
				wantContent(t, b, "x", content)
			} else {
				if err == nil || store.IsPermanent(err) || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), test.code) {
					t.Errorf("Create returns %v, want an error to be retried", err)
				}
				wantNames(t, b)
			}
			wantNoUploads(t, server, bucket)
		})
	}
}

func TestCancelledCreateClaimsNoSuccess(t *testing.T) {
	server := cloudtest.Versity(t)
	for last, size := range sizes {
		t.Run(last, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w := &wire{lost: last, after: func(r *http.Request, response *http.Response) (*http.Response, error) {
				if kind(r) == last {
					cancel()
				}
				return response, nil
			}}
			b, bucket := through(t, server, w)
			if object, err := b.Create(ctx, "x", bytes.NewReader(some(size)), nil); !errors.Is(err, context.Canceled) {
				t.Errorf("Create returns %+v, %v, want context.Canceled", object, err)
			}
			wantNoUploads(t, server, bucket)
		})
	}
}

func TestUploadThatIsCancelledWhileItBeginsIsAborted(t *testing.T) {
	server := cloudtest.Versity(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := &wire{before: func(r *http.Request) (*http.Response, error) {
		if kind(r) == "begin" {
			cancel()
		}
		return nil, nil
	}}
	b, bucket := through(t, server, w)
	if _, err := b.Create(ctx, "x", bytes.NewReader(some(11*mib)), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Create returns %v, want context.Canceled", err)
	}
	if len(w.sent("abort")) == 0 {
		t.Error("nothing was aborted")
	}
	wantNames(t, b)
	wantNoUploads(t, server, bucket)
}

// TestAbortedUploadsThatComeBackAreAbortedAgain is about a server that was still busy with a part when it was told to abort.
func TestAbortedUploadsThatComeBackAreAbortedAgain(t *testing.T) {
	for gone, want := range map[int]int{1: 2, 3: 3, 100: 4} { // the abort that finds nothing any more, and how many there are
		aborts := 0
		w := &wire{before: func(r *http.Request) (*http.Response, error) {
			switch kind(r) {
			case "part":
				return answer(r, http.StatusInternalServerError, errorBody("InternalError")), nil
			case "abort":
				if aborts++; aborts >= gone {
					return answer(r, http.StatusNotFound, errorBody("NoSuchUpload")), nil
				}
			case "head", "get":
				return answer(r, http.StatusNotFound, errorBody("NoSuchKey")), nil
			}
			return pretend(r)
		}}
		_, err := fake(t, w).Create(t.Context(), "x", bytes.NewReader(some(11*mib)), nil)
		if err == nil || store.IsPermanent(err) || !strings.Contains(err.Error(), "InternalError") || aborts != want {
			t.Errorf("Create returns %v after %d aborts, want %d", err, aborts, want)
		}
	}
}

func TestUploadThatCannotBeAbortedIsSaid(t *testing.T) {
	server := cloudtest.Versity(t)
	w := &wire{before: func(r *http.Request) (*http.Response, error) {
		switch kind(r) {
		case "part":
			return answer(r, http.StatusInternalServerError, errorBody("InternalError")), nil
		case "abort":
			return answer(r, http.StatusForbidden, errorBody("AccessDenied")), nil
		}
		return nil, nil
	}}
	b, _ := through(t, server, w)
	_, err := b.Create(t.Context(), "x", bytes.NewReader(some(11*mib)), nil)
	if err == nil || store.IsPermanent(err) || !strings.Contains(err.Error(), "remain on the server") || !strings.Contains(err.Error(), "s3:AbortMultipartUpload") {
		t.Errorf("Create returns %v", err)
	}
}

// TestPartsAreBounded checks that as many parts as allowed are on their way and in memory, and no more.
func TestPartsAreBounded(t *testing.T) {
	const parts, parallel, partSize = 9, 3, 5 * mib
	server := cloudtest.Versity(t)
	for _, what := range []string{"by parts", "in order"} {
		t.Run(what, func(t *testing.T) {
			var now, most, read, done atomic.Int64
			together := make(chan struct{})
			w := &wire{before: func(r *http.Request) (*http.Response, error) {
				if kind(r) != "part" {
					return nil, nil
				}
				n := now.Add(1)
				most.Store(max(n, most.Load()))
				if n == parallel && done.Load() == 0 {
					close(together)
				}
				select { // until all that may have come are there
				case <-together:
				case <-r.Context().Done():
				}
				if ahead := read.Load() - done.Load()*partSize; what == "in order" && ahead > parallel*partSize {
					t.Errorf("%d bytes are in memory", ahead)
				}
				return nil, nil
			}, after: func(r *http.Request, response *http.Response) (*http.Response, error) {
				if kind(r) == "part" {
					now.Add(-1)
					done.Add(1)
				}
				return response, nil
			}}
			bucket := server.Bucket(t)
			o := optionsFor(server, bucket)
			o.HTTPClient, o.Parallel = &http.Client{Transport: w}, parallel
			b := mustNew(t, o)
			content := some((parts-1)*partSize + 17)
			var from io.ReadSeeker = bytes.NewReader(content)
			if what == "in order" {
				from = &counting{ReadSeeker: inOrder(content), read: &read}
			}
			if _, err := b.Create(t.Context(), "x", from, nil); err != nil {
				t.Fatal(err)
			}
			if most.Load() != parallel || len(w.sent("part")) != parts {
				t.Errorf("%d parts, %d at a time, want %d and %d", len(w.sent("part")), most.Load(), parts, parallel)
			}
			wantContent(t, b, "x", content)
		})
	}
}

// counting counts what is read since the last rewind.
type counting struct {
	io.ReadSeeker
	read *atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.ReadSeeker.Read(p)
	c.read.Add(int64(n))
	return n, err
}

func (c *counting) Seek(offset int64, whence int) (int64, error) {
	c.read.Store(0)
	return c.ReadSeeker.Seek(offset, whence)
}

// TestOneOfSixteenRacingLargePutsWins is the race of the suite in one request each, whose refusals the gateway often sends
// by closing the connection.
func TestOneOfSixteenRacingLargePutsWins(t *testing.T) {
	const racers, size = 16, 6 * mib
	server := cloudtest.Versity(t)
	w := &wire{}
	o := optionsFor(server, server.Bucket(t))
	o.HTTPClient, o.PartSize, o.Prefix = &http.Client{Transport: w}, 16*mib, "some/folder"
	b := mustNew(t, o)
	var wins, won atomic.Int64
	var racing sync.WaitGroup
	for i := range byte(racers) {
		racing.Go(func() {
			_, err := b.Create(t.Context(), "x", bytes.NewReader(bytes.Repeat([]byte{i}, size)), nil)
			if err == nil {
				wins.Add(1)
				won.Store(int64(i))
			} else if !errors.Is(err, fs.ErrExist) {
				t.Errorf("a creator that lost got %v, want fs.ErrExist", err)
			}
		})
	}
	racing.Wait()
	if wins.Load() != 1 || len(w.sent("begin")) > 0 {
		t.Fatalf("%d creators won", wins.Load())
	}
	wantContent(t, b, "x", bytes.Repeat([]byte{byte(won.Load())}, size))
	t.Logf("%d requests to write", len(w.sent("put")))
}

func TestObjectsOfOthersAreComparedByTheirContent(t *testing.T) {
	server := cloudtest.Versity(t)
	b, bucket := through(t, server, &wire{})
	putRaw(t, server, bucket, "x", "content")
	mustCreate(t, b, "x", []byte("content"))
	if _, err := b.Create(t.Context(), "x", strings.NewReader("Content"), nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create returns %v, want fs.ErrExist", err)
	}
}

func TestUnconditionalWritesLookFirst(t *testing.T) {
	server := cloudtest.Versity(t)
	w := &wire{}
	bucket := server.Bucket(t)
	o := optionsFor(server, bucket)
	o.HTTPClient, o.Unconditional = &http.Client{Transport: w}, true
	b := mustNew(t, o)
	for last, size := range sizes {
		mustCreate(t, b, last, some(size))
		mustCreate(t, b, last, some(size))
		if _, err := b.Create(t.Context(), last, bytes.NewReader(some(size+1)), nil); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Create returns %v, want fs.ErrExist", err)
		}
		requests := w.sent(last)
		if len(requests) != 1 || requests[0].Header.Get("If-None-Match") != "" {
			t.Errorf("%d requests to %s, the first with %q", len(requests), last, requests[0].Header)
		}
	}
	mustCreate(t, b, "probe", []byte("content"))
	if err := b.ProbeOverwrite(t.Context(), "probe"); !errors.Is(err, store.ErrNotCreateOnly) || !store.IsPermanent(err) {
		t.Errorf("Probe returns %v", err)
	}
}

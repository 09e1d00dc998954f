package s3store_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
)

func TestBucketIsItsPrefixAndNothingElse(t *testing.T) {
	server := cloudtest.Versity(t)
	bucket := server.Bucket(t)
	o := optionsFor(server, bucket)
	whole := mustNew(t, o)
	o.Prefix = "/lake/"
	lake := mustNew(t, o)
	for _, key := range []string{"lake-2/a", "lake/a", "lake/b/c", "lake0", "a"} {
		putRaw(t, server, bucket, key, key)
	}
	wantNames(t, lake, "a", "b/c")
	wantNames(t, whole, "a", "lake-2/a", "lake/a", "lake/b/c", "lake0")
	wantContent(t, lake, "a", []byte("lake/a"))
	if _, err := lake.Stat(t.Context(), "lake/a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat returns %v", err)
	}
	if err := lake.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	wantNames(t, whole, "a", "lake-2/a", "lake/b/c", "lake0")
}

func TestKeysThatAreNoNamesAreLeftOut(t *testing.T) {
	server := cloudtest.Versity(t)
	b, bucket := through(t, server, &wire{})
	putRaw(t, server, bucket, "folder/", "")
	putRaw(t, server, bucket, "folder/a", "content")
	wantNames(t, b, "folder/a")
}

// TestKeysThatXMLCannotHoldAreListed is why keys are asked for in the encoding of URLs, which the gateway does not know.
func TestKeysThatXMLCannotHoldAreListed(t *testing.T) {
	w := &wire{before: func(r *http.Request) (*http.Response, error) {
		if got := r.URL.Query().Get("encoding-type"); got != "url" {
			t.Errorf("encoding-type is %q", got)
		}
		return answer(r, 200, "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%01b+%2B%C3%A9</Key></Contents></ListBucketResult>"), nil
	}}
	wantNames(t, fake(t, w), "a\x01b +é")
}

// listing is a server whose pages have these keys.
func listing(pages ...[]string) *wire {
	return &wire{before: func(r *http.Request) (*http.Response, error) {
		n, _ := strconv.Atoi(r.URL.Query().Get("continuation-token"))
		var body strings.Builder
		body.WriteString("<ListBucketResult>")
		if n+1 < len(pages) {
			body.WriteString("<IsTruncated>true</IsTruncated><NextContinuationToken>" + strconv.Itoa(n+1) + "</NextContinuationToken>")
		}
		for _, key := range pages[n] {
			body.WriteString("<Contents><Key>" + key + "</Key><Size>1</Size></Contents>")
		}
		body.WriteString("</ListBucketResult>")
		return answer(r, 200, body.String()), nil
	}}
}

func TestListingGoesThroughPagesThatMayBeEmpty(t *testing.T) {
	w := listing([]string{"a", "b"}, nil, []string{"c//d", "c/"}, []string{"d"})
	wantNames(t, fake(t, w), "a", "b", "d")
	if n := len(w.sent("list")); n != 4 {
		t.Errorf("%d requests", n)
	}
}

func TestListingOutOfOrderIsAnError(t *testing.T) {
	for _, pages := range [][][]string{{{"a", "c", "b"}}, {{"a", "c"}, {"b"}}} {
		var last error
		for _, err := range fake(t, listing(pages...)).List(t.Context(), "") {
			last = err
		}
		if !store.IsPermanent(last) || !strings.Contains(last.Error(), `"b" after "c"`) {
			t.Errorf("List of %q ends with %v", pages, last)
		}
	}
}

// TestServersThatIgnoreRanges may answer 200 with all there is.
func TestServersThatIgnoreRanges(t *testing.T) {
	b := fake(t, &wire{before: func(r *http.Request) (*http.Response, error) { return answer(r, 200, "0123456789"), nil }})
	for _, test := range []struct {
		offset, length int64
		want           string
	}{{0, -1, "0123456789"}, {3, -1, "3456789"}, {3, 2, "34"}, {0, 4, "0123"}, {8, 9, "89"}, {10, 1, ""}, {12, -1, ""}} {
		r, err := b.Open(t.Context(), "x", test.offset, test.length)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil || string(got) != test.want {
			t.Errorf("%d bytes from %d are %q, %v, want %q", test.length, test.offset, got, err, test.want)
		}
	}
}

func TestBrokenReadsSayWhatWasRead(t *testing.T) {
	b := fake(t, &wire{before: func(r *http.Request) (*http.Response, error) {
		response := answer(r, 200, "")
		response.Body = io.NopCloser(io.MultiReader(strings.NewReader("half"), broken{}))
		return response, nil
	}})
	r, err := b.Open(t.Context(), "x", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if string(got) != "half" || !errors.Is(err, errReset) || !strings.Contains(err.Error(), "read s3://lake/x: ") {
		t.Errorf("read %q, %v", got, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errReset }

// TestMissingBucketIsNoMissingObject is about HEAD, whose answers do not tell one from the other.
func TestMissingBucketIsNoMissingObject(t *testing.T) {
	server := cloudtest.Versity(t)
	b, _ := through(t, server, &wire{})
	if _, err := b.Stat(t.Context(), "x"); !errors.Is(err, fs.ErrNotExist) || store.IsPermanent(err) {
		t.Errorf("Stat of a missing object returns %v", err)
	}
	o := optionsFor(server, "not-there")
	if _, err := mustNew(t, o).Stat(t.Context(), "x"); errors.Is(err, fs.ErrNotExist) || !store.IsPermanent(err) {
		t.Errorf("Stat in a missing bucket returns %v", err)
	}
}

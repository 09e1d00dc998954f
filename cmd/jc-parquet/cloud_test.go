package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
)

// cloudMessages is how many messages each store gets. Their payloads do not compress, so that files are sent in parts.
const cloudMessages = 200_000

func cloudMsg(i int) *nats.Msg {
	msg := nats.NewMsg(fmt.Sprintf("events.%s.%d", []string{"us", "eu"}[min(1, i%8)], i%7))
	noise := rand.New(rand.NewPCG(1, uint64(i)))
	msg.Data = fmt.Appendf(nil, `{"n": %d, "noise": "`, i)
	for range 30 + i%8 {
		msg.Data = binary.LittleEndian.AppendUint64(msg.Data, noise.Uint64())
	}
	switch i % 5 {
	case 0:
		msg.Data = nil
	case 1, 2:
		msg.Header.Add("Trace-Id", fmt.Sprintf("%016x", noise.Uint64()))
		msg.Header.Add("trace-id", "")
		msg.Header.Add("Note", "ä")
		msg.Header.Add("Note", fmt.Sprint(i))
	}
	return msg
}

// A cloud is a place for files, and how to get at them.
type cloud struct {
	url    string
	secret string // is never to be seen
	folder string // where DuckDB finds the files; "" if they have to be fetched
}

// clouds start servers and make an empty place at each.
var clouds = map[string]func(t *testing.T) cloud{
	"local": func(t *testing.T) cloud {
		dir := t.TempDir()
		return cloud{url: "file://" + dir + "/lake", folder: dir + "/lake"}
	},
	"S3": func(t *testing.T) cloud {
		server := s3Server(t)
		bucket := server.Bucket(t)
		return cloud{s3URL(bucket, server.Endpoint), server.SecretKey, filepath.Join(server.Folder, bucket, "lake")}
	},
	"Azure": func(t *testing.T) cloud {
		server := cloudtest.Azure(t)
		t.Setenv("AZURE_STORAGE_KEY", server.Key)
		query := url.Values{"endpoint": {server.Endpoint}}
		return cloud{url: "azblob://" + server.Account + "/" + server.Container(t) + "/lake?" + query.Encode(), secret: server.Key}
	},
	"Google": func(t *testing.T) cloud {
		server := cloudtest.GCS(t)
		query := url.Values{"endpoint": {server.Endpoint}, "anonymous": {"true"}}
		return cloud{url: "gs://" + server.Bucket(t) + "/lake?" + query.Encode()}
	},
}

// object returns the URL of an object in the cloud.
func (c cloud) object(name string) string {
	place, query, hasQuery := strings.Cut(c.url, "?")
	place += "/" + (&url.URL{Path: name}).EscapedPath()
	if hasQuery {
		place += "?" + query
	}
	return place
}

// names returns those of all objects, except what the library keeps there for itself.
func (c cloud) names(t *testing.T) (names []string) {
	t.Helper()
	for object, err := range c.open(t).List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(object.Name, "_jetcapture/") {
			names = append(names, object.Name)
		}
	}
	return names
}

func (c cloud) open(t *testing.T) store.Bucket {
	t.Helper()
	bucket, err := openURL(t.Context(), c.url)
	if err != nil {
		t.Fatal(err)
	}
	return bucket
}

// sync returns a local folder that has all objects.
func (c cloud) sync(t *testing.T) (dir string) {
	t.Helper()
	if c.folder != "" {
		return c.folder
	}
	dir = t.TempDir()
	bucket := c.open(t)
	for _, name := range c.names(t) {
		if err := fetch(t, bucket, name, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func fetch(t *testing.T, bucket store.Bucket, name, path string) error {
	t.Helper()
	r, err := bucket.Open(t.Context(), name, 0, -1)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	_, err = io.Copy(f, r)
	return err
}

// TestEveryStoreGetsEveryMessage archives one stream in each of the stores and compares every row with what was published.
func TestEveryStoreGetsEveryMessage(t *testing.T) {
	capturetest.WithoutRace(t)
	s := capturetest.Start(t)
	s.Stream("EVENTS", "events.>")
	s.Publish(cloudMessages, cloudMsg)
	for name, start := range clouds {
		t.Run(name, func(t *testing.T) {
			place := start(t)
			code, _, stderr := jcParquet("run", "--server", s.URL(), "--stream=EVENTS", "--consumer", name, "--create-consumer",
				"--until-caught-up", "--out", place.url, "--split=token:2", "--store-timeout=5s", "--store-rate=1GiB")
			if code != app.ExitOK {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			if place.secret != "" && strings.Contains(stderr, place.secret) {
				t.Error("the log shows a secret")
			}
			if strings.Contains(stderr, "WARN") || strings.Contains(stderr, "warn") {
				t.Errorf("there are warnings:\n%s", stderr)
			}
			wantInParts(t, place)
			wantAllMessages(t, formattest.DuckDB(t), place.sync(t))
			wantInspectable(t, place)
		})
	}
}

// wantInParts checks that drivers had to send files in parts, of 16 MiB; otherwise the test shows nothing.
func wantInParts(t *testing.T, place cloud) {
	t.Helper()
	var sizes []int64
	for object, err := range place.open(t).List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, object.Size)
	}
	if t.Logf("files of %d bytes", sizes); len(sizes) == 0 || slices.Max(sizes) <= 16<<20 {
		t.Error("no file has more than 16 MiB")
	}
}

// wantAllMessages checks that the files have each message once, as it was published.
func wantAllMessages(t *testing.T, db *formattest.Duck, dir string) {
	t.Helper()
	n := 0
	db.Each("select stream_seq, subject, headers, data, token_2 from read_parquet("+formattest.Quote(dir+"/**/*.parquet")+
		", hive_partitioning = true) order by stream_seq", func(row []any) {
		n++
		want := cloudMsg(n - 1)
		seq, _ := row[0].(int64)
		data, _ := row[3].([]byte)
		if int(seq) != n || row[1] != want.Subject || string(data) != string(want.Data) || !sameHeaders(row[2], want.Header) || row[4] != strings.Split(want.Subject, ".")[1] {
			t.Fatalf("row %d is %.500v, want sequence %d of %s with %v", n, row, n, want.Subject, want.Header)
		}
	})
	if n != cloudMessages {
		t.Errorf("the files have %d messages, want %d", n, cloudMessages)
	}
}

func sameHeaders(column any, want nats.Header) bool {
	entries, _ := column.([]formattest.Entry)
	for _, e := range entries {
		name, _ := e.Key.(string)
		values, _ := e.Value.([]any)
		if !slices.EqualFunc(values, want[name], func(got any, want string) bool { return got == any(want) }) {
			return false
		}
	}
	return len(entries) == len(want)
}

// wantInspectable checks that inspect reads objects by their URLs.
func wantInspectable(t *testing.T, place cloud) {
	t.Helper()
	var urls []string
	for _, name := range place.names(t) {
		urls = append(urls, place.object(name))
	}
	code, stdout, stderr := jcParquet(append([]string{"inspect"}, urls...)...)
	if n := strings.Count(stdout, "jetcapture.stream = EVENTS"); code != app.ExitOK || n != len(urls) || n < 3 {
		t.Errorf("exit code %d, inspect describes %d of %d objects: %s", code, n, len(urls), stderr)
	}
	code, _, stderr = jcParquet("inspect", place.object("none.parquet"), place.object(""))
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if code != app.ExitError || len(lines) != 2 || !strings.Contains(lines[0], "none.parquet") || !strings.Contains(lines[1], "lake/ is a folder: name files in it, such as ") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

package main

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/store/cloudtest"
)

// s3Server starts one whose credentials are in the environment.
func s3Server(t *testing.T) *cloudtest.S3 {
	t.Helper()
	server := cloudtest.Versity(t)
	t.Setenv("AWS_ACCESS_KEY_ID", server.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", server.SecretKey)
	return server
}

// s3URL names a place by a server, its endpoint and parameters name=value.
func s3URL(bucket, endpoint string, parameters ...string) string {
	query := url.Values{"endpoint": {endpoint}, "region": {"eu-central-1"}, "path_style": {"true"}}
	for _, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		query.Set(name, value)
	}
	return "s3://" + bucket + "/lake?" + query.Encode()
}

// refused runs a command whose --out is of no use, against a NATS server that is not there, and returns the last line.
func refused(t *testing.T, out string, args ...string) string {
	t.Helper()
	args = append([]string{"run", "--server=nats://127.0.0.1:1", "--stream=S", "--consumer=C", "--out", out}, args...)
	code, _, stderr := jcParquet(args...)
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	last := lines[len(lines)-1]
	if code != app.ExitUsage || !strings.HasPrefix(last, "jc-parquet: --out: ") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if strings.Contains(stderr, "secret") || strings.Contains(stderr, "X-Amz-") {
		t.Errorf("a secret is shown:\n%s", stderr)
	}
	t.Log(last)
	return last
}

func TestStoreThatCannotBeUsedIsRefusedBeforeAnythingIsPulled(t *testing.T) {
	server := s3Server(t)
	bucket := server.Bucket(t)
	start := time.Now()
	if reported := refused(t, s3URL("none", server.Endpoint)); !strings.Contains(reported, "none") || !strings.Contains(reported, "bucket") {
		t.Errorf("a bucket that is missing gives %s", reported)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
	if reported := refused(t, s3URL(bucket, server.Endpoint)); !strings.Contains(reported, "SignatureDoesNotMatch") {
		t.Errorf("wrong credentials give %s", reported)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", server.SecretKey)
	if duration := time.Since(start); duration > 10*time.Second {
		t.Errorf("an error that retrying cannot fix took %v", duration)
	}
	if reported := refused(t, s3URL(bucket, "http://127.0.0.1:1")); !strings.Contains(reported, "(after 5 attempts)") {
		t.Errorf("a server that is not there gives %s", reported)
	}
}

func TestMissingContainersAreRefusedToo(t *testing.T) {
	for name, path := range map[string]string{"Azure": "/container-1/", "Google": "//bucket-1/"} {
		place := clouds[name](t)
		elsewhere := strings.Replace(place.url, path, strings.Replace(path, "-1", "-none", 1), 1)
		if reported := refused(t, elsewhere); elsewhere == place.url || !strings.Contains(reported, "-none") || place.secret != "" && strings.Contains(reported, place.secret) {
			t.Errorf("%s: it says %s", name, reported)
		}
	}
}

func TestStoreThatDoesNotAnswerIsGivenUp(t *testing.T) {
	server := s3Server(t)
	proxy := cloudtest.NewProxy(t, server.Endpoint)
	proxy.Set(func(*http.Request, int) cloudtest.Fault { return cloudtest.Delay(time.Hour) })
	reported := refused(t, s3URL(server.Bucket(t), proxy.Endpoint), "--store-timeout=100ms")
	if !strings.Contains(reported, "if it is that slow, allow more by --store-timeout") {
		t.Errorf("it says %s", reported)
	}
}

func TestStoreThatIsJustStartingIsAwaited(t *testing.T) {
	server := s3Server(t)
	proxy := cloudtest.NewProxy(t, server.Endpoint)
	proxy.Set(func(_ *http.Request, n int) cloudtest.Fault {
		if n > 10 {
			return cloudtest.Pass()
		}
		return cloudtest.Status(http.StatusServiceUnavailable, nil, "")
	})
	place := cloud{url: s3URL(server.Bucket(t), proxy.Endpoint)}
	stderr := captureInto(t, place)
	if !strings.Contains(stderr, "the store cannot be used yet; retrying") {
		t.Errorf("it says nothing of retries:\n%s", stderr)
	}
	for _, name := range place.names(t) {
		if !strings.HasPrefix(name, "date=") {
			t.Errorf("there is an object %s", name)
		}
	}
}

// captureInto archives all orders and returns the log.
func captureInto(t *testing.T, place cloud, args ...string) string {
	t.Helper()
	code, _, stderr := jcParquet(append([]string{
		"run", "--server", ordersServer(t).URL(), "--stream=ORDERS", "--consumer=lake", "--create-consumer",
		"--until-caught-up", "--out", place.url,
	}, args...)...)
	if code != app.ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if len(place.names(t)) == 0 {
		t.Error("nothing is stored")
	}
	return stderr
}

func TestStoreThatOverwritesIsWarnedOf(t *testing.T) {
	server := s3Server(t)
	place := cloud{url: s3URL(server.Bucket(t), server.Endpoint, "unconditional=true")}
	if stderr := captureInto(t, place, "--delivery=at-least-once"); !strings.Contains(stderr, "exactly-once needs a server with conditional writes") {
		t.Errorf("there is no warning:\n%s", stderr)
	}
}

func TestStoreThatOverwritesIsRefusedForExactlyOnce(t *testing.T) {
	server := s3Server(t)
	reported := refused(t, s3URL(server.Bucket(t), server.Endpoint, "unconditional=true"))
	if !strings.Contains(reported, "exactly-once needs a server with conditional writes") || !strings.HasSuffix(reported, "or accept duplicates with --delivery at-least-once") {
		t.Errorf("it says %s", reported)
	}
}

func TestStoreIsProbedOnce(t *testing.T) {
	server := s3Server(t)
	proxy := cloudtest.NewProxy(t, server.Endpoint)
	var probes atomic.Int64
	proxy.Set(func(r *http.Request, _ int) cloudtest.Fault {
		if r.Method == http.MethodDelete && !r.URL.Query().Has("uploadId") && strings.Contains(r.URL.Path, "/_jetcapture/probe-") {
			probes.Add(1)
		}
		return cloudtest.Pass()
	})
	captureInto(t, cloud{url: s3URL(server.Bucket(t), proxy.Endpoint)})
	if n := probes.Load(); n != 1 {
		t.Errorf("%d objects were made to probe the store", n)
	}
}

func TestSecretsInURLsAreNotShown(t *testing.T) {
	for _, place := range []string{
		"s3://key:secret@bucket/lake", "s3://bucket/lake?secret=secret", "s3://bucket/%zz?x=secret", "s3://bucket/lake?region=%zzsecret",
		"azblob://account/container/lake?sig=secret", "azblob://account:secret@account/container", "gs://bucket/lake?key_file=secret#secret",
	} {
		// The name of a parameter may be told, and that of a bucket; secrets are values.
		hide := strings.NewReplacer("secrets do not belong", "", `"secret"`, "", "AWS_SECRET_ACCESS_KEY", "")
		code, _, stderr := jcParquet("run", "--server=nats://127.0.0.1:1", "--stream=S", "--consumer=C", "--out", place)
		if code != app.ExitUsage || strings.Contains(hide.Replace(stderr), "secret") {
			t.Errorf("--out %s: exit code %d: %s", place, code, stderr)
		}
		file := strings.Replace(place, "?", "/x.parquet?", 1)
		code, _, stderr = jcParquet("inspect", file)
		if code != app.ExitError || strings.Contains(hide.Replace(stderr), "secret") {
			t.Errorf("inspect %s: exit code %d: %s", file, code, stderr)
		}
	}
}

func TestStoreRateHoldsWritesBack(t *testing.T) {
	s := ordersServer(t)
	start := time.Now()
	archiveAll(t, s, "--format=ndjson")
	usual := time.Since(start)
	start = time.Now()
	dir := archiveAll(t, s, "--format=ndjson", "--store-rate=300KB", "--store-timeout=10ms")
	if duration := time.Since(start); duration < usual/2+time.Second {
		t.Errorf("%d files took %v at 300 kB/s, without a limit %v", len(files(t, dir)), duration, usual)
	}
}

func TestInspectOfAURLOfAFile(t *testing.T) {
	dir := archiveAll(t, ordersServer(t))
	file := filepath.Join(dir, files(t, dir)[0])
	for _, place := range []string{"file://" + file, (&url.URL{Scheme: "file", Path: file}).String()} {
		code, stdout, stderr := jcParquet("inspect", place)
		if code != app.ExitOK || !strings.HasPrefix(stdout, file+"\n") {
			t.Errorf("exit code %d: %s%s", code, stdout, stderr)
		}
	}
}

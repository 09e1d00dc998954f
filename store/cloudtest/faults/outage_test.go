package faults_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/s3store"
)

// The test binary can be a capture of its own, so that its memory is its own.
const captureEnv = "JETCAPTURE_TEST_OUTAGE"

func TestMain(m *testing.M) {
	if job := os.Getenv(captureEnv); job != "" {
		if err := captureProcess(job); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	_ = flag.Set("test.parallel", "8") // these tests wait more than they compute
	os.Exit(m.Run())
}

// A job has the work of a captureProcess, and a report its results.
type (
	job struct {
		URL, Endpoint, Bucket, Region, AccessKey, SecretKey string
		MemoryLimit                                         int64
	}
	report struct {
		Memory, Heap int64 // the most that the capture counted, and that was live
		Failures     int   // of the store
		Paused       map[string]int
	}
)

// captureProcess captures until it has caught up, and prints a report.
func captureProcess(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	nc, err := nats.Connect(j.URL)
	if err != nil {
		return err
	}
	server := &cloudtest.S3{Endpoint: j.Endpoint, Region: j.Region, AccessKey: j.AccessKey, SecretKey: j.SecretKey}
	bucket, err := s3store.New(context.Background(), s3store.Options{Bucket: j.Bucket, PathStyle: true, Config: server.Config()})
	if err != nil {
		return err
	}
	o := capture(bucket)
	o.MemoryLimit = j.MemoryLimit
	r := report{Paused: map[string]int{}}
	var mu sync.Mutex
	o.Observer.Sampled = func(s jetcapture.Stats) {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		r.Memory, r.Heap = max(r.Memory, s.Memory), max(r.Heap, int64(m.HeapAlloc))
	}
	o.Observer.Paused = func(cause jetcapture.PauseCause) { r.Paused[string(cause)]++ }
	o.Observer.StoreFailed = func(jetcapture.Block, int, error, time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		r.Failures++
	}
	if err := o.Build().Run(context.Background(), nc); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// The store is down for a minute, 15 s in the short form, and the stream has more than the capture may hold: it pauses, its memory
// stays bounded, and once the store is back it stores everything.
func TestStoreThatIsDownForAMinuteUnderFullLoad(t *testing.T) {
	t.Parallel()
	const size = 1_500
	before, during, limit, outage := 100_000, 20_000, int64(64<<20), time.Minute
	if testing.Short() {
		before, during, limit, outage = 50_000, 10_000, 32<<20, 15*time.Second
	}
	server := cloudtest.Versity(t)
	bucket, proxy := server.Bucket(t), cloudtest.NewProxy(t, server.Endpoint)
	s := ordersServer(t, before, size, 5*time.Minute)
	proxy.Down()
	began := time.Now()
	text, err := json.Marshal(job{s.URL(), proxy.Endpoint, bucket, server.Region, server.AccessKey, server.SecretKey, limit})
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), captureEnv+"="+string(text))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill() })
	publishDuring(t, s, before, during, size, outage)
	time.Sleep(outage - time.Since(began)) // the outage is what is tested
	if info := s.Info(streamName, consumerName); info.AckFloor.Stream > 0 || int(info.Delivered.Consumer) != info.NumAckPending {
		t.Errorf("acked while nothing is stored: %+v", info)
	} else {
		t.Logf("after %v the capture holds %d of %d messages", outage, info.NumAckPending, before+during)
	}
	proxy.Up()
	var r report
	if err := json.NewDecoder(out).Decode(&r); err != nil {
		t.Fatalf("read the report: %v", err)
	}
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MiB counted at most, %d MiB live at most, %d failures, paused by %v; all done %v after the outage",
		r.Memory>>20, r.Heap>>20, r.Failures, r.Paused, (time.Since(began) - outage).Round(time.Second))
	if r.Memory > limit || r.Heap > limit+limit/2 {
		t.Errorf("the capture counted %d bytes and had %d live; the limit is %d", r.Memory, r.Heap, limit)
	}
	if r.Paused["memory"] == 0 || r.Failures == 0 {
		t.Errorf("paused by %v, %d failures: the test shows nothing", r.Paused, r.Failures)
	}
	intact, err := s3store.New(t.Context(), s3store.Options{Bucket: bucket, PathStyle: true, Config: server.Config()})
	if err != nil {
		t.Fatal(err)
	}
	all, err := names(t.Context(), intact, "")
	if err != nil {
		t.Fatal(err)
	}
	c := &tally{size, make([]int, before+during)}
	for _, name := range all { // one at a time, as together they are large
		content, err := read(t.Context(), intact, name, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		c.add(t, name, content)
	}
	c.wantEachOnce(t)
}

// publishDuring publishes n more orders, spread over most of d.
func publishDuring(t *testing.T, s *capturetest.Server, from, n, size int, d time.Duration) {
	t.Helper()
	const portions = 20
	pace := time.NewTicker(d / portions * 8 / 10)
	defer pace.Stop()
	js := s.JetStream()
	for p := range portions {
		for i := from + p*n/portions; i < from+(p+1)*n/portions; i++ {
			if _, err := js.PublishMsgAsync(orderMsg(i, size), jetstream.WithStallWait(20*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		<-pace.C
	}
	<-js.PublishAsyncComplete()
}

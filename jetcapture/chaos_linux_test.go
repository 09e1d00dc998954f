package jetcapture_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/format/formattest"
)

// Processes are killed and stopped, servers restart, the store fails and loses answers, and in the end DuckDB finds each
// message once. JETCAPTURE_CHAOS=1h makes that last longer, JETCAPTURE_CHAOS_SEED repeats a schedule, as far as processes do
// what they did, and JETCAPTURE_CHAOS_DIR keeps what came of it.
func TestEachMessageIsArchivedOnceWhateverIsKilled(t *testing.T) {
	t.Run("into a folder", func(t *testing.T) {
		c := newChaos(t, 1, chaosShared)
		lake := c.useFolder()
		c.run(t, 40*time.Second, 30)
		c.verify(t, lake)
	})
	t.Run("by one capture that acknowledges by watermark", func(t *testing.T) {
		c := newChaos(t, 1, chaosWatermark)
		lake := c.useFolder()
		c.run(t, 15*time.Second, 10)
		c.verify(t, lake)
	})
	t.Run("into S3", func(t *testing.T) {
		c := newChaos(t, 1, chaosShared)
		bucket := c.useS3(t)
		c.run(t, 15*time.Second, 10)
		c.verify(t, c.fetch(t, bucket))
	})
	t.Run("into Azure", func(t *testing.T) {
		c := newChaos(t, 1, chaosShared)
		bucket := c.useAzure(t)
		c.run(t, 15*time.Second, 10)
		c.verify(t, c.fetch(t, bucket))
	})
	t.Run("from a cluster whose leaders are killed", func(t *testing.T) {
		c := newChaos(t, 3, chaosShared)
		lake := c.useFolder()
		c.run(t, 15*time.Second, 10)
		c.verify(t, lake)
	})
}

// A chaosConsumer is how a durable consumer is consumed.
type chaosConsumer struct {
	captures  int
	ackPolicy jetstream.AckPolicy
}

var (
	chaosShared    = chaosConsumer{captures: 3, ackPolicy: jetstream.AckExplicitPolicy}
	chaosWatermark = chaosConsumer{captures: 1, ackPolicy: jetstream.AckAllPolicy}
)

// A chaos is a test with processes: servers, captures on one durable consumer, and what is done to them.
type chaos struct {
	dir     string
	seed    uint64
	rng     *rand.Rand // of the schedule
	rate    int        // messages a second
	servers *chaosServers
	size    int    // of the crew
	store   string // URL
	secrets map[string]string
	duck    *formattest.Duck
	crew    []*chaosChild
	began   time.Time

	peace atomic.Bool // nothing is done to captures that start from now on

	kills, halts, ends, serverKills, serverEnds int
	exits                                       []int
}

func newChaos(t *testing.T, servers int, consumer chaosConsumer) *chaos {
	t.Helper()
	c := &chaos{
		dir: os.Getenv("JETCAPTURE_CHAOS_DIR"), seed: uint64(time.Now().UnixNano() % 1e6), rate: 2_000, size: consumer.captures, began: time.Now(),
		duck: formattest.DuckDB(t), // at the start, as without it there is nothing to be shown by an hour
	}
	if c.dir == "" {
		c.dir = t.TempDir()
	} else {
		c.dir = filepath.Join(c.dir, strings.ReplaceAll(filepath.Base(t.Name()), "_", "-"))
		if err := os.MkdirAll(c.dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if seed := os.Getenv("JETCAPTURE_CHAOS_SEED"); seed != "" {
		var err error
		if c.seed, err = strconv.ParseUint(seed, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	c.rng = rand.New(rand.NewPCG(c.seed, 1))
	t.Logf("JETCAPTURE_CHAOS_SEED=%d", c.seed)
	c.servers = startServers(t, c.dir, servers, consumer.ackPolicy)
	return c
}

// useFolder lets the captures store into a folder, and returns it.
func (c *chaos) useFolder() (lake string) {
	lake = filepath.Join(c.dir, "lake")
	c.store = "file://" + lake
	return lake
}

// run lets captures work under a stream of messages and disturbs them for as long as asked, and longer if there were not
// enough kills; then in peace until all is archived.
func (c *chaos) run(t *testing.T, lasting time.Duration, kills int) {
	t.Helper()
	if asked := os.Getenv("JETCAPTURE_CHAOS"); asked != "" {
		var err error
		if lasting, err = time.ParseDuration(asked); err != nil {
			t.Fatal(err)
		}
		c.rate /= 2 // an hour makes some 4 million messages and 60,000 files, in 1 GB
	}
	c.startCrew(t)
	nc := c.servers.connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	var publishing sync.WaitGroup
	publishing.Go(func() { c.servers.publish(ctx, nc, c.rate) })
	eventually(t, "a capture has made the ledger", func() bool { return c.servers.healthy(ctx) })
	for end := time.Now().Add(lasting); time.Now().Before(end) || c.kills < kills; {
		if err := c.disturb(ctx); err != nil {
			t.Error(err)
			break
		}
	}
	cancel()
	publishing.Wait()
	c.dismissCrew()
	disturbed := time.Since(c.began)
	c.peace.Store(true)
	c.startCrew(t)
	c.awaitPeace(t, 2*time.Minute+lasting/4)
	t.Logf("%.0f s of chaos, caught up after %.0f s of peace", disturbed.Seconds(), (time.Since(c.began) - disturbed).Seconds())
	c.logFigures(t)
}

func (c *chaos) startCrew(t *testing.T) {
	t.Helper()
	temp := filepath.Join(c.dir, "temp")
	if err := os.MkdirAll(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	c.crew = nil
	for i := range c.size {
		var lives atomic.Uint64
		c.crew = append(c.crew, startChild(t, filepath.Join(c.dir, fmt.Sprintf("capture-%d.log", i)), func() chaosRole {
			role := &chaosCapture{
				Servers: c.servers.urls(), Store: c.store, Secrets: c.secrets, Faults: 0.25, TempDir: temp, MaxMessages: 200,
				Seed: c.seed + uint64(i)*1e9 + lives.Add(1), // in another mood in each life
			}
			if c.peace.Load() {
				role.Faults, role.CaughtUp = 0, true
			}
			return chaosRole{Capture: role}
		}))
	}
}

func (c *chaos) dismissCrew() {
	for _, child := range c.crew {
		c.exits = append(c.exits, child.dismiss(syscall.SIGTERM)...)
	}
}

// disturb deals one deck of misfortunes.
func (c *chaos) disturb(ctx context.Context) error {
	const kill, halt, end, killServer, endServer = 0, 1, 2, 3, 4
	deck := []int{halt, halt, halt, end, killServer, endServer}
	if len(c.servers.roles) > 1 {
		deck = append(deck, killServer, killServer, endServer)
	}
	for len(deck) < 20 {
		deck = append(deck, kill)
	}
	c.rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	var halted sync.WaitGroup
	defer halted.Wait()
	for _, card := range deck {
		quiet := time.Duration((0.2 + 0.7*c.rng.ExpFloat64()) * float64(time.Second))
		if err := pause(ctx, quiet); err != nil {
			return err
		}
		child := c.crew[c.rng.IntN(len(c.crew))]
		stream := []string{streamName, ledgerName}[c.rng.IntN(2)] // whose leader
		lasting := chaosAckWait + time.Duration(c.rng.Int64N(int64(3*chaosAckWait)))
		switch card {
		case kill:
			c.kills += count(child.signal(syscall.SIGKILL))
		case halt:
			c.halts++
			halted.Go(func() { child.halt(lasting) })
		case end:
			c.ends += count(child.signal(syscall.SIGTERM))
		case killServer:
			c.serverKills++
			if err := c.servers.upset(ctx, syscall.SIGKILL, stream); err != nil {
				return err
			}
		case endServer:
			c.serverEnds++
			if err := c.servers.upset(ctx, syscall.SIGTERM, stream); err != nil {
				return err
			}
		}
	}
	return nil
}

func count(ok bool) int {
	if ok {
		return 1
	}
	return 0
}

// awaitPeace waits until each capture has ended by itself, as it has caught up.
func (c *chaos) awaitPeace(t *testing.T, atMost time.Duration) {
	t.Helper()
	deadline := time.Now().Add(atMost)
	for _, child := range c.crew {
		for child.lives() == 0 && time.Now().Before(deadline) {
			time.Sleep(20 * time.Millisecond)
		}
	}
	for i, child := range c.crew {
		if exits := child.dismiss(syscall.SIGKILL); exits[0] != 0 {
			t.Errorf("in peace, capture %d ended by exit codes %v; 0 would say that it has caught up", i, exits)
		}
	}
}

// logFigures says what was done, and fails the test if a process said what none must.
func (c *chaos) logFigures(t *testing.T) {
	t.Helper()
	failed := 0
	for _, code := range c.exits {
		failed += count(code > 0)
	}
	t.Logf("%d captures killed, %d stopped for a while, %d ended in order, %d lives ended by an error; %d servers killed, %d ended in order",
		c.kills, c.halts, c.ends, failed, c.serverKills, c.serverEnds)
	said := map[string]int{}
	logs, err := filepath.Glob(filepath.Join(c.dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range logs {
		eachLine(t, name, func(line string) {
			for _, part := range []string{
				"the store " + moodFails, "the store " + moodLoses, "the store " + moodWaits, "the store " + moodStalls,
				"another block has some of its messages", "too old for the ledger", "acks are not confirmed", "pulling starts anew", "block stored", "the process ends",
			} {
				said[part] += count(strings.Contains(line, part))
			}
			for _, never := range []string{
				"panic", "DATA RACE", "does the store overwrite", "somebody found one under its name", "the ledger is lost", "malformed",
			} {
				if strings.Contains(line, never) {
					if said[never]++; said[never] <= 5 {
						t.Errorf("%s: %.2000s", filepath.Base(name), line)
					}
				}
			}
		})
	}
	t.Logf("said so often: %v", said)
}

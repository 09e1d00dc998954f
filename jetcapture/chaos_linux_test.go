package jetcapture_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// Processes are killed and stopped, and begin again with other flags, servers restart and lose the ends of their streams, the store
// fails, loses answers and denies a folder, and in the end DuckDB finds each message once. JETCAPTURE_CHAOS=1h makes that last longer,
// JETCAPTURE_CHAOS_SEED repeats a schedule, as far as processes do what they did, and JETCAPTURE_CHAOS_DIR keeps what came of it: if
// root runs the test, others must be allowed to enter it.
//
// The race detector would make the servers many times as slow: make test runs the short forms without it.
func TestEachMessageIsArchivedOnceWhateverIsKilled(t *testing.T) {
	if os.Getenv("JETCAPTURE_CHAOS") == "" {
		capturetest.WithoutRace(t)
	}
	chaosRun(t, "into a folder", func(t *testing.T) {
		c := newChaos(t, 1, chaosShared)
		c.flags, c.losses = chaosAllFlags, []chaosLoss{{stream: true}}
		if os.Getenv("JETCAPTURE_CHAOS") != "" { // the short form of a ledger that loses its end is in tests of its own
			c.losses = append(c.losses, chaosLoss{ledger: true}, chaosLoss{stream: true, ledger: true})
		}
		lake := c.useFolder(t)
		c.run(t, 20*time.Second, 7)
		c.verify(t, lake)
	})
	chaosRun(t, "into a folder, at least once", func(t *testing.T) {
		c := newChaos(t, 1, chaosShared)
		c.delivery = jetcapture.AtLeastOnce
		c.flags, c.losses = chaosAllFlags, []chaosLoss{{stream: true}}
		lake := c.useFolder(t)
		c.run(t, 10*time.Second, 5)
		c.verify(t, lake)
	})
	chaosRun(t, "by one capture that acknowledges by watermark", func(t *testing.T) {
		c := newChaos(t, 1, chaosWatermark)
		lake := c.useFolder(t)
		c.run(t, 15*time.Second, 10)
		c.verify(t, lake)
	})
	chaosRun(t, "into S3", func(t *testing.T) {
		c := newChaos(t, 1, chaosShared)
		c.flags = chaosAllFlags
		if os.Getenv("JETCAPTURE_CHAOS") != "" {
			c.losses = []chaosLoss{{ledger: true}, {stream: true}, {stream: true, ledger: true}}
		}
		bucket := c.useS3(t)
		c.run(t, 15*time.Second, 7)
		c.verify(t, c.fetch(t, bucket))
	})
	if os.Getenv("JETCAPTURE_CHAOS") != "" { // the parts of it are in the other tests
		chaosRun(t, "into S3, at least once", func(t *testing.T) {
			c := newChaos(t, 1, chaosShared)
			c.delivery = jetcapture.AtLeastOnce
			c.flags, c.losses = chaosAllFlags, []chaosLoss{{stream: true}}
			bucket := c.useS3(t)
			c.run(t, 15*time.Second, 10)
			c.verify(t, c.fetch(t, bucket))
		})
	}
	chaosRun(t, "into Azure", func(t *testing.T) {
		capturetest.LongOnly(t) // store/cloudtest/faults has a capture in a storm of faults of each cloud
		c := newChaos(t, 1, chaosShared)
		bucket := c.useAzure(t)
		c.run(t, 15*time.Second, 10)
		c.verify(t, c.fetch(t, bucket))
	})
	chaosRun(t, "from a cluster whose leaders are killed", func(t *testing.T) {
		c := newChaos(t, 3, chaosShared)
		lake := c.useFolder(t)
		c.run(t, 15*time.Second, 10)
		c.verify(t, lake)
	})
}

// chaosRun runs a form of the test, the short forms two at a time.
func chaosRun(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		if os.Getenv("JETCAPTURE_CHAOS") == "" {
			t.Parallel()
		}
		f(t)
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

	delivery  jetcapture.Delivery
	retention time.Duration
	flags     []chaosFlags // of captures; each life has one of them
	losses    []chaosLoss  // in each deck
	denial    chaosDenial  // may be empty
	uid       uint32       // of the captures, if not this process's
	reports   atomic.Uint64

	kills, halts, ends, serverKills, serverEnds, denials, streamLosses, ledgerLosses int
	lost                                                                             []chaosLoss
	exits                                                                            []int
}

// chaosRate is how many messages are published in a second: an hour makes some 4 million, and 60,000 files, in 1 GB.
const chaosRate = 1_000

var chaosAllFlags = []chaosFlags{{}, {Split: splitPairs}, {Split: splitNothing, Date: true}, {Date: true}}

// nobody is a user whom modes of folders stop, other than root.
const nobody = 65534

func newChaos(t *testing.T, servers int, consumer chaosConsumer) *chaos {
	t.Helper()
	c := &chaos{
		dir: os.Getenv("JETCAPTURE_CHAOS_DIR"), seed: uint64(time.Now().UnixNano() % 1e6), rate: chaosRate, size: consumer.captures, began: time.Now(),
		delivery: jetcapture.ExactlyOnce, retention: chaosRetention, flags: []chaosFlags{{}},
		duck: formattest.DuckDB(t), // at the start, as without it there is nothing to be shown by an hour
	}
	if c.dir == "" {
		c.dir = t.TempDir()
		if err := os.Chmod(filepath.Dir(c.dir), 0o755); err != nil { // for captures of another user
			t.Fatal(err)
		}
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
func (c *chaos) useFolder(t *testing.T) (lake string) {
	t.Helper()
	lake = filepath.Join(c.dir, "lake")
	c.store = "file://" + lake
	if os.Geteuid() == 0 {
		c.uid = nobody
	}
	c.folder(t, lake)
	if len(c.losses) > 0 {
		c.denial = denyFolder(lake)
	}
	return lake
}

// folder makes a folder that captures can write to.
func (c *chaos) folder(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(name, 0o755); err != nil {
		t.Fatal(err)
	}
	if c.uid != 0 {
		if err := os.Chown(name, int(c.uid), int(c.uid)); err != nil {
			t.Fatal(err)
		}
	}
}

// run lets captures work under a stream of messages and disturbs them for as long as asked, and longer if there were not
// enough kills; then in peace until all is archived.
func (c *chaos) run(t *testing.T, lasting time.Duration, kills int) {
	t.Helper()
	if testing.Short() {
		lasting, kills, c.rate = lasting/2, kills/3, c.rate/2
	}
	if asked := os.Getenv("JETCAPTURE_CHAOS"); asked != "" {
		var err error
		if lasting, err = time.ParseDuration(asked); err != nil {
			t.Fatal(err)
		}
		c.retention *= 3 // a machine that is busy with an hour's files has messages waiting for longer
	} else if len(c.losses) > 0 {
		c.rate /= 2 // so that captures have messages before the server loses them
	}
	c.startCrew(t)
	nc := c.servers.connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	var publishing sync.WaitGroup
	publishing.Go(func() {
		if err := c.servers.publish(ctx, nc, c.rate); err != nil {
			t.Error(err)
		}
	})
	if c.delivery == jetcapture.ExactlyOnce {
		c.servers.names = append(c.servers.names, ledgerName)
	}
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
	c.awaitPeace(t, 4*time.Minute+lasting/4)
	t.Logf("%.0f s of chaos, caught up after %.0f s of peace", disturbed.Seconds(), (time.Since(c.began) - disturbed).Seconds())
	c.logFigures(t)
}

func (c *chaos) startCrew(t *testing.T) {
	t.Helper()
	temp, reports := filepath.Join(c.dir, "temp"), filepath.Join(c.dir, "reports")
	c.folder(t, temp)
	c.folder(t, reports)
	c.crew = nil
	for i := range c.size {
		var lives atomic.Uint64
		c.crew = append(c.crew, startChildAs(t, c.uid, filepath.Join(c.dir, fmt.Sprintf("capture-%d.log", i)), func() chaosRole {
			role := &chaosCapture{
				Servers: c.servers.urls(), Store: c.store, Secrets: c.secrets, Faults: 0.25, TempDir: temp, MaxMessages: 200,
				Seed:     c.seed + uint64(i)*1e9 + lives.Add(1), // in another mood in each life
				Delivery: c.delivery, Retention: c.retention, Report: filepath.Join(reports, fmt.Sprintf("%d.json", c.reports.Add(1))),
			}
			role.Flags = c.flags[rand.New(rand.NewPCG(role.Seed, 3)).IntN(len(c.flags))]
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
	const kill, halt, end, killServer, endServer, deny, lose = 0, 1, 2, 3, 4, 5, 6
	deck := []int{halt, halt, halt, end, killServer, endServer}
	if len(c.servers.roles) > 1 {
		deck = append(deck, killServer, killServer, endServer)
	}
	for range c.losses {
		deck = append(deck, lose)
	}
	if c.denial.deny != nil {
		deck = append(deck, deny)
	}
	size := 20
	if os.Getenv("JETCAPTURE_CHAOS") == "" && (testing.Short() || len(c.losses) > 0) {
		size = 12 // some captures are killed around a loss, too
	}
	for len(deck) < size {
		deck = append(deck, kill)
	}
	c.rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	losses := c.rng.Perm(len(c.losses))
	var passing sync.WaitGroup // what ends by itself
	defer passing.Wait()
	var denied error
	for _, card := range deck {
		quiet := time.Duration((0.2 + 0.7*c.rng.ExpFloat64()) * float64(time.Second))
		if err := pause(ctx, quiet); err != nil {
			return err
		}
		child := c.crew[c.rng.IntN(len(c.crew))]
		stream := c.servers.names[c.rng.IntN(len(c.servers.names))] // whose leader
		lasting := chaosAckWait + time.Duration(c.rng.Int64N(int64(3*chaosAckWait)))
		switch card {
		case kill:
			c.kills += count(child.signal(syscall.SIGKILL))
		case halt:
			c.halts++
			passing.Go(func() { child.halt(lasting) })
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
		case deny:
			c.denials++
			flags := c.flags[c.rng.IntN(len(c.flags))]
			parts := chaosParts(flags)
			if err := c.denial.deny(parts[c.rng.IntN(len(parts))]); err != nil {
				return err
			}
			passing.Go(func() {
				err := errors.Join(pause(ctx, lasting), c.denial.allow())
				if err != nil {
					denied = err
				}
			})
		case lose:
			l := c.losses[losses[0]]
			losses = losses[1:]
			l.acksToo = l.stream && c.rng.IntN(2) == 0
			if err := c.lose(ctx, l, &passing); err != nil {
				return err
			}
		}
	}
	passing.Wait()
	return denied
}

// lose lets the server lose its streams' ends. passing is what stops captures for a while.
func (c *chaos) lose(ctx context.Context, l chaosLoss, passing *sync.WaitGroup) error {
	c.lost = append(c.lost, l)
	quiet := func() error {
		passing.Wait()
		for slices.ContainsFunc(c.crew, (*chaosChild).isEnding) {
			if err := pause(ctx, 100*time.Millisecond); err != nil {
				return err
			}
		}
		return pause(ctx, quietTime)
	}
	kills := 2
	if l.ledger {
		c.ledgerLosses++
		if kills = 0; !l.stream && c.ledgerLosses%2 == 1 {
			kills = 2
			passing.Wait()
			for _, child := range c.crew {
				c.kills += count(child.signal(syscall.SIGKILL))
			}
		}
	}
	if l.stream && l.ledger { // what somebody stored whose claim is lost comes again
		if err := quiet(); err != nil {
			return err
		}
	}
	err := c.servers.lose(ctx, c.dir, l, func() error {
		for range kills {
			if err := pause(ctx, time.Duration(c.rng.Int64N(int64(time.Second)))); err != nil {
				return err
			}
			c.kills += count(c.crew[c.rng.IntN(len(c.crew))].signal(syscall.SIGKILL))
		}
		if l.ledger {
			return quiet()
		}
		return pause(ctx, chaosAckWait)
	})
	if err != nil {
		return err
	}
	if l.ledger {
		err = quiet()
	}
	if l.stream {
		c.streamLosses++
	}
	if l.stream && c.streamLosses%2 == 1 { // so that some captures have what was lost, and live until they could store it
		err = errors.Join(err, pause(ctx, chaosAckWait))
		for _, child := range c.crew {
			c.ends += count(child.signal(syscall.SIGTERM))
		}
	}
	return err
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
	t.Logf("%d captures killed, %d stopped for a while, %d ended in order, %d lives ended by an error; %d servers killed, %d ended in order; "+
		"%d times a part of the store could not be written; ends lost: %+v",
		c.kills, c.halts, c.ends, failed, c.serverKills, c.serverEnds, c.denials, c.lost)
	reported := map[string]int{}
	logs, err := filepath.Glob(filepath.Join(c.dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range logs {
		eachLine(t, name, func(line string) {
			for _, part := range []string{
				"the store " + moodFails, "the store " + moodLoses, "the store " + moodWaits, "the store " + moodStalls,
				"another block has some of its messages", "too old for the ledger", "acks are not confirmed", "pulling starts", "block stored", "the process ends",
				"permission denied", "AccessDenied", "lost its end", "used their sequences again", "it was reset",
			} {
				reported[part] += count(strings.Contains(line, part))
			}
			for _, never := range []string{
				"panic", "DATA RACE", "does the store overwrite", "another capture found one under its name", "the ledger is lost", "malformed",
			} {
				if strings.Contains(line, never) {
					if reported[never]++; reported[never] <= 5 {
						t.Errorf("%s: %.2000s", filepath.Base(name), line)
					}
				}
			}
		})
	}
	t.Logf("said so often: %v", reported)
}

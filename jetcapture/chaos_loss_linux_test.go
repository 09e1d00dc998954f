package jetcapture_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// What a server that syncs every two minutes loses in a power cut is its streams' ends: a copy of a stream's folder is taken
// while the server is down, and put back later. The one server of a chaos loses messages, with the consumer's acks or without,
// the ledger's entries, or both.

// A chaosLoss says what the server loses.
type chaosLoss struct {
	stream, ledger bool
	acksToo        bool // of the stream: the consumer goes back with it; otherwise it is ahead of its stream
}

// quietTime is how long no capture ends or stands still before the ledger loses its end, and after. What died within that
// time may have a write on its way whose claim is lost, and nobody who would append it again: more than is promised.
const quietTime = 2 * chaosAckWait

// lose lets the server lose what came in since a copy that is taken now. While the ledger's end may be lost no capture must
// end: busy is what may happen to them before.
func (s *chaosServers) lose(ctx context.Context, dir string, l chaosLoss, busy func() error) (err error) {
	backup := filepath.Join(dir, "backup")
	resume := s.published.hold(ctx)
	err = s.upsetAnd(ctx, syscall.SIGKILL, streamName, func() error { return s.copyStreams(backup) })
	if err != nil {
		resume()
		return err
	}
	info, err := s.stream(ctx, streamName)
	resume()
	if err != nil {
		return fmt.Errorf("look where the copy of %s ends: %w", streamName, err)
	}
	if err := busy(); err != nil {
		return err
	}
	return s.upsetAnd(ctx, syscall.SIGKILL, streamName, func() error {
		if l.stream {
			s.published.lose(info.State.LastSeq)
		}
		return s.putBack(backup, l)
	})
}

func (s *chaosServers) copyStreams(backup string) error {
	return replaceFolder(backup, filepath.Join(s.roles[0].Dir, streamsFolder))
}

func (s *chaosServers) putBack(backup string, l chaosLoss) error {
	streams := filepath.Join(s.roles[0].Dir, streamsFolder)
	const consumers = "obs" // of a stream, in its folder
	if l.ledger {
		if err := replaceFolder(filepath.Join(streams, ledgerName), filepath.Join(backup, ledgerName)); err != nil {
			return err
		}
	}
	if !l.stream {
		return nil
	}
	if !l.acksToo {
		if err := replaceFolder(filepath.Join(backup, streamName, consumers), filepath.Join(streams, streamName, consumers)); err != nil {
			return err
		}
	}
	return replaceFolder(filepath.Join(streams, streamName), filepath.Join(backup, streamName))
}

var streamsFolder = filepath.Join("jetstream", server.DEFAULT_GLOBAL_ACCOUNT, "streams")

// replaceFolder makes a folder a copy of another.
func replaceFolder(folder, by string) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	return os.CopyFS(folder, os.DirFS(by))
}

// A chaosDenial is a folder of the store that cannot be written.
type chaosDenial struct {
	deny  func(part string) error // a name in the root of the store
	allow func() error
}

// denyFolder takes the right to write from the folders below one of the partitions. Captures run under another user than root,
// whom modes do not stop.
func denyFolder(lake string) chaosDenial {
	var mu sync.Mutex
	var denied string
	change := func(mode os.FileMode) error {
		return filepath.WalkDir(denied, func(path string, entry os.DirEntry, err error) error {
			if errors.Is(err, os.ErrNotExist) {
				return nil
			}
			if err == nil && entry.IsDir() {
				err = os.Chmod(path, mode)
			}
			return err
		})
	}
	return chaosDenial{
		deny: func(part string) error {
			mu.Lock()
			defer mu.Unlock()
			denied = filepath.Join(lake, part)
			return change(0o555)
		},
		allow: func() error {
			mu.Lock()
			defer mu.Unlock()
			return change(0o755)
		},
	}
}

// chaosParts are the folders in the root of the store that captures of some flags write to.
func chaosParts(f chaosFlags) (parts []string) {
	switch f.Split {
	case splitPairs:
		for i := range chaosKeys / 2 {
			parts = append(parts, fmt.Sprintf("pair=%d", i))
		}
	case splitNothing:
		parts = []string{"all"}
	default:
		for i := range chaosKeys {
			parts = append(parts, fmt.Sprintf("key=k%d", i))
		}
	}
	return parts
}

// A published knows which messages the server has confirmed, and where the stream ended each time that it lost its end.
type published struct {
	gate sync.RWMutex // held while nothing must be published

	mu       sync.Mutex
	sent     int
	answered int            // confirmed or not
	seqs     map[int]uint64 // of the confirmed messages, by what is in them
	ends     []uint64
}

func newPublished() *published { return &published{seqs: map[int]uint64{}} }

// hold keeps new messages back until resume is called, and waits until the server has answered for all that it will answer for.
func (p *published) hold(ctx context.Context) (resume func()) {
	p.gate.Lock()
	before := -1
	for range 20 {
		p.mu.Lock()
		now, all := p.answered, p.answered >= p.sent
		p.mu.Unlock()
		if all || now == before || pause(ctx, 300*time.Millisecond) != nil {
			break
		}
		before = now
	}
	return p.gate.Unlock
}

// confirm takes note of an answer.
func (p *published) confirm(i int, seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered++
	if seq != 0 {
		p.seqs[i] = seq
	}
}

// lose takes note that the server loses all messages above a sequence.
func (p *published) lose(last uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ends = append(p.ends, last)
}

package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/parallel"
)

// Contents are what a ledger holds.
type Contents struct {
	Name     string // of the ledger's stream
	Stream   string // that is captured, "" if the ledger does not say it
	Consumer string
	Store    string    // the id of the store that the files are in, "" if there is none yet
	Place    string    // where the store was when the ledger got its id
	Latest   time.Time // of any entry, by the server's clock; zero without one
	Owner    string    // the capture that was the last to say that it is at work, "" if it has left since, or never said it
	Remembered
	Newest []StoredFile // the latest first
}

// Remembered counts what a ledger has not forgotten.
type Remembered struct {
	Files    int    // blocks that are stored
	Open     int    // blocks that are claimed, and neither stored nor given up
	Messages uint64 // in both
	First    uint64 // the lowest and the highest of their sequences, 0 without any
	Last     uint64
}

// A StoredFile is a file that the ledger says is there.
type StoredFile struct {
	Place       Place
	First, Last uint64 // sequences of its messages
}

// ReadContents reads a ledger and changes nothing. info is what Inspect or List has returned, newest how many of the latest files
// are looked up, see Ledger.NewestFiles.
func ReadContents(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, info *jetstream.StreamInfo, newest int) (*Contents, error) {
	var c *Contents
	err := reading(ctx, nc, js, info, func(s *Stream) (err error) {
		settings, _ := s.book.Settings()
		c = &Contents{Name: s.name, Store: settings.Store, Place: settings.Place, Latest: s.book.Latest(), Owner: s.book.present().owner, Remembered: s.book.Remembered()}
		c.Stream, c.Consumer = SourceOf(info)
		c.Newest, err = newestFiles(ctx, s, s.book, newest)
		return err
	})
	return c, err
}

// AtWork asks the captures of a ledger whether one is at work, and returns the name of one that has answered in time, "" if none has.
func AtWork(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, info *jetstream.StreamInfo, instance string, inTime time.Duration) (name string, err error) {
	err = reading(ctx, nc, js, info, func(s *Stream) (err error) {
		name, err = New(s.book, s, nil, Options{Instance: instance}).Others(ctx, inTime)
		return err
	})
	return name, err
}

// reading calls a function with a ledger that is read and followed.
func reading(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, info *jetstream.StreamInfo, do func(*Stream) error) error {
	stream, err := js.Stream(ctx, info.Config.Name)
	if err != nil {
		return fmt.Errorf("read the ledger %s: %w", info.Config.Name, err)
	}
	s, err := newStream(nc, js, stream, NewBook(DefaultCacheBytes))
	if err != nil {
		return fmt.Errorf("read the ledger %s: %w", info.Config.Name, err)
	}
	why := make(chan error, 1) // the first that kept it from being read
	s.Retrying = func(err error) {
		select {
		case why <- err:
		default:
		}
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Run(running) // Ready returns its error
	}()
	defer func() {
		stop()
		<-ended
	}()
	if err := s.Ready(ctx); err != nil {
		select {
		case because := <-why:
			return fmt.Errorf("read the ledger %s: %w", s.name, because)
		default:
			return err
		}
	}
	return do(s)
}

// List returns all ledgers of the account and JetStream domain that js is of, by name.
func List(ctx context.Context, js jetstream.JetStream) ([]*jetstream.StreamInfo, error) {
	var ledgers []*jetstream.StreamInfo
	streams := js.ListStreams(ctx)
	for info := range streams.Info() {
		if info.Config.Metadata[metadataToken] != "" {
			ledgers = append(ledgers, info)
		}
	}
	if err := streams.Err(); err != nil {
		return nil, fmt.Errorf("list streams: %w", err)
	}
	slices.SortFunc(ledgers, func(a, b *jetstream.StreamInfo) int { return cmp.Compare(a.Config.Name, b.Config.Name) })
	return ledgers, nil
}

// described is what the description of a ledger's stream says, for ledgers without the metadata.
var described = regexp.MustCompile(`^which messages of stream (\S+) its consumer (\S+) has archived`)

// SourceOf returns the stream and the consumer that a ledger is of, "" if it does not say them.
func SourceOf(info *jetstream.StreamInfo) (stream, consumer string) {
	m := info.Config.Metadata
	if m[metadataStream] != "" {
		return m[metadataStream], m[metadataConsumer]
	}
	if found := described.FindStringSubmatch(info.Config.Description); found != nil {
		return found[1], found[2]
	}
	return "", ""
}

// Remembered counts what the Book has not forgotten.
func (b *Book) Remembered() (r Remembered) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.claims {
		if !b.counts(c) {
			continue
		}
		if c.state == Stored {
			r.Files++
		} else {
			r.Open++
		}
		r.Messages += c.messages
		if r.First == 0 || c.first < r.First {
			r.First = c.first
		}
		r.Last = max(r.Last, c.final)
	}
	return r
}

const (
	rootsMost     = 256 // in how many roots of the store the latest file is looked up
	fetchedAtOnce = 16
)

// NewestFiles returns the latest n files that the ledger says are stored, and the latest of each root of the store, up to 256 roots.
// The latest comes first. With an error it returns those that it has found before.
func (l *Ledger) NewestFiles(ctx context.Context, n int) ([]StoredFile, error) {
	return newestFiles(ctx, l.log, l.book, n)
}

// newestFiles also returns what it has found before an error.
func newestFiles(ctx context.Context, log Log, b *Book, n int) ([]StoredFile, error) {
	claims := b.newest(n)
	files := make([]StoredFile, len(claims))
	err := parallel.Do(len(claims), fetchedAtOnce, func(i int) error {
		c := claims[i]
		e, err := log.Fetch(ctx, c.place)
		if err == nil && e.Block == c.id {
			files[i] = StoredFile{e.Place, c.first, c.final}
		}
		if errors.Is(err, ErrForgotten) {
			return nil
		}
		return err
	})
	return slices.DeleteFunc(files, func(f StoredFile) bool { return f.Last == 0 }), err
}

// A newestClaim is one of those that newest returns.
type newestClaim struct {
	id           string
	place        uint64 // the entry with its place
	first, final uint64
}

// newest returns the latest n claims whose files are there, and the latest of each root.
func (b *Book) newest(n int) (newest []newestClaim) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var stored []*claim
	for _, c := range b.claims {
		if b.counts(c) && c.state == Stored {
			stored = append(stored, c)
		}
	}
	slices.SortFunc(stored, func(a, b *claim) int { return cmp.Compare(b.seqs[0], a.seqs[0]) })
	roots := map[string]bool{}
	for i, c := range stored {
		root := c.folder.Value().Root
		if i < n || !roots[root] && len(roots) < rootsMost {
			newest = append(newest, newestClaim{c.id, c.seqs[0], c.first, c.final})
		}
		roots[root] = true
	}
	return newest
}

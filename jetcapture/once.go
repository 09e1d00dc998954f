package jetcapture

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/ledger"
	"github.com/jetcapture/lake/store"
)

// A Delivery is what a capture promises.
type Delivery string

const (
	// AtLeastOnce stores every message, and after a crash some twice. It needs nothing but the consumer.
	AtLeastOnce Delivery = "at-least-once"

	// ExactlyOnce stores every message in exactly one file, whatever crashes, stalls or is delivered again, with any
	// number of captures on the consumer. It needs a Store that never overwrites, a WriterFactory whose writers make a
	// valid file of no rows, a destination key that encoding/gob keeps (a string, number, or struct of such with exported
	// fields), and makes a stream of its own, the ledger. What it leaves beside the data are a few files without rows,
	// under the names of blocks that a crashed capture had claimed, for about LedgerRetention.
	ExactlyOnce Delivery = "exactly-once"
)

// exactlyOnce is what a capture has for ExactlyOnce.
type exactlyOnce[K DestKey] struct {
	*ledger.Ledger
	tombstones struct{ blocks, letters []byte } // files without rows
}

// lookUp says what the ledger knows of a message, without waiting for it for long.
func (e *exactlyOnce[K]) lookUp(seq uint64) ledger.Verdict {
	if e.New(seq) {
		return ledger.Free
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	return e.Look(ctx, seq)
}

// storeOnce stores a block if none of its messages is in another file. Its outcome has no error if it is stored.
func (c *committer[K]) storeOnce(ctx context.Context, b *block[K]) outcome[K] {
	claim, err := c.once.claimOf(b, c.placeOf(b))
	if err != nil {
		return outcome[K]{block: b, err: err, fatal: store.IsPermanent(err)}
	}
	o, err := c.once.Commit(ctx, claim, func(ctx context.Context) error { return c.storeBlock(ctx, b) })
	switch {
	case errors.Is(err, ledger.ErrStale): // it waited too long for its turn: nothing is wrong with the store
		return outcome[K]{block: b, err: err, again: &b.messageRefs}
	case err != nil:
		return outcome[K]{block: b, err: err, fatal: store.IsPermanent(err) || errors.Is(err, ledger.ErrLost) || errors.Is(err, ledger.ErrUnfit)}
	case o.Stored:
		return outcome[K]{block: b}
	}
	archived, again := messageRefs{}, b.messageRefs
	if o.Duplicates != nil {
		archived, again = b.split(o.Duplicates.Contains)
	}
	if err := c.acks.ack(ctx, archived); err != nil {
		c.log.Warn("messages that are in other files are not acknowledged: they will be delivered again", zap.Error(err))
	}
	return outcome[K]{block: b, err: errFaster, again: &again}
}

var errFaster = errors.New("another block has some of its messages, or its claim was taken for abandoned")

// claimOf describes a block to the ledger.
func (e *exactlyOnce[K]) claimOf(b *block[K], at place[K]) (*ledger.Block, error) {
	destKey, err := encodeDestKey(at.destKey)
	if err != nil {
		return nil, err
	}
	tombstone := e.tombstones.blocks
	if b.deadLetter {
		tombstone = e.tombstones.letters
	}
	if b.bytes == int64(len(tombstone)) {
		if file, err := io.ReadAll(b.content()); err == nil && bytes.Equal(file, tombstone) {
			return nil, store.Permanent(fmt.Errorf("block %s: its file of %d rows is the same as one of none: the writer must write something for each row", b.id, b.rows))
		}
	}
	set := roaring64.New()
	b.seqs(set.Add)
	set.RunOptimize()
	return &ledger.Block{
		ID:        b.id,
		Place:     ledger.Place{DestKey: destKey, Root: at.root, Dir: at.dir, File: at.file},
		Tombstone: tombstone,
		Set:       set,
		Oldest:    b.oldest,
	}, nil
}

// ledgerFiles are the store, as the ledger needs it.
type ledgerFiles[K DestKey] struct {
	store BlockStore[K]
	log   *zap.Logger
}

// CreateTombstone tries as long as ctx allows while the store fails, as storing a block does: the block that waits for it
// would be given up otherwise, and all of its messages delivered again.
func (f ledgerFiles[K]) CreateTombstone(ctx context.Context, at ledger.Place, content []byte) error {
	p, err := f.place(at)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := noPanic("the store", func() error {
			_, _, err := p.write(ctx, f.store, bytes.NewReader(content))
			return err
		})
		if err == nil || ctx.Err() != nil || errors.Is(err, fs.ErrExist) || store.IsPermanent(err) {
			return err
		}
		wait := max(backoff(attempt), min(store.WaitOf(err), retryAfterMax))
		f.log.Warn("settling what another capture claimed failed, will retry", zap.String("file", at.File), zap.Int("attempt", attempt),
			zap.Duration("retry_in", wait), zap.Error(err))
		if !sleep(ctx, wait) {
			return err
		}
	}
}

func (f ledgerFiles[K]) RemoveTombstone(ctx context.Context, at ledger.Place, content []byte) error {
	remover, ok := f.store.(store.Remover[K])
	if !ok {
		return nil
	}
	p, err := f.place(at)
	if err != nil {
		return err
	}
	return noPanic("the store", func() error {
		if p.root {
			return remover.RemoveRoot(ctx, p.dir, p.file, content)
		}
		return remover.Remove(ctx, p.destKey, p.dir, p.file, content)
	})
}

func (f ledgerFiles[K]) place(at ledger.Place) (p place[K], err error) {
	p = place[K]{root: at.Root, dir: at.Dir, file: at.File}
	p.destKey, err = decodeDestKey[K](at.DestKey)
	return p, err
}

// encodeDestKey returns bytes by which any capture knows a destination key again: none for a zero one.
func encodeDestKey[K DestKey](destKey K) ([]byte, error) {
	var zero K
	if destKey == zero {
		return nil, nil
	}
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(&destKey)
	if err == nil {
		var again K
		if again, err = decodeDestKey[K](b.Bytes()); err == nil && again != destKey {
			err = fmt.Errorf("it comes back as %v", again)
		}
	}
	if err != nil {
		return nil, store.Permanent(fmt.Errorf("destination key %v of type %T: exactly-once needs one that encoding/gob keeps, such as a string or a struct of strings and numbers with exported fields: %w", destKey, destKey, err))
	}
	return b.Bytes(), nil
}

func decodeDestKey[K DestKey](b []byte) (destKey K, err error) {
	if len(b) == 0 {
		return destKey, nil
	}
	if err := gob.NewDecoder(bytes.NewReader(b)).Decode(&destKey); err != nil {
		return destKey, fmt.Errorf("decode destination key of type %T: %w", destKey, err)
	}
	return destKey, nil
}

// emptyFile returns the file of a block without rows.
func emptyFile[K DestKey](e encoder, spec blockSpec) (file []byte, err error) {
	b := &block[K]{}
	spec.spoolDir = ""
	if err := b.openEncoder(e, spec); err != nil {
		return nil, err
	}
	defer b.spool.close()
	setMetadata(e, fileMetadata(map[string]string{"tombstone": "true"}))
	if err := b.finishFile(); err != nil {
		return nil, fmt.Errorf("make a file without rows: %w", err)
	}
	return io.ReadAll(b.spool.reader())
}

// instanceName tells this capture from all others, and people where it runs.
func instanceName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "-" + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatUint(rand.Uint64(), 36)
}

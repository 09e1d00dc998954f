package jetcapture_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/store"
)

// A moodyBucket does now and then to files and tombstones what stores do at their worst.
type moodyBucket struct {
	store.Bucket
	faults float64
	log    *zap.Logger

	mu  sync.Mutex
	rng *rand.Rand
}

// The moods.
const (
	moodFails  = "fails before it has written"
	moodLoses  = "loses its answer"
	moodWaits  = "is late"
	moodStalls = "answers late"
)

func newMoodyBucket(b store.Bucket, seed uint64, faults float64, log *zap.Logger) *moodyBucket {
	return &moodyBucket{Bucket: b, faults: faults, log: log, rng: rand.New(rand.NewPCG(seed, 0))}
}

// Unwrap shows to store.Probe what else it may try.
func (s *moodyBucket) Unwrap() store.Bucket { return s.Bucket }

func (s *moodyBucket) Create(ctx context.Context, name string, content io.ReadSeeker, attributes map[string]string) (store.Object, error) {
	if strings.HasPrefix(name, "_jetcapture/") {
		return s.Bucket.Create(ctx, name, content, attributes)
	}
	mood, wait := s.mood()
	if mood != "" {
		s.log.Info("the store "+mood, zap.String("file", name))
	}
	switch mood {
	case moodFails:
		return store.Object{}, errStoreDown
	case moodWaits: // others may have taken the block for abandoned when it is written at last
		if err := pause(ctx, wait); err != nil {
			return store.Object{}, err
		}
	}
	object, err := s.Bucket.Create(ctx, name, content, attributes)
	switch mood {
	case moodLoses:
		return store.Object{}, errors.New("the answer was lost")
	case moodStalls:
		if err := pause(ctx, wait); err != nil {
			return store.Object{}, err
		}
	}
	return object, err
}

func (s *moodyBucket) mood() (mood string, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rng.Float64() >= s.faults {
		return "", 0
	}
	moods := []string{moodFails, moodLoses, moodLoses, moodWaits, moodStalls}
	return moods[s.rng.IntN(len(moods))], time.Duration(s.rng.Int64N(int64(4 * chaosAckWait)))
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

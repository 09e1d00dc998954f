package jetcapture_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/store"
)

// A wholeStore has all that a capture makes use of.
type wholeStore interface {
	store.BlockStore[chaosKey]
	store.RootWriter
	store.Remover[chaosKey]
	Probe(ctx context.Context) error
}

// A moodyStore does now and then to files and tombstones what stores do at their worst.
type moodyStore struct {
	wholeStore
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

func newMoodyStore(s store.BlockStore[chaosKey], seed uint64, faults float64, log *zap.Logger) (*moodyStore, error) {
	whole, ok := s.(wholeStore)
	if !ok {
		return nil, fmt.Errorf("%T can do too little", s)
	}
	return &moodyStore{wholeStore: whole, faults: faults, log: log, rng: rand.New(rand.NewPCG(seed, 0))}, nil
}

func (s *moodyStore) Write(ctx context.Context, block io.Reader, destKey chaosKey, dir, name string) (string, int64, time.Duration, error) {
	mood, wait := s.mood()
	if mood != "" {
		s.log.Info("the store "+mood, zap.String("file", name))
	}
	switch mood {
	case moodFails:
		return "", 0, 0, errStoreDown
	case moodWaits: // others may have taken the block for abandoned when it is written at last
		if err := pause(ctx, wait); err != nil {
			return "", 0, 0, err
		}
	}
	location, n, took, err := s.wholeStore.Write(ctx, block, destKey, dir, name)
	switch mood {
	case moodLoses:
		return "", 0, 0, errors.New("the answer was lost")
	case moodStalls:
		if err := pause(ctx, wait); err != nil {
			return "", 0, 0, err
		}
	}
	return location, n, took, err
}

func (s *moodyStore) mood() (mood string, wait time.Duration) {
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

package ledgerfiles_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"testing"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/ledgerfiles"
	"github.com/jetcapture/lake/jetcapture/internal/retry"
	"github.com/jetcapture/lake/store"
)

// failing is a bucket whose first writes fail.
type failing struct {
	store.Bucket
	errs   []error
	writes int
}

func (f *failing) Create(_ context.Context, name string, content io.ReadSeeker, _ map[string]string) (store.Object, error) {
	f.writes++
	if f.writes <= len(f.errs) {
		return store.Object{}, f.errs[f.writes-1]
	}
	n, err := io.Copy(io.Discard, content)
	return store.Object{Name: name, Size: n}, err
}

// filesIn returns the Files of a bucket.
func filesIn(b store.Bucket) ledgerfiles.Files[string] {
	locator, _ := store.Blocks[string](b, nil).(store.Locator[string])
	return ledgerfiles.Files[string]{Locator: locator, Pause: retry.Sleep, Log: zap.NewNop(), Often: zap.NewNop()}
}

func TestTombstonesAreTriedAgainUntilTheStoreSaysWhatIsThere(t *testing.T) {
	down := errors.New("503 slow down")
	denied := store.Permanent(errors.New("403 denied"))
	for name, c := range map[string]struct {
		errs   []error
		want   error
		writes int
	}{
		"the store is down for a moment": {[]error{down, down}, nil, 3},
		"another file is there":          {[]error{down, fs.ErrExist}, fs.ErrExist, 2},
		"it will never do":               {[]error{denied}, denied, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := &failing{errs: c.errs}
			err := filesIn(s).CreateTombstone(t.Context(), ledger.Place{Name: "a.parquet"}, []byte("empty"))
			if !errors.Is(err, c.want) || s.writes != c.writes {
				t.Errorf("CreateTombstone = %v after %d writes, want %v after %d", err, s.writes, c.want, c.writes)
			}
		})
	}
	t.Run("nobody waits any more", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s := &failing{errs: []error{down, down}}
		if err := filesIn(s).CreateTombstone(ctx, ledger.Place{Name: "a.parquet"}, nil); !errors.Is(err, down) || s.writes != 1 {
			t.Errorf("CreateTombstone = %v after %d writes", err, s.writes)
		}
	})
}

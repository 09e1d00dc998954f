package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// agreed is the fold of the ledger's settings: those in force, and the retentions before them as long as these count, too.
type agreed struct {
	Settings
	last     uint64        // entry in the log, 0 without one
	shortest time.Duration // of the retentions that count beside the one in force; 0 if there are none
	longest  time.Duration
	changed  time.Time // when the last change was read, by the local clock
}

func (a *agreed) apply(seq uint64, s Settings) {
	if a.last > 0 && s.Retention != a.Retention {
		a.shortest = min(cmp.Or(a.shortest, a.Retention), a.Retention, s.Retention)
		a.longest = max(a.longest, a.Retention, s.Retention)
		a.changed = time.Time{}
	}
	a.Settings, a.last = s, seq
}

// retentions returns the shortest and the longest that anybody may go by. After a change both count for a while: others may have
// forgotten entries by the shorter one, so no block may be older than that allows; and others may still claim blocks by the longer
// one, so nothing is forgotten earlier.
func (a *agreed) retentions(now time.Time) (shortest, longest time.Duration) {
	if a.longest == 0 {
		return a.Retention, a.Retention
	}
	if a.changed.IsZero() {
		a.changed = now
	}
	if now.Sub(a.changed) > a.longest {
		a.shortest, a.longest = 0, 0
		return a.Retention, a.Retention
	}
	return a.shortest, a.longest
}

// Settings returns the settings that hold for all captures, and their entry in the log, 0 if there is none.
func (b *Book) Settings() (Settings, uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.settings.Settings, b.settings.last
}

func (b *Book) retentions(now time.Time) (shortest, longest time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.settings.retentions(now)
}

// ErrOtherStore is returned by Agree if this capture's store is not the one that the claimed files are in.
var ErrOtherStore = errors.New("the ledger is about the files of another store")

// lastAgreed are the settings that were last read, for the time in which the Book is read again.
type lastAgreed struct {
	mu       sync.Mutex
	settings Settings
}

func (l *lastAgreed) get() Settings {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.settings
}

func (l *lastAgreed) set(s Settings) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settings = s
}

// InStore says which store the files go to: its id, as store.Identify returns it, and where it is, for people. It is called before
// Agree.
func (l *Ledger) InStore(id, place string) { l.o.Store, l.o.Place = id, place }

// Retentions returns by which retention a block is too old, and for how long entries are kept: the same, unless it was changed
// lately.
func (l *Ledger) Retentions() (shortest, longest time.Duration) {
	shortest, longest = l.book.retentions(l.o.Clock.Now())
	unread := cmp.Or(l.last.get().Retention, l.o.Retention)
	return cmp.Or(shortest, unread), cmp.Or(longest, unread)
}

// Agree appends the settings that this capture needs, if the ledger has others, and returns those that hold for all captures. It
// is called when the Book has been read, and before messages are asked for. The error wraps ErrOtherStore if the ledger is about
// another store.
func (l *Ledger) Agree(ctx context.Context) (Settings, error) {
	for {
		generation := l.book.Generation()
		there, last := l.book.Settings()
		want, err := l.want(there, last > 0)
		if err != nil {
			return there, err
		}
		if last > 0 && want == there {
			l.last.set(there)
			return there, nil
		}
		e := &Entry{State: settingsEntry, Instance: l.o.Instance, Settings: &want}
		changed := func() bool { _, now := l.book.Settings(); return now > last }
		seq, err := l.append(ctx, e, last, generation, changed, func() (uint64, bool) { return 0, false })
		if err == nil {
			err = l.awaitEntry(ctx, generation, seq, func() bool { _, now := l.book.Settings(); return now >= seq })
		}
		if err != nil && !errors.Is(err, ErrChanged) && !errors.Is(err, errRewound) {
			return there, fmt.Errorf("agree on the ledger's settings: %w", err)
		}
	}
}

// want returns the settings as this capture needs them. A retention that is a default yields to what is there, if that is
// enough.
func (l *Ledger) want(there Settings, ok bool) (Settings, error) {
	want := there
	if !ok {
		want = l.last.get()
	}
	switch {
	case want.Store == "":
		want.Store, want.Place = l.o.Store, l.o.Place
	case l.o.Store != "" && l.o.Store != want.Store:
		return want, l.OtherStore(want, fmt.Sprintf("this capture's is %s (id %s)", l.o.Place, l.o.Store))
	}
	least := max(l.o.LeastRetention, 1)
	switch {
	case l.o.Asked && !l.settled():
		want.Retention = max(l.o.Retention, least)
	case !l.o.Asked && !l.settled():
		want.Retention = max(want.Retention, l.o.Retention)
	default:
		want.Retention = max(want.Retention, least)
	}
	return want, nil
}

// OtherStore is the error for a capture whose store is not the one that the ledger is about. here says what the capture has found.
func (l *Ledger) OtherStore(there Settings, here string) error {
	r := l.book.Remembered()
	return fmt.Errorf("%w: it remembers %d messages in %d files of %s (id %s), and %s: they would be acknowledged as archived and be in no file here. "+
		"Continue with the former store, or put its files back, with _jetcapture/store.json. Or start over: stop all captures of the consumer, and let the ledger forget",
		ErrOtherStore, r.Messages, r.Files, there.Place, there.Store, here)
}

// settled reports whether this capture has agreed before: what it was asked for is in the ledger's history then, and others may
// have changed it since.
func (l *Ledger) settled() bool { return l.last.get().Retention > 0 }

package ledger

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// segmentCache keeps the segments of the claims used last, within a limit of bytes. They are kept encoded, as the many small
// sets of claims with few messages are mostly pointers, which the garbage collector would follow again and again.
type segmentCache struct {
	limit int64
	size  int64
	sets  map[string]*cachedSegments
	uses  uint64

	// what was got last, since messages that come again come in order
	lastID string
	last   Segments
}

type cachedSegments struct {
	encoded []byte
	used    uint64
}

// size is what they take, with what is around them.
func (c *cachedSegments) size() int64 { return int64(cap(c.encoded)) + 128 }

// get returns segments that must not be changed, nil if they are not there.
func (s *segmentCache) get(id string) Segments {
	c := s.sets[id]
	if c == nil {
		return nil
	}
	s.uses++
	c.used = s.uses
	if s.lastID != id {
		segments, err := readSegments(c.encoded, viewSet)
		if err != nil {
			return nil // to be read from the log
		}
		s.lastID, s.last = id, segments
	}
	return s.last
}

// viewSet reads a bitmap of our own, and leaves its content where it is.
func viewSet(b []byte) (*roaring64.Bitmap, error) {
	set := roaring64.New()
	_, err := set.FromUnsafeBytes(b)
	return set, err
}

func (s *segmentCache) put(id string, segments Segments) {
	s.drop(id)
	encoded, err := segments.encode(nil)
	c := &cachedSegments{encoded: bytes.Clone(encoded)}
	if err != nil || c.size() > s.limit/2 {
		return
	}
	s.uses++
	c.used = s.uses
	s.sets[id] = c
	s.size += c.size()
	if s.size > s.limit {
		s.evict()
	}
}

// evict drops the half that was used longest ago, at once, so that a put costs little on average.
func (s *segmentCache) evict() {
	oldest := slices.SortedFunc(maps.Keys(s.sets), func(a, b string) int { return cmp.Compare(s.sets[a].used, s.sets[b].used) })
	for i, id := range oldest {
		if i >= len(oldest)/2 && s.size <= s.limit {
			break
		}
		s.drop(id)
	}
}

func (s *segmentCache) drop(id string) {
	if c := s.sets[id]; c != nil {
		s.size -= c.size()
		delete(s.sets, id)
	}
	if s.lastID == id {
		s.lastID, s.last = "", nil
	}
}

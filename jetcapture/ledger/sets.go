package ledger

import (
	"bytes"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// setCache keeps the sets of the claims used last, within a limit of bytes. They are kept encoded, as the many small sets of
// claims with few messages are mostly pointers, which the garbage collector would follow again and again.
type setCache struct {
	limit int64
	size  int64
	sets  map[string]*cachedSet
	uses  uint64

	// the set got last, since messages that come again come in order
	lastID string
	last   *roaring64.Bitmap
}

type cachedSet struct {
	encoded []byte
	used    uint64
}

// size is what the set takes, with what is around it.
func (c *cachedSet) size() int64 { return int64(cap(c.encoded)) + 128 }

// get returns a set that must not be changed, nil if it is not there.
func (s *setCache) get(id string) *roaring64.Bitmap {
	c := s.sets[id]
	if c == nil {
		return nil
	}
	s.uses++
	c.used = s.uses
	if s.lastID != id {
		set := roaring64.New()
		if _, err := set.FromUnsafeBytes(c.encoded); err != nil {
			return nil // to be read from the log
		}
		s.lastID, s.last = id, set
	}
	return s.last
}

func (s *setCache) put(id string, set *roaring64.Bitmap) {
	s.drop(id)
	encoded, err := set.ToBytes()
	c := &cachedSet{encoded: bytes.Clone(encoded)}
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
func (s *setCache) evict() {
	half := s.uses - uint64(len(s.sets)/2)
	for id, c := range s.sets {
		if c.used <= half {
			s.drop(id)
		}
	}
	for id := range s.sets {
		if s.size <= s.limit {
			break
		}
		s.drop(id)
	}
}

func (s *setCache) drop(id string) {
	if c := s.sets[id]; c != nil {
		s.size -= c.size()
		delete(s.sets, id)
	}
	if s.lastID == id {
		s.lastID, s.last = "", nil
	}
}

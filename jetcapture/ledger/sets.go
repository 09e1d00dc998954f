package ledger

import "github.com/RoaringBitmap/roaring/v2/roaring64"

// setCache keeps the sets of the claims used last, within a limit of bytes.
type setCache struct {
	limit int64
	size  int64
	sets  map[string]*cachedSet
	uses  uint64
}

type cachedSet struct {
	set  *roaring64.Bitmap // never changed
	size int64
	used uint64
}

func (s *setCache) get(id string) *roaring64.Bitmap {
	c := s.sets[id]
	if c == nil {
		return nil
	}
	s.uses++
	c.used = s.uses
	return c.set
}

func (s *setCache) put(id string, set *roaring64.Bitmap) {
	s.drop(id)
	size := int64(set.GetSizeInBytes()) + 128
	if size > s.limit/2 {
		return
	}
	s.uses++
	s.sets[id] = &cachedSet{set, size, s.uses}
	s.size += size
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
		s.size -= c.size
		delete(s.sets, id)
	}
}

package ledger

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

func claimEntry(id string, seqs ...uint64) *Entry {
	return &Entry{
		Block: id, State: Claimed, Instance: "host-1", Created: time.Unix(1, 2), Part: 1, Parts: 1,
		Place:     Place{DestKey: []byte("key\x00\xff"), Root: true, Dir: "_dead letter/ä", File: "f.parquet"},
		Tombstone: []byte(strings.Repeat("PAR1", 500)), Set: roaring64.BitmapOf(seqs...),
	}
}

func TestEntriesSurviveTheLog(t *testing.T) {
	for _, e := range []*Entry{
		claimEntry("a", 1, 2, 3, 1<<40, 1<<63), claimEntry("b"),
		{Block: "c", State: Stored, Instance: "i", Created: time.Unix(3, 0)},
		{Block: "d", State: Aborted, Instance: "i", Created: time.Unix(3, 0)},
		{Block: "e", State: Claimed, Part: 2, Parts: 3, Created: time.Unix(3, 0), Set: roaring64.BitmapOf(7)},
	} {
		msg, err := e.encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(e.Block, msg.Header, msg.Data)
		if err != nil {
			t.Fatalf("%s: %v", e.Block, err)
		}
		if e.Set != nil && !e.Set.Equals(got.Set) {
			t.Errorf("%s: sequences come back as %v", e.Block, got.Set)
		}
		want := *e
		want.Set, got.Set = nil, nil
		if !reflect.DeepEqual(&want, got) {
			t.Errorf("%+v comes back as %+v", &want, got)
		}
		for name, values := range msg.Header {
			if strings.ContainsAny(values[0], "\r\n") {
				t.Errorf("%s: header %s breaks the line", e.Block, name)
			}
		}
		for cut := range msg.Data { // nothing that is cut off passes for a claim
			if _, err := decode(e.Block, msg.Header, msg.Data[:cut]); err == nil && cut < len(msg.Data)-8 {
				t.Fatalf("%s: the first %d bytes of %d are taken", e.Block, cut, len(msg.Data))
			}
		}
	}
}

func TestClaimsAreSplitToFit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, limit := range []int{8_000, 64_000, 1 << 20} {
		e := claimEntry("a")
		seq := uint64(1 << 33)
		for range 100_000 {
			seq += 1 + rng.Uint64N(3000)
			e.Set.Add(seq)
		}
		parts := split(e, limit)
		union := roaring64.New()
		for i, part := range parts {
			msg, err := part.encode()
			if err != nil {
				t.Fatal(err)
			}
			if msg.Size() > limit {
				t.Errorf("part %d of %d has %d bytes of %d", i+1, len(parts), msg.Size(), limit)
			}
			if part.Part != i+1 || part.Parts != len(parts) || (i == 0) != (part.Place.File != "") || (i == 0) != (part.Tombstone != nil) {
				t.Errorf("part %d of %d is %d of %d, %q", i+1, len(parts), part.Part, part.Parts, part.Place.File)
			}
			union.Or(part.Set)
		}
		if !union.Equals(e.Set) {
			t.Error("the parts are not the whole")
		}
		if limit < 64_000 && len(parts) < 10 {
			t.Errorf("limit %d makes %d parts", limit, len(parts))
		}
	}
}

func FuzzDecode(f *testing.F) {
	msg, err := claimEntry("a", 1, 5, 9).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(msg.Data)
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := decode("a", msg.Header, body)
		if err != nil {
			return
		}
		again, err := e.encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := decode("a", again.Header, again.Data); err != nil || !back.Set.Equals(e.Set) || !bytes.Equal(back.Tombstone, e.Tombstone) {
			t.Fatalf("%+v comes back as %+v, %v", e, back, err)
		}
	})
}

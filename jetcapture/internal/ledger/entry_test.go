package ledger

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/nats-io/nats.go"
)

func claimEntry(id string, seqs ...uint64) *Entry {
	return &Entry{
		Block: id, State: Claimed, Instance: "host-1", Part: 1, Parts: 1, Lineage: "f1@7",
		Place:     Place{Root: "key\x00\xff", Name: "_dead letter/ä/f.parquet"},
		Tombstone: []byte(strings.Repeat("PAR1", 500)), Segments: segmentsOf(seqs...),
	}
}

func TestEntriesSurviveTheLog(t *testing.T) {
	recovered := claimEntry("f", 5)
	recovered.Again = true
	for _, e := range []*Entry{
		claimEntry("a", 1, 2, 3, 1<<40, 1<<63), claimEntry("b"), recovered,
		{Block: "c", State: Stored, Instance: "i"},
		{Block: "d", State: Aborted, Instance: "i"},
		{Block: "d", State: Revoked, Instance: "i"},
		{Block: "e", State: Claimed, Part: 2, Parts: 3, Segments: segmentsOf(7)},
		{State: settingsEntry, Settings: &Settings{Retention: time.Hour, Store: "s", Place: "/lake"}},
		{State: lineageEntry, Fork: &Fork{Lineage: "f1@3", Seq: 3, Old: 4, New: 5}},
	} {
		msg, err := e.encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(e.Subject(), msg.Header, msg.Data)
		if err != nil {
			t.Fatalf("%s: %v", e.Block, err)
		}
		if !e.Segments.Set().Equals(got.Segments.Set()) {
			t.Errorf("%s: sequences come back as %v", e.Block, got.Segments.Set())
		}
		want := *e
		want.Segments, got.Segments = nil, nil
		if !reflect.DeepEqual(&want, got) {
			t.Errorf("%+v comes back as %+v", &want, got)
		}
		for name, values := range msg.Header {
			if strings.ContainsAny(values[0], "\r\n") {
				t.Errorf("%s: header %s breaks the line", e.Block, name)
			}
		}
		if e.State != Claimed {
			continue
		}
		for cut := range msg.Data { // nothing that is cut off passes for a claim
			if _, err := decode(e.Subject(), msg.Header, msg.Data[:cut]); !errors.Is(err, errMalformed) {
				t.Fatalf("%s: the first %d bytes of %d are taken: %v", e.Block, cut, len(msg.Data), err)
			}
		}
	}
}

func TestEntriesOfLaterVersionsEndACaptureOnlyIfTheyMustBeUnderstood(t *testing.T) {
	msg, err := claimEntry("a", 1).encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(h nats.Header)
		want   error
	}{
		{"an unknown state that must be understood", func(h nats.Header) { h.Set(headerState, "compacted") }, ErrNewer},
		{"a claim of a later version", func(h nats.Header) { h.Set(headerVersion, "3") }, ErrNewer},
		{"a hint", func(h nats.Header) { h.Set(headerState, "seen"); h.Del(headerMust) }, errHint},
		{"a hint of a later version", func(h nats.Header) { h.Set(headerVersion, "3"); h.Del(headerMust) }, errHint},
		{"no version", func(h nats.Header) { h.Del(headerVersion) }, errMalformed},
		{"an earlier version", func(h nats.Header) { h.Set(headerVersion, "1") }, errMalformed},
	} {
		header := nats.Header{}
		for k, v := range msg.Header {
			header[k] = v
		}
		c.change(header)
		if _, err := decode("b.a", header, msg.Data); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := decode("b.other.a", msg.Header, msg.Data); err != nil {
		t.Errorf("a block id with a dot: %v", err)
	}
	if _, err := decode("s.settings", msg.Header, msg.Data); !errors.Is(err, errMalformed) {
		t.Errorf("a claim under another subject: %v", err)
	}
}

// Found by fuzzing: 93 bytes that said they had 2×10^11 containers made the library allocate 768 GiB.
func TestWhatAnEntrySaysOfItsSizeIsNotBelieved(t *testing.T) {
	msg, err := claimEntry("a", 1, 5, 9).encode()
	if err != nil {
		t.Fatal(err)
	}
	set, err := segmentsOf(1, 5, 9)[0].set.ToBytes()
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(msg.Data, set)
	if at < 0 {
		t.Fatal("the set is not found")
	}
	for i := range 8 {
		body := bytes.Clone(msg.Data)
		body[at+i] = 0xff
		if _, err := decode("b.a", msg.Header, body); !errors.Is(err, errMalformed) {
			t.Errorf("byte %d: %v", i, err)
		}
	}
}

func TestClaimsAreSplitToFit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, limit := range []int{8_000, 64_000, 1 << 20} {
		var seqs []uint64
		seq := uint64(1 << 33)
		for range 100_000 {
			seq += 1 + rng.Uint64N(3000)
			seqs = append(seqs, seq)
		}
		e := claimEntry("a")
		e.Segments = NewSegments(func(yield func(Message, bool) bool) {
			for _, seq := range seqs {
				if !yield(Message{seq, int64(seq)}, false) {
					return
				}
			}
		})
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
			if part.Part != i+1 || part.Parts != len(parts) || (i == 0) != (part.Place.Name != "") || (i == 0) != (part.Tombstone != nil) {
				t.Errorf("part %d of %d is %d of %d, %q", i+1, len(parts), part.Part, part.Parts, part.Place.Name)
			}
			union.Or(part.Segments.Set())
		}
		if !union.Equals(e.Segments.Set()) {
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
		e, err := decode("b.a", msg.Header, body)
		if err != nil {
			return
		}
		recovered, err := e.encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := decode("b.a", recovered.Header, recovered.Data); err != nil || !back.Segments.Set().Equals(e.Segments.Set()) || !bytes.Equal(back.Tombstone, e.Tombstone) {
			t.Fatalf("%+v comes back as %+v, %v", e, back, err)
		}
	})
}

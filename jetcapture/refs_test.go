package jetcapture

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestRepliesAreOfEachMessageInOrder(t *testing.T) {
	for _, n := range []int{0, 1, repliesAtOnce, 2*repliesAtOnce + 1} {
		m := messageRefs{route: ackRoute{prefix: "$JS.ACK.S.C.", tail: "@x"}, others: []string{"a", "b"}}
		var want []string
		for i := range uint64(n) {
			m.refs.append(ackRef{streamSeq: i + 1, consumerSeq: 9 * i, numDelivered: 2})
			want = append(want, fmt.Sprintf("$JS.ACK.S.C.2.%d.%d.0.0@x", i+1, 9*i))
		}
		if got := slices.Collect(m.replies()); !slices.Equal(got, append(want, "a", "b")) {
			t.Errorf("%d messages: %.200q", n, got)
		}
		for range m.replies() {
			break
		}
	}
}

func TestRepliesTakeFewAllocations(t *testing.T) {
	m := messageRefs{route: ackRoute{prefix: "$JS.ACK.S.C."}}
	for i := range uint64(10 * repliesAtOnce) {
		m.refs.append(ackRef{streamSeq: i, consumerSeq: i, numDelivered: 1})
	}
	n := testing.AllocsPerRun(10, func() {
		for range m.replies() {
		}
	})
	if n > 40 {
		t.Errorf("%v allocations for %d messages", n, m.count())
	}
}

func TestRefsAreWhatWasAppended(t *testing.T) {
	extremes := []uint64{0, 1, 2, 1 << 32, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64}
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		number := func() uint64 {
			if r.IntN(2) == 0 {
				return r.Uint64N(1000)
			}
			return extremes[r.IntN(len(extremes))]
		}
		var refs ackRefs
		var want []ackRef
		for range r.IntN(100) {
			ref := ackRef{streamSeq: number(), consumerSeq: number(), numDelivered: number()}
			refs.append(ref)
			want = append(want, ref)
		}
		if got := slices.Collect(refs.all()); !slices.Equal(got, want) || refs.n != len(want) {
			t.Fatalf("seed %d: %d refs are %v, want %v", seed, refs.n, got, want)
		}
	}
}

func TestRefsTakeLittle(t *testing.T) {
	var refs ackRefs
	for i := range uint64(1000) { // of one key of ten thousand, with some messages that were delivered again
		refs.append(ackRef{streamSeq: 1e9 + 10_000*i, consumerSeq: 1e9 + 10_000*i + i/100, numDelivered: 1})
	}
	if held := refs.memory(); held > 8_000 {
		t.Errorf("1000 refs are %d bytes", held)
	}
}

func TestSplitPartsAllMessages(t *testing.T) {
	d := func(seq uint64, prefix string) *delivery {
		return &delivery{route: ackRoute{prefix: prefix}, streamSeq: seq, consumerSeq: 2 * seq, numDelivered: 1}
	}
	var m messageRefs
	for seq := range uint64(10) {
		m.add(d(seq+1, "$JS.ACK.S.C."), "")
	}
	for seq := uint64(11); seq <= 14; seq++ {
		m.add(d(seq, "$JS.ACK.hub.S.C."), fmt.Sprintf("$JS.ACK.hub.acc.S.C.1.%d.%d.5.6", seq, seq))
	}
	even := func(seq uint64) bool { return seq%2 == 0 }
	in, out := m.split(even)
	seqs := func(m *messageRefs) (all []uint64) {
		m.seqs(func(seq uint64) { all = append(all, seq) })
		return all
	}
	if got := seqs(&in); !slices.Equal(got, []uint64{2, 4, 6, 8, 10, 12, 14}) || in.count() != len(got) {
		t.Errorf("in the set are %v", got)
	}
	if got := seqs(&out); !slices.Equal(got, []uint64{1, 3, 5, 7, 9, 11, 13}) || out.count() != len(got) {
		t.Errorf("not in the set are %v", got)
	}
	if in.route != m.route || out.route != m.route {
		t.Errorf("the routes are %v and %v", in.route, out.route)
	}
}

package acks

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

func TestRepliesAreOfEachMessageInOrder(t *testing.T) {
	for _, n := range []int{0, 1, repliesAtOnce, 2*repliesAtOnce + 1} {
		var m Refs
		var want []string
		for i := range uint64(n) {
			route := Route{Prefix: "$JS.ACK.S.C.", Tail: "@x"}
			if i%1000/100 == 3 {
				route = Route{Prefix: "$JS.ACK.hub.acc.S.C."}
			}
			m.Append(route, i/200, Ref{StreamSeq: i + 1, ConsumerSeq: 9 * i, NumDelivered: 2, Timestamp: int64(i)})
			want = append(want, fmt.Sprintf("%s2.%d.%d.0.0%s", route.Prefix, i+1, 9*i, route.Tail))
		}
		if got := slices.Collect(m.Replies()); !slices.Equal(got, want) {
			t.Errorf("%d messages: %.200q", n, got)
		}
		for range m.Replies() {
			break
		}
	}
}

func TestRepliesTakeFewAllocations(t *testing.T) {
	m := busyStream(10 * repliesAtOnce)
	n := testing.AllocsPerRun(10, func() {
		for range m.Replies() {
		}
	})
	if n > 40 {
		t.Errorf("%v allocations for %d messages", n, m.Count())
	}
}

// busyStream returns messages of a stream that takes a hundred thousand a second.
func busyStream(n int) (m Refs) {
	for i := range uint64(n) {
		m.Append(Route{Prefix: "$JS.ACK.S.C."}, 1, Ref{
			StreamSeq: 1e9 + i, ConsumerSeq: 1e9 + i, NumDelivered: 1, Timestamp: 1_763_899_200_000_000_000 + int64(i*10_000+i*i%977),
		})
	}
	return m
}

func TestMessagesKeepTheirTimesAndEpochs(t *testing.T) {
	var m Refs
	type seen struct {
		ledger.Message
		cut bool
	}
	var want []seen
	for i, epoch := range []uint64{3, 3, 4, 4, 4, 7} {
		d := &Delivery{StreamSeq: uint64(10 - i), ConsumerSeq: uint64(i), Timestamp: int64(100 + i%3), Epoch: epoch}
		if i == 4 {
			d.Route.Tail = "@elsewhere" // which is no epoch
		}
		m.Add(d)
		want = append(want, seen{d.Message(), i == 0 || i == 2 || i == 5})
	}
	var got []seen
	for message, cut := range m.Messages() {
		got = append(got, seen{message, cut})
	}
	if !slices.Equal(got, want) {
		t.Errorf("messages are\n%v, want\n%v", got, want)
	}
	for range m.Messages() {
		break
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
		var refs refList
		var want []Ref
		for range r.IntN(100) {
			ref := Ref{StreamSeq: number(), ConsumerSeq: number(), NumDelivered: number(), Timestamp: int64(number())}
			refs.append(ref)
			want = append(want, ref)
		}
		if got := slices.Collect(refs.all()); !slices.Equal(got, want) || refs.n != len(want) {
			t.Fatalf("seed %d: %d refs are %v, want %v", seed, refs.n, got, want)
		}
	}
}

func TestRefsTakeLittle(t *testing.T) {
	m := busyStream(1000)
	if size := len(m.refs.encoded); size > 6_100 {
		t.Errorf("1000 refs of a busy stream are %d bytes", size)
	}
	var refs refList
	for i := range uint64(1000) { // of one key of ten thousand, with some messages that were delivered again
		refs.append(Ref{StreamSeq: 1e9 + 10_000*i, ConsumerSeq: 1e9 + 10_000*i + i/100, NumDelivered: 1, Timestamp: int64(1e18 + 1e8*i)})
	}
	if held := refs.memory(); held > 12_000 {
		t.Errorf("1000 refs are %d bytes", held)
	}
}

func TestSplitPartsAllMessages(t *testing.T) {
	d := func(seq uint64, prefix string) *Delivery {
		return &Delivery{Route: Route{Prefix: prefix}, StreamSeq: seq, ConsumerSeq: 2 * seq, NumDelivered: 1, Timestamp: int64(seq), Epoch: seq / 6}
	}
	var m Refs
	for seq := range uint64(10) {
		m.Add(d(seq+1, "$JS.ACK.S.C."))
	}
	for seq := uint64(11); seq <= 14; seq++ {
		m.Add(d(seq, "$JS.ACK.hub.acc.S.C."))
	}
	in, out := m.Split(func(seq uint64) bool { return seq%2 == 0 })
	for name, c := range map[string]struct {
		part *Refs
		seqs []uint64
	}{"in": {&in, []uint64{2, 4, 6, 8, 10, 12, 14}}, "out": {&out, []uint64{1, 3, 5, 7, 9, 11, 13}}} {
		var want Refs
		for _, seq := range c.seqs {
			prefix := "$JS.ACK.S.C."
			if seq > 10 {
				prefix = "$JS.ACK.hub.acc.S.C."
			}
			want.Add(d(seq, prefix))
		}
		if got := slices.Collect(c.part.Replies()); !slices.Equal(got, slices.Collect(want.Replies())) || c.part.Count() != len(got) {
			t.Errorf("%s the set are %q", name, got)
		}
		var messages []ledger.Message
		for message, cut := range c.part.Messages() {
			if want := len(messages) == 0 || message.Seq/6 != messages[len(messages)-1].Seq/6; cut != want {
				t.Errorf("%s the set, %v begins an epoch: %v", name, message, cut)
			}
			messages = append(messages, message)
		}
		if len(messages) != len(c.seqs) {
			t.Errorf("%s the set are %v", name, messages)
		}
	}
}

func BenchmarkRefs(b *testing.B) {
	b.Run("add", func(b *testing.B) {
		b.ReportAllocs()
		var m Refs
		d := Delivery{Route: Route{Prefix: "$JS.ACK.S.C."}, NumDelivered: 1}
		for b.Loop() {
			d.StreamSeq++
			d.ConsumerSeq++
			d.Timestamp += 10_000
			if m.Add(&d); m.Count() == 100_000 {
				m.runs, m.refs = m.runs[:0], refList{encoded: m.refs.encoded[:0]}
			}
		}
	})
	b.Run("replies", func(b *testing.B) {
		m := busyStream(10_000)
		b.ReportAllocs()
		for b.Loop() {
			for range m.Replies() {
			}
		}
	})
}

package jetcapture

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

func TestRepliesAreOfEachMessageInOrder(t *testing.T) {
	for _, n := range []int{0, 1, repliesAtOnce, 2*repliesAtOnce + 1} {
		var m messageRefs
		var want []string
		for i := range uint64(n) {
			route := ackRoute{prefix: "$JS.ACK.S.C.", tail: "@x"}
			if i%1000/100 == 3 {
				route = ackRoute{prefix: "$JS.ACK.hub.acc.S.C."}
			}
			m.append(route, i/200, ackRef{streamSeq: i + 1, consumerSeq: 9 * i, numDelivered: 2, timestamp: int64(i)})
			want = append(want, fmt.Sprintf("%s2.%d.%d.0.0%s", route.prefix, i+1, 9*i, route.tail))
		}
		if got := slices.Collect(m.replies()); !slices.Equal(got, want) {
			t.Errorf("%d messages: %.200q", n, got)
		}
		for range m.replies() {
			break
		}
	}
}

func TestRepliesTakeFewAllocations(t *testing.T) {
	m := busyStream(10 * repliesAtOnce)
	n := testing.AllocsPerRun(10, func() {
		for range m.replies() {
		}
	})
	if n > 40 {
		t.Errorf("%v allocations for %d messages", n, m.count())
	}
}

// busyStream returns messages of a stream that takes a hundred thousand a second.
func busyStream(n int) (m messageRefs) {
	for i := range uint64(n) {
		m.append(ackRoute{prefix: "$JS.ACK.S.C."}, 1, ackRef{
			streamSeq: 1e9 + i, consumerSeq: 1e9 + i, numDelivered: 1, timestamp: 1_763_899_200_000_000_000 + int64(i*10_000+i*i%977),
		})
	}
	return m
}

func TestMessagesKeepTheirTimesAndEpochs(t *testing.T) {
	var m messageRefs
	type seen struct {
		ledger.Message
		cut bool
	}
	var want []seen
	for i, epoch := range []uint64{3, 3, 4, 4, 4, 7} {
		d := &delivery{streamSeq: uint64(10 - i), consumerSeq: uint64(i), timestamp: int64(100 + i%3), epoch: epoch}
		if i == 4 {
			d.route.tail = "@elsewhere" // which is no epoch
		}
		m.add(d)
		want = append(want, seen{d.message(), i == 0 || i == 2 || i == 5})
	}
	var got []seen
	for message, cut := range m.messages() {
		got = append(got, seen{message, cut})
	}
	if !slices.Equal(got, want) {
		t.Errorf("messages are\n%v, want\n%v", got, want)
	}
	for range m.messages() {
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
		var refs ackRefs
		var want []ackRef
		for range r.IntN(100) {
			ref := ackRef{streamSeq: number(), consumerSeq: number(), numDelivered: number(), timestamp: int64(number())}
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
	var refs ackRefs
	for i := range uint64(1000) { // of one key of ten thousand, with some messages that were delivered again
		refs.append(ackRef{streamSeq: 1e9 + 10_000*i, consumerSeq: 1e9 + 10_000*i + i/100, numDelivered: 1, timestamp: int64(1e18 + 1e8*i)})
	}
	if held := refs.memory(); held > 12_000 {
		t.Errorf("1000 refs are %d bytes", held)
	}
}

func TestSplitPartsAllMessages(t *testing.T) {
	d := func(seq uint64, prefix string) *delivery {
		return &delivery{route: ackRoute{prefix: prefix}, streamSeq: seq, consumerSeq: 2 * seq, numDelivered: 1, timestamp: int64(seq), epoch: seq / 6}
	}
	var m messageRefs
	for seq := range uint64(10) {
		m.add(d(seq+1, "$JS.ACK.S.C."))
	}
	for seq := uint64(11); seq <= 14; seq++ {
		m.add(d(seq, "$JS.ACK.hub.acc.S.C."))
	}
	in, out := m.split(func(seq uint64) bool { return seq%2 == 0 })
	for name, c := range map[string]struct {
		part *messageRefs
		seqs []uint64
	}{"in": {&in, []uint64{2, 4, 6, 8, 10, 12, 14}}, "out": {&out, []uint64{1, 3, 5, 7, 9, 11, 13}}} {
		var want messageRefs
		for _, seq := range c.seqs {
			prefix := "$JS.ACK.S.C."
			if seq > 10 {
				prefix = "$JS.ACK.hub.acc.S.C."
			}
			want.add(d(seq, prefix))
		}
		if got := slices.Collect(c.part.replies()); !slices.Equal(got, slices.Collect(want.replies())) || c.part.count() != len(got) {
			t.Errorf("%s the set are %q", name, got)
		}
		var messages []ledger.Message
		for message, cut := range c.part.messages() {
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
		var m messageRefs
		d := delivery{route: ackRoute{prefix: "$JS.ACK.S.C."}, numDelivered: 1}
		for b.Loop() {
			d.streamSeq++
			d.consumerSeq++
			d.timestamp += 10_000
			if m.add(&d); m.count() == 100_000 {
				m.runs, m.refs = m.runs[:0], ackRefs{encoded: m.refs.encoded[:0]}
			}
		}
	})
	b.Run("replies", func(b *testing.B) {
		m := busyStream(10_000)
		b.ReportAllocs()
		for b.Loop() {
			for range m.replies() {
			}
		}
	})
}

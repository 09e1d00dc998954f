package staged

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/schema/columns"
)

// all returns the values of columns.
func all(c *columns.Columns) []string {
	leaves := []string{fmt.Sprint(c.Rows())}
	for i := range c.Len() {
		l := c.Leaf(i)
		var offsets []uint32
		var data []byte
		if physical, _ := columns.PhysicalOf(l.Node().Type()); physical == columns.PhysicalBytes {
			offsets, data = l.Bytes()
		}
		leaves = append(leaves, fmt.Sprintf("%s %d %x %x %d %d %x", l.Node().Name(), l.Len(), l.Definitions(), l.Repetitions(), l.Int64s(), offsets, data))
	}
	return leaves
}

func TestMessagesBecomeTheColumnsThatTheyWouldBecomeAtOnce(t *testing.T) {
	messages := formattest.Messages()
	framed := 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var s Messages
		want := columns.New(plan.Schema())
		most := 100
		if seed%10 == 0 {
			most = 1000
		}
		for range r.IntN(most) {
			m := *messages[r.IntN(len(messages))]
			m.Data = slices.Clone(m.Data)
			if !s.Add((*format.RawMessage)(&m)) {
				continue
			}
			if _, err := plan.Append(want, (*message)(&m)); err != nil {
				t.Fatal(err)
			}
			for i := range m.Data { // it is a copy
				m.Data[i]++
			}
		}
		framed = max(framed, s.bytes-s.tail.len)
		got := columns.New(plan.Schema())
		if err := s.AppendTo(got); err != nil {
			t.Fatal(err)
		}
		if s.Len() != want.Rows() || !slices.Equal(all(got), all(want)) {
			t.Fatalf("seed %d: %d messages become\n%.2000s\nwant\n%.2000s", seed, s.Len(), all(got), all(want))
		}
		s.Release()
		if s.Len() != 0 || s.Buffered() != 0 {
			t.Errorf("after Release, %d messages of %d bytes are held", s.Len(), s.Buffered())
		}
	}
	if framed < 4*frameBytes {
		t.Errorf("of %d bytes at most are frames: they are not tested", framed)
	}
}

func TestMessagesAreBounded(t *testing.T) {
	for _, size := range []int{0, 250, 900, 4_000, maxMessage - 200} {
		m := &format.RawMessage{Subject: "a", Data: make([]byte, size), Timestamp: time.Unix(1, 0)}
		_, _ = rand.NewChaCha8([32]byte{1}).Read(m.Data) // as what is encrypted
		var s Messages
		n := 0
		for ; n < MaxBytes && s.Add(m); n++ {
			if held := s.Buffered(); held > MaxBytes+8<<10 {
				t.Fatalf("%d messages of %d bytes are %d held", n, size, held)
			}
		}
		if want := MaxBytes / (size + 200); n < want || n == MaxBytes {
			t.Errorf("%d messages of %d bytes have room, want %d at least", n, size, want)
		}
		s.Release()
	}
	var s Messages
	if s.Add(&format.RawMessage{Data: make([]byte, maxMessage+1)}) {
		t.Error("a large message is held")
	}
}

func TestAFewMessagesTakeLittle(t *testing.T) {
	var s Messages
	for i := range 10 {
		if !s.Add(&format.RawMessage{
			Subject: "orders.eu.paid", Headers: map[string][]string{"Tenant": {"shop-7"}}, Data: make([]byte, 290), Stream: "ORDERS",
			Consumer: "lake", StreamSeq: 1_000_000, ConsumerSeq: 1_000_000, NumDelivered: 1, NumPending: 1_000, Timestamp: time.Unix(1.8e9, int64(i)),
		}) {
			t.Fatal("there is no room")
		}
	}
	if held := s.Buffered(); held > 5<<10 {
		t.Errorf("10 messages of 290 bytes are %d held", held)
	}
	s.Release()
}

// With ten thousand keys of a few hundred messages each, the bytes held limit the size of their files.
func TestMoreMessagesTakeAQuarterOfTheirSize(t *testing.T) {
	var s Messages
	const messages = 300
	for i := range uint64(messages) {
		seq := 1e6 + 10_000*i
		if !s.Add(&format.RawMessage{
			Subject: "orders.eu.paid",
			Data: fmt.Appendf(nil, `{"id":"ord-%d","created":"2026-11-23T08:%02d:%02d.280Z","customer":"c-%d","region":"asia","status":"paid",`+
				`"channel":"phone","currency":"JPY","items":[{"sku":"sku-%d","count":2,"price":%d.99}],"total":%d.98}`,
				seq, i/6%60, i%60, 7919*i%50_000, 104_729*i%20_000, i*i%300, 2*i*i%300),
			Stream: "ORDERS", Consumer: "lake", StreamSeq: seq, ConsumerSeq: seq, NumDelivered: 1, NumPending: 1e9 - seq,
			Timestamp: time.Unix(1.8e9+int64(i), int64(104_729*i)),
		}) {
			t.Fatal("there is no room")
		}
	}
	if held := s.Buffered(); held > int64(s.bytes)/4+frameBytes {
		t.Errorf("%d messages of %d bytes are %d held", messages, s.bytes, held)
	}
	s.Release()
}

func BenchmarkAdd(b *testing.B) {
	m := &format.RawMessage{
		Subject: "orders.eu.paid", Headers: map[string][]string{"Tenant": {"shop-7"}}, Data: make([]byte, 290), Stream: "ORDERS",
		Consumer: "lake", StreamSeq: 1_000_000, ConsumerSeq: 1_000_000, NumDelivered: 1, NumPending: 1_000, Timestamp: time.Unix(1.8e9, 0),
	}
	var s Messages
	for b.Loop() {
		if !s.Add(m) {
			s.Release()
		}
	}
}

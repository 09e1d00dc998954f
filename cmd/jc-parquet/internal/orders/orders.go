// Package orders makes the messages of the demo and the bench: orders of a shop as JSON of about 250 bytes, half of them
// with a header or two. The same number of the same sequence is always the same message.
package orders

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Subjects are the subjects of a stream of orders. A subject is orders.<region>.<status>.
const Subjects = "orders.>"

// stallTimeout is how long the server may confirm none of the published messages.
const stallTimeout = time.Minute

var (
	regions    = [...]string{"eu", "us", "asia"}
	currencies = [...]string{"EUR", "USD", "JPY"} // of the regions
	statuses   = [...]string{"new", "paid", "shipped"}
	channels   = [...]string{"web", "app", "store", "phone"}
)

// firstOrder is when the first order was made; each comes 40 ms after the one before.
var firstOrder = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// A Sequence makes one order after another.
type Sequence struct {
	random *rand.Rand
	n      int
}

// NewSequence starts at the first order.
func NewSequence() *Sequence { return &Sequence{random: rand.New(rand.NewPCG(2026, 11))} }

// Next returns a new message.
func (s *Sequence) Next() *nats.Msg {
	r := s.random
	region, status := r.IntN(len(regions)), r.IntN(len(statuses))
	msg := nats.NewMsg("orders." + regions[region] + "." + statuses[status])
	msg.Data = s.order(region, status)
	if r.IntN(2) == 0 {
		msg.Header.Set("Tenant", "shop-"+strconv.Itoa(r.IntN(40)))
		if r.IntN(2) == 0 {
			msg.Header.Set("Trace-Id", fmt.Sprintf("%016x", r.Uint64()))
		}
	}
	s.n++
	return msg
}

func (s *Sequence) order(region, status int) []byte {
	r := s.random
	b := make([]byte, 0, 320)
	b = append(b, `{"id":"ord-`...)
	b = strconv.AppendInt(b, int64(10_000_000+s.n), 10)
	b = append(b, `","created":"`...)
	b = firstOrder.Add(time.Duration(s.n)*40*time.Millisecond).AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, `","customer":"c-`...)
	b = strconv.AppendInt(b, int64(r.IntN(50_000)), 10)
	b = append(b, `","region":"`+regions[region]+`","status":"`+statuses[status]+`","channel":"`+channels[r.IntN(len(channels))]...)
	b = append(b, `","currency":"`+currencies[region]+`","items":[`...)
	total := 0
	for i := range 1 + r.IntN(3) {
		if i > 0 {
			b = append(b, ',')
		}
		count, cents := 1+r.IntN(4), 199+100*r.IntN(200)
		total += count * cents
		b = append(b, `{"sku":"sku-`...)
		b = strconv.AppendInt(b, int64(10_000+r.IntN(8_000)), 10)
		b = append(b, `","count":`...)
		b = strconv.AppendInt(b, int64(count), 10)
		b = append(b, `,"price":`...)
		b = append(appendMoney(b, cents), '}')
	}
	b = append(b, `],"total":`...)
	return append(appendMoney(b, total), '}')
}

func appendMoney(b []byte, cents int) []byte {
	return strconv.AppendFloat(b, float64(cents)/100, 'f', 2, 64)
}

// Fill makes a stream and publishes the first n orders to it. It calls published from time to time with the number of sent orders, and
// returns the bytes of their JSON.
func Fill(ctx context.Context, nc *nats.Conn, stream string, n int, published func(done int)) (bytes int64, err error) {
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4_000))
	if err != nil {
		return 0, fmt.Errorf("publish orders: %w", err)
	}
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: stream, Subjects: []string{Subjects}}); err != nil {
		return 0, fmt.Errorf("create stream %s: %w", stream, err)
	}
	orders := NewSequence()
	for i := range n {
		if i%10_000 == 0 {
			if ctx.Err() != nil {
				return bytes, ctx.Err()
			}
			published(i)
		}
		msg := orders.Next()
		bytes += int64(len(msg.Data))
		if _, err := js.PublishMsgAsync(msg, jetstream.WithStallWait(stallTimeout)); err != nil {
			return bytes, fmt.Errorf("publish order %d: %w", i+1, err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-ctx.Done():
		return bytes, ctx.Err()
	}
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return bytes, fmt.Errorf("look up stream %s: %w", stream, err)
	}
	if stored := s.CachedInfo().State.Msgs; stored != uint64(n) {
		return bytes, errors.New("publish orders: the stream has " + strconv.FormatUint(stored, 10) + " messages instead of " + strconv.Itoa(n))
	}
	published(n)
	return bytes, nil
}

//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/cmd/jc-parquet/internal/orders"
)

const (
	keyStream   = "KEYS"
	keySubjects = "keys.>"
	manyKeys    = 10_000
	fewKeys     = 100

	// keyTimes multiplies the number of messages. With three times as many, two thirds would be held until the end, and the bench would
	// measure storing these instead of steady traffic.
	keyTimes = 6

	// keyInterval is so long that no file ends with its interval.
	keyInterval = "1h"
)

// fillKeys is the role that makes the stream of destination keys, with the server's URL, a number of messages and a number of keys. A
// subject is keys.one.<one of 100>.<one of many>: the same messages are split into one, 100 or many, evenly.
func fillKeys(args []string) error {
	many, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	return publishKeyed(args, many, (*publisher).fillKeys)
}

func (p *publisher) fillKeys(ctx context.Context, keyed *keyed, n int) error {
	if _, err := p.js.CreateStream(ctx, jetstream.StreamConfig{Name: keyStream, Subjects: []string{keySubjects}}); err != nil {
		return err
	}
	for range n {
		if err := p.publish(ctx, keyed.next()); err != nil {
			return err
		}
	}
	return nil
}

// publishKeyed publishes orders of many keys for a role, with the server's URL and a number of messages.
func publishKeyed(args []string, many int, publish func(*publisher, context.Context, *keyed, int) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	nc, err := nats.Connect(args[0])
	if err != nil {
		return err
	}
	defer nc.Close()
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	p, err := newPublisher(nc)
	if err != nil {
		return err
	}
	keyed := newKeyed(many)
	if err := publish(p, ctx, keyed, n); err != nil {
		return err
	}
	if err := p.complete(ctx); err != nil {
		return err
	}
	return printFilled(keyed.bytes)
}

// keyed are orders of many destination keys, one after the other.
type keyed struct {
	sequence *orders.Sequence
	many, n  int
	bytes    int64 // of their data so far
}

func newKeyed(many int) *keyed { return &keyed{sequence: orders.NewSequence(), many: many} }

func (k *keyed) next() *nats.Msg {
	msg := k.sequence.Next()
	msg.Subject = fmt.Sprintf("keys.one.%d.%d", k.n%fewKeys, k.n%k.many)
	k.n++
	k.bytes += int64(len(msg.Data))
	return msg
}

// keyContender archives the stream of destination keys, split by a token of its subjects. All messages may be un-acked, so that only memory
// and the end of the stream seal files.
func (b *bench) keyContender(keys, token int) contender {
	return contender{
		name: keysName(keys), stream: keyStream, unlimited: true, times: keyTimes,
		run: b.archive(1, b.keyFlags(token)...),
	}
}

// keyFlags let jc-parquet split by a token of subjects.
func (b *bench) keyFlags(token int) []string {
	return []string{
		"--delivery", "exactly-once", "--split", "token:" + strconv.Itoa(token), "--interval", keyInterval,
		"--max-in-flight", strconv.Itoa(4 * keyTimes * b.messages), "--store-concurrency", "16",
	}
}

// keysName is the name of a contender.
func keysName(keys int) string {
	if keys == 1 {
		return "Parquet, exactly once, 1 key"
	}
	return "Parquet, exactly once, " + thousands(keys) + " keys"
}

func thousands(n int) string {
	digits := strconv.Itoa(n)
	var b strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(digit)
	}
	return b.String()
}

// keyFigures compares the cost of many keys with that of one.
func (r *report) keyFigures(keys int) []*figure {
	name := thousands(keys) + " keys"
	pairs := r.pairs(keysName(keys), keysName(1))
	if len(pairs) == 0 {
		return nil
	}
	return []*figure{
		newFigure(name+", time a message of 1 key", "µs", 2, pairs, timeOfMessage),
		newFigure(name+", peak memory", "bytes resident", 600e6, pairs, func(p [2]run) (float64, float64) { return p[0].PeakMemory, 0 }),
	}
}

package rawheaders

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/jetcapture/internal/acks"
)

const blanksBlock = "NATS/1.0\r\nA:   1\r\n\r\n"

// deliveredBlock is a message that a consumer delivers, of which the client has dropped blanks of a header.
func deliveredBlock(t *testing.T, s *capturetest.Server, change func(*jetstream.ConsumerConfig)) (*nats.Msg, acks.Delivery, *nats.Conn) {
	t.Helper()
	s.Stream("ORDERS", "orders.>")
	s.Consumer("ORDERS", "lake", change)
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "CONNECT {\"headers\":true}\r\nHPUB orders.a %d %d\r\n%sdata\r\n",
		len(blanksBlock), len(blanksBlock)+4, blanksBlock); err != nil {
		t.Fatal(err)
	}
	nc := s.Connect()
	msg, err := nc.Request("$JS.API.CONSUMER.MSG.NEXT.ORDERS.lake", nil, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	d, ok := acks.Parse(msg.Reply)
	if !ok || !Missing(msg) || msg.Header["A"][0] != "1" {
		t.Fatalf("the message is %v", msg)
	}
	return msg, d, nc
}

func TestHeadersAreRestoredFromTheStream(t *testing.T) {
	msg, d, nc := deliveredBlock(t, capturetest.Start(t), nil)
	if err := New(nc, "", "ORDERS").Restore(msg, &d, time.Now()); err != nil || msg.Header["A"][0] != "  1" {
		t.Errorf("restore = %v, the headers are %q", err, msg.Header)
	}
}

func TestAHeaderBlockIsOnlyThatOfTheMessage(t *testing.T) {
	for name, test := range map[string]struct {
		consumer func(*jetstream.ConsumerConfig)
		before   func(t *testing.T, s *capturetest.Server, d *acks.Delivery)
		reason   string
		block    string
	}{
		"the message is gone": {
			before: func(t *testing.T, s *capturetest.Server, d *acks.Delivery) {
				stream, err := s.JetStream().Stream(t.Context(), "ORDERS")
				if err == nil {
					err = stream.DeleteMsg(t.Context(), d.StreamSeq)
				}
				if err != nil {
					t.Fatal(err)
				}
			},
			reason: "no message found",
		},
		"the stream is gone": {
			before: func(t *testing.T, s *capturetest.Server, _ *acks.Delivery) {
				if err := s.JetStream().DeleteStream(t.Context(), "ORDERS"); err != nil {
					t.Fatal(err)
				}
			},
			reason: "stream not found",
		},
		"the sequence is of another message": {
			before: func(_ *testing.T, _ *capturetest.Server, d *acks.Delivery) { d.Timestamp-- },
			reason: "it is another",
		},
		"the consumer adds headers": {
			consumer: func(c *jetstream.ConsumerConfig) { c.HeadersOnly = true },
			reason:   "does not deliver messages as they are in the stream",
			block:    blanksBlock,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := capturetest.Start(t)
			msg, d, nc := deliveredBlock(t, s, test.consumer)
			if test.before != nil {
				test.before(t, s, &d)
			}
			err := New(nc, "", "ORDERS").Restore(msg, &d, time.Now())
			failure, ok := errors.AsType[*Error](err)
			if !ok || string(failure.Block) != test.block || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("restore = %v", err)
			}
		})
	}
}

// Whoever may not ask gets no answer: the loop must not wait for one with each message.
func TestRequestsForHeaderBlocksPauseIfNobodyAnswers(t *testing.T) {
	msg, d, nc := deliveredBlock(t, capturetest.Start(t), nil)
	r := New(nc, "", "ORDERS")
	good := r.subject
	r.subject, r.timeout = "nobody.answers", 10*time.Millisecond
	requests, err := nc.SubscribeSync(r.subject)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for range 3 {
		if err := r.Restore(msg, &d, now); !errors.Is(err, nats.ErrTimeout) && !strings.Contains(err.Error(), "deadline") {
			t.Errorf("restore = %v", err)
		}
	}
	arrived := func() int {
		if err := nc.Flush(); err != nil { // all that was published before has come
			t.Fatal(err)
		}
		n, _, err := requests.Pending()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := arrived(); n != attempts {
		t.Errorf("%d requests", n)
	}
	_ = r.Restore(msg, &d, now.Add(time.Hour))
	if n := arrived(); n != 2*attempts || r.pause != 2*pauseFirst {
		t.Errorf("%d requests after the pause; the next pause is %v", n, r.pause)
	}
	r.subject, r.timeout = good, timeout
	if err := r.Restore(msg, &d, now.Add(time.Hour)); err != nil || r.pause != 0 {
		t.Errorf("restore = %v after an answer, the next pause is %v", err, r.pause)
	}
}

func TestHeaderBlocksWaitForAConnection(t *testing.T) {
	s := capturetest.Start(t)
	msg, d, nc := deliveredBlock(t, s, nil)
	s.Stop()
	for nc.IsConnected() {
		time.Sleep(time.Millisecond)
	}
	if err := New(nc, "", "ORDERS").Restore(msg, &d, time.Now()); !errors.Is(err, ErrLater) {
		t.Errorf("restore = %v", err)
	}
}

func TestLookingForMissingHeadersAllocatesNothing(t *testing.T) {
	msg, _, _ := deliveredBlock(t, capturetest.Start(t), nil)
	if n := testing.AllocsPerRun(100, func() { Missing(msg) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMissingHeaders(b *testing.B) {
	for name, headers := range map[string]nats.Header{
		"none": nil, "three": {"Tenant-Id": {"t1"}, "Nats-Msg-Id": {"01J1"}, "Content-Type": {"application/json"}},
	} {
		b.Run(name, func(b *testing.B) {
			nc := capturetest.Start(b).Connect()
			sub, err := nc.SubscribeSync("orders")
			if err != nil {
				b.Fatal(err)
			}
			if err := nc.PublishMsg(&nats.Msg{Subject: "orders", Header: headers}); err != nil {
				b.Fatal(err)
			}
			msg, err := sub.NextMsg(10 * time.Second)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if Missing(msg) {
					b.Fatal("headers are missing")
				}
			}
		})
	}
}

// The client is who else reads blocks: what both can read is the same, but for the blanks that it drops.
func FuzzParseHeaders(f *testing.F) {
	for _, block := range []string{
		blanksBlock, "NATS/1.0\r\n\r\n", "NATS/1.0\nA:1\nA: 2\n\n", "NATS/1.0\r\nA:\t\t\r\n\r\n", "NATS/1.0\r\n: 1\r\n\r\n",
		"NATS/1.0 503 t\r\n\r\n", "NATS/1.0\r\nA: 1\r\n\r\nB: 2", "NATS/1.0\r\nA", "HTTP/1.1\r\n\r\n", "", "\n\n",
	} {
		f.Add([]byte(block))
	}
	f.Fuzz(func(t *testing.T, block []byte) {
		got, err := parseHeaders(block)
		want, clientErr := nats.DecodeHeadersMsg(block)
		if err != nil {
			return
		}
		if clientErr != nil {
			t.Fatalf("parseHeaders(%q) = %q, and the client says %v", block, got, clientErr)
		}
		bytes := len("NATS/1.0\n\n")
		for name, values := range got {
			for _, value := range values {
				bytes += len(name) + len(":") + len(value) + len("\n")
			}
		}
		if lines := len(block) - bytes; lines < 0 || lines > 2*strings.Count(string(block), "\n") {
			t.Errorf("parseHeaders(%q) = %q: %d bytes are missing", block, got, lines)
		}
		same := func(a, b []string) bool {
			return slices.EqualFunc(a, b, func(a, b string) bool { return strings.TrimLeft(a, " \t") == b })
		}
		if !maps.EqualFunc(got, want, same) {
			t.Errorf("parseHeaders(%q) = %q, the client has %q", block, got, want)
		}
	})
}

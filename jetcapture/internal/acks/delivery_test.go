package acks

import (
	"testing"

	"github.com/nats-io/nats.go"
)

func TestParseDelivery(t *testing.T) {
	numbers := Delivery{NumDelivered: 3, StreamSeq: 12, ConsumerSeq: 7, Timestamp: 1763899200123456789, NumPending: 42}
	for _, c := range []struct{ name, reply, prefix, tail, ack string }{
		{"short form", "$JS.ACK.S.C.3.12.7.1763899200123456789.42", "$JS.ACK.S.C.", "", "$JS.ACK.S.C.3.12.7.0.0"},
		{"with a route", "$JS.ACK.S.C.3.12.7.1763899200123456789.42@_INBOX.a.b", "$JS.ACK.S.C.", "@_INBOX.a.b", "$JS.ACK.S.C.3.12.7.0.0@_INBOX.a.b"},
		{"long form", "$JS.ACK.hub.aB3.S.C.3.12.7.1763899200123456789.42", "$JS.ACK.hub.aB3.S.C.", "", "$JS.ACK.hub.aB3.S.C.3.12.7.0.0"},
		{"long form with a token", "$JS.ACK._.aB3.S.C.3.12.7.1763899200123456789.42.xyz", "$JS.ACK._.aB3.S.C.", ".xyz", "$JS.ACK._.aB3.S.C.3.12.7.0.0.xyz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := Parse(c.reply)
			want := numbers
			want.Route = Route{Prefix: c.prefix, Tail: c.tail}
			if !ok || got != want {
				t.Fatalf("parseDelivery = %+v, %v\nwant %+v", got, ok, want)
			}
			if ack := string(got.Route.AppendSubject(nil, got.Ref())); ack != c.ack {
				t.Errorf("ack subject = %q, want %q", ack, c.ack)
			}
		})
	}
	for _, reply := range []string{
		"", "$JS.ACK.", "_INBOX.a.b", "$JS.ACK.S.C.1.2.3.4", "$JS.ACK.S.C.1.0.3.4.5", "$JS.ACK.S.C.x.2.3.4.5",
		"$JS.ACK.S.C.1.2.3.4.5.6", "$JS.ACK.S.C.1.2.3.4.5x", "$JS.ACK.S.C.1.2.3.4.5x.y", "$JS.ACK.S.C....5", "$JS.ACK.a.b.S.C.1.2.3.4.",
	} {
		if d, ok := Parse(reply); ok {
			t.Errorf("Parse(%q) = %+v, want it refused", reply, d)
		}
	}
}

func TestParseDeliveryDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { Parse("$JS.ACK.S.C.3.12.7.1763899200123456789.42") }); n != 0 {
		t.Errorf("parseDelivery allocates %v times", n)
	}
}

func FuzzParseDeliveryAgreesWithTheClient(f *testing.F) {
	f.Add("$JS.ACK.S.C.3.12.7.1763899200123456789.42")
	f.Add("$JS.ACK.hub.aB3.S.C.3.12.7.1763899200123456789.42.xyz")
	f.Fuzz(func(t *testing.T, reply string) {
		d, ok := Parse(reply)
		if !ok || d.Route.Tail != "" && d.Route.Tail[0] == '@' {
			return // the client knows no routes
		}
		m := nats.Msg{Reply: reply, Sub: new(nats.Subscription)}
		md, err := m.Metadata()
		if err != nil {
			t.Fatalf("%q: %+v, the client refuses it: %v", reply, d, err)
		}
		if got := d.Metadata(); got != *md {
			t.Errorf("%q: %+v, the client reads %+v", reply, got, *md)
		}
	})
}

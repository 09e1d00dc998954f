package jetcapture

import (
	"testing"

	"github.com/nats-io/nats.go"
)

func TestParseDelivery(t *testing.T) {
	numbers := delivery{numDelivered: 3, streamSeq: 12, consumerSeq: 7, timestamp: 1763899200123456789, numPending: 42}
	for _, c := range []struct{ name, reply, prefix, tail, ack string }{
		{"short form", "$JS.ACK.S.C.3.12.7.1763899200123456789.42", "$JS.ACK.S.C.", "", "$JS.ACK.S.C.3.12.7.0.0"},
		{"with a route", "$JS.ACK.S.C.3.12.7.1763899200123456789.42@_INBOX.a.b", "$JS.ACK.S.C.", "@_INBOX.a.b", "$JS.ACK.S.C.3.12.7.0.0@_INBOX.a.b"},
		{"long form", "$JS.ACK.hub.aB3.S.C.3.12.7.1763899200123456789.42", "$JS.ACK.hub.aB3.S.C.", "", "$JS.ACK.hub.aB3.S.C.3.12.7.0.0"},
		{"long form with a token", "$JS.ACK._.aB3.S.C.3.12.7.1763899200123456789.42.xyz", "$JS.ACK._.aB3.S.C.", ".xyz", "$JS.ACK._.aB3.S.C.3.12.7.0.0.xyz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := parseDelivery(c.reply)
			want := numbers
			want.route = ackRoute{prefix: c.prefix, tail: c.tail}
			if !ok || got != want {
				t.Fatalf("parseDelivery = %+v, %v\nwant %+v", got, ok, want)
			}
			if ack := string(got.route.subject(nil, got.ref())); ack != c.ack {
				t.Errorf("ack subject = %q, want %q", ack, c.ack)
			}
		})
	}
	for _, reply := range []string{
		"", "$JS.ACK.", "_INBOX.a.b", "$JS.ACK.S.C.1.2.3.4", "$JS.ACK.S.C.1.0.3.4.5", "$JS.ACK.S.C.x.2.3.4.5",
		"$JS.ACK.S.C.1.2.3.4.5.6", "$JS.ACK.S.C.1.2.3.4.5x", "$JS.ACK.S.C.1.2.3.4.5x.y", "$JS.ACK.S.C....5", "$JS.ACK.a.b.S.C.1.2.3.4.",
	} {
		if d, ok := parseDelivery(reply); ok {
			t.Errorf("parseDelivery(%q) = %+v, want it refused", reply, d)
		}
	}
}

func TestParseDeliveryDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { parseDelivery("$JS.ACK.S.C.3.12.7.1763899200123456789.42") }); n != 0 {
		t.Errorf("parseDelivery allocates %v times", n)
	}
}

func FuzzParseDeliveryAgreesWithTheClient(f *testing.F) {
	f.Add("$JS.ACK.S.C.3.12.7.1763899200123456789.42")
	f.Add("$JS.ACK.hub.aB3.S.C.3.12.7.1763899200123456789.42.xyz")
	f.Fuzz(func(t *testing.T, reply string) {
		d, ok := parseDelivery(reply)
		if !ok || d.route.tail != "" && d.route.tail[0] == '@' {
			return // the client knows no routes
		}
		m := nats.Msg{Reply: reply, Sub: new(nats.Subscription)}
		md, err := m.Metadata()
		if err != nil {
			t.Fatalf("%q: %+v, the client refuses it: %v", reply, d, err)
		}
		if got := d.metadata(); got != *md {
			t.Errorf("%q: %+v, the client reads %+v", reply, got, *md)
		}
	})
}

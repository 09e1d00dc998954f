package jetcapture

import (
	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format"
)

// NatsMessage is a message as it is, the payload of a capture that archives streams without decoding them.
type NatsMessage struct {
	Subject  string              `json:"subject"`
	Reply    string              `json:"reply,omitempty"` // empty if it only was the subject to acknowledge to
	Header   map[string][]string `json:"header,omitempty"`
	Data     []byte              `json:"data"`
	Metadata *nats.MsgMetadata   `json:"metadata"` // never nil in a payload of NatsToNats
}

// NatsToNats returns a decoder that keeps messages as they are and splits them by what resolve returns.
func NatsToNats[K DestKey](resolve func(msg *nats.Msg) K) func(msg *nats.Msg) (*NatsMessage, K, error) {
	return func(msg *nats.Msg) (*NatsMessage, K, error) {
		destKey := resolve(msg)
		m := &struct { // of one piece
			NatsMessage
			metadata nats.MsgMetadata
		}{}
		m.Metadata = &m.metadata
		if err := m.Set(msg); err != nil {
			return nil, destKey, err
		}
		return &m.NatsMessage, destKey, nil
	}
}

// Set makes m a message that JetStream delivered, whose data and headers it shares. A decoder that sets the same one each
// time allocates nothing, if its Writer keeps nothing of a payload; those of package format and below keep nothing.
//
// The error wraps nats.ErrNotJSMessage; m is as it was then.
func (m *NatsMessage) Set(msg *nats.Msg) error {
	d, ok := parseDelivery(msg.Reply)
	if !ok {
		return notDelivered(msg)
	}
	if m.Metadata == nil {
		m.Metadata = new(nats.MsgMetadata)
	}
	m.Subject, m.Reply, m.Header, m.Data = msg.Subject, "", msg.Header, msg.Data
	*m.Metadata = d.metadata()
	return nil
}

// SubjectToDestKey splits messages by their subject.
func SubjectToDestKey(msg *nats.Msg) string { return msg.Subject }

// Raw returns the message as a row of the columns that format.RawMessage describes.
func (m *NatsMessage) Raw() format.RawMessage {
	raw := format.RawMessage{Subject: m.Subject, Reply: m.Reply, Headers: m.Header, Data: m.Data}
	if md := m.Metadata; md != nil {
		raw.Stream, raw.Consumer = md.Stream, md.Consumer
		raw.StreamSeq, raw.ConsumerSeq = md.Sequence.Stream, md.Sequence.Consumer
		raw.Timestamp = md.Timestamp
		raw.NumDelivered, raw.NumPending = md.NumDelivered, md.NumPending
	}
	return raw
}

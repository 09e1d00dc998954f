package jetcapture

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture/internal/acks"
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
// time allocates nothing, if its Writer keeps no part of a payload; the Writers of package format and below keep none.
//
// The error wraps nats.ErrNotJSMessage; m is as it was then.
func (m *NatsMessage) Set(msg *nats.Msg) error {
	d, ok := acks.Parse(msg.Reply)
	if !ok {
		return acks.NotDelivered(msg)
	}
	if m.Metadata == nil {
		m.Metadata = new(nats.MsgMetadata)
	}
	m.Subject, m.Reply, m.Header, m.Data = msg.Subject, "", msg.Header, msg.Data
	*m.Metadata = d.Metadata()
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

// Meta is what the stream says of a message. A payload that embeds it has these columns beside its own, in every format
// whose columns come from package schema:
//
//	subject      string
//	stream       string
//	stream_seq   int64, which tells messages apart: one that was stored twice has it twice
//	timestamp    UTC, microseconds: when the stream took the message
//	headers      map of string to list of string; empty, not null, if there are none
//
// They are the fields of format.RawMessage, so that the same queries read both kinds of files. For example:
//
//	type Order struct {
//		jetcapture.Meta
//		ID     string `json:"id"`
//		Region string `json:"region"`
//	}
//
// The decoder of JSON fills it, and other decoders do with what MetaOf returns, as the last that they set. Messages cannot:
// encoding/json neither reads nor writes its fields, whatever is in the JSON.
//
// Columns of the payload that have the same names take their places, as in Go the outer of two fields does. A payload that
// has a timestamp of its own gets both columns if it calls its own by another name:
//
//	At time.Time `json:"timestamp" parquet:"at"`
type Meta struct {
	Subject   string              `parquet:"subject" json:"-"`
	Stream    string              `parquet:"stream" json:"-"`
	StreamSeq uint64              `parquet:"stream_seq,int(64),delta" json:"-"`
	Timestamp time.Time           `parquet:"timestamp,delta" json:"-"`
	Headers   map[string][]string `parquet:"headers" json:"-" lake:"required" lake-value:"required"` // the message's own, not to be changed
}

// MetaOf returns what the stream says of a message that a consumer of it delivered. The error of any other message wraps
// nats.ErrNotJSMessage.
func MetaOf(msg *nats.Msg) (Meta, error) {
	d, ok := acks.Parse(msg.Reply)
	if !ok {
		return Meta{}, acks.NotDelivered(msg)
	}
	_, stream, _ := d.Route.Names()
	return Meta{
		Subject:   msg.Subject,
		Stream:    stream,
		StreamSeq: d.StreamSeq,
		Timestamp: time.Unix(0, d.Timestamp).UTC(),
		Headers:   msg.Header,
	}, nil
}

var metaType = reflect.TypeFor[Meta]()

// metaFields returns the index paths of the fields of type Meta in a struct and in the structs that it embeds.
func metaFields(t reflect.Type, around ...reflect.Type) (paths [][]int) {
	if t.Kind() != reflect.Struct || slices.Contains(around, t) {
		return nil
	}
	around = append(around, t)
	for i := range t.NumField() {
		sf := t.Field(i)
		inner := sf.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case inner == metaType && (sf.IsExported() || sf.Anonymous):
			paths = append(paths, []int{i})
		case sf.Anonymous:
			for _, path := range metaFields(inner, around...) {
				paths = append(paths, append([]int{i}, path...))
			}
		}
	}
	return paths
}

// setMeta sets the field at a path in v. Pointers on the way are made if they are nil.
func setMeta(v reflect.Value, path []int, meta *Meta) error {
	for _, i := range path {
		v = v.Field(i)
		if v.Kind() != reflect.Pointer {
			continue
		}
		if v.IsNil() {
			if !v.CanSet() {
				return fmt.Errorf("a %s that is embedded is nil, and nobody else can set it: embed the struct itself", v.Type())
			}
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	if !v.CanSet() {
		return fmt.Errorf("the field of %s is not exported, so nobody else can set it: export it", v.Type())
	}
	*v.Addr().Interface().(*Meta) = *meta
	return nil
}

// JSON returns a decoder of JSON messages into new values of T, split by what destKey returns. Where T embeds Meta, or has
// a field of that type, it is set to that of the message before destKey is called.
func JSON[T any, K DestKey](destKey func(*T) K) func(msg *nats.Msg) (*T, K, error) {
	metas := metaFields(reflect.TypeFor[T]())
	return func(msg *nats.Msg) (*T, K, error) {
		var none K
		payload := new(T)
		if err := json.Unmarshal(msg.Data, payload); err != nil {
			return nil, none, fmt.Errorf("decode JSON into %T: %w", *payload, err)
		}
		if len(metas) > 0 { // after the JSON, so that nothing in it counts
			meta, err := MetaOf(msg)
			if err != nil {
				return nil, none, err
			}
			for _, path := range metas {
				if err := setMeta(reflect.ValueOf(payload).Elem(), path, &meta); err != nil {
					return nil, none, fmt.Errorf("set Meta in %T: %w", *payload, err)
				}
			}
		}
		return payload, destKey(payload), nil
	}
}

// decode calls a decoder and turns a panic into an error.
func decode[P Payload, K DestKey](decoder func(*nats.Msg) (P, K, error), msg *nats.Msg) (p P, k K, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("MessageDecoder panicked: %v", r)
		}
	}()
	return decoder(msg)
}

// write calls a writer and turns a panic into an error.
func write[P Payload](w format.Writer[P], payload P) (rows int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("writer panicked: %v", r)
		}
	}()
	return w.Write(payload)
}

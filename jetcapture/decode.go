package jetcapture

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/jetcapture/lake/format"
	"github.com/nats-io/nats.go"
)

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

// noPanic calls f and turns a panic into an error that names what panicked.
func noPanic(what string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s panicked: %v", what, r)
		}
	}()
	return f()
}

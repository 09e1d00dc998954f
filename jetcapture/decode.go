package jetcapture

import (
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format"
)

// JSON returns a decoder of JSON messages into new values of T, split by what destKey returns.
func JSON[T any, K DestKey](destKey func(*T) K) func(msg *nats.Msg) (*T, K, error) {
	return func(msg *nats.Msg) (*T, K, error) {
		payload := new(T)
		if err := json.Unmarshal(msg.Data, payload); err != nil {
			var zero K
			return nil, zero, fmt.Errorf("decode JSON into %T: %w", *payload, err)
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

// Package fakestream has a stream for tests that need no server.
package fakestream

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/evidence"
)

// A Stream is an evidence.Stream. Its message with sequence s has time s, unless a field says otherwise.
type Stream struct {
	Last    uint64                // the last sequence
	NewFrom uint64                // messages from this sequence on are others; 0: none
	Deleted func(seq uint64) bool // nil: none
	Err     error                 // of every request
	Looks   int                   // counts the messages that were read
	OnState func(*Stream)         // called when the state is asked for
}

// TimeOf implements evidence.Stream.
func (s *Stream) TimeOf(_ context.Context, seq uint64) (int64, error) {
	s.Looks++
	switch {
	case s.Err != nil:
		return 0, s.Err
	case seq > s.Last, s.Deleted != nil && s.Deleted(seq):
		return 0, evidence.ErrNoMessage
	case s.NewFrom > 0 && seq >= s.NewFrom:
		return int64(seq) + 1_000_000, nil
	}
	return int64(seq), nil
}

// State implements evidence.Stream.
func (s *Stream) State(context.Context) (*jetstream.StreamState, error) {
	if s.Err != nil {
		return nil, s.Err
	}
	if s.OnState != nil {
		s.OnState(s)
	}
	return &jetstream.StreamState{FirstSeq: 1, LastSeq: s.Last}, nil
}

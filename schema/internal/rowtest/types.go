package rowtest

import "time"

// UUID is a UUID by its name.
type UUID [16]byte

// MarshalText returns a text that no column of a UUID has.
func (UUID) MarshalText() ([]byte, error) { return []byte("uuid"), nil }

// Color has a text.
type Color int

// MarshalText returns the text of any color.
func (Color) MarshalText() ([]byte, error) { return []byte("red"), nil }

// Stamp is what it embeds.
type Stamp struct{ time.Time }

// Base is embedded by other types.
type Base struct {
	Tenant string `json:"tenant"`
	ID     string `json:"id"` // hidden by that of kinds
}

// Pair has two columns of one type.
type Pair[T any] struct {
	First, Second T
}

// Timestamp and the others look like what protoc-gen-go makes.
type Timestamp struct {
	state   struct{}
	Seconds int64 `protobuf:"varint,1,opt,name=seconds,proto3" json:"seconds,omitempty"`
	Nanos   int32 `protobuf:"varint,2,opt,name=nanos,proto3" json:"nanos,omitempty"`
}

// ProtoReflect marks a message.
func (*Timestamp) ProtoReflect() {}

// StringValue is a wrapper.
type StringValue struct {
	state struct{}
	Value string `json:"value,omitempty"`
}

// ProtoReflect marks a message.
func (*StringValue) ProtoReflect() {}

// Status is an enum.
type Status int32

// EnumDescriptor marks an enum.
func (Status) EnumDescriptor() ([]byte, []int) { return nil, nil }

// String returns the name of the value.
func (s Status) String() string { return [...]string{"NEW", "PAID"}[s] }

// Event is a message.
type Event struct {
	state   struct{}
	Id      string       `protobuf:"bytes,1,opt,name=id,proto3" json:"id,omitempty"`
	At      *Timestamp   `json:"at,omitempty"`
	Note    *StringValue `json:"note,omitempty"`
	Status  Status       `json:"status,omitempty"`
	Tags    []string     `json:"tags,omitempty"`
	Retries *int32       `json:"retries,omitempty"`
	Proof   []byte       `protobuf:"bytes,7,opt,name=proof,proto3,oneof" json:"proof,omitempty"`
}

// ProtoReflect marks a message.
func (*Event) ProtoReflect() {}

var _ = [...]struct{}{Event{}.state, Timestamp{}.state, StringValue{}.state} // as generated code has them

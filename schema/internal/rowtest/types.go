package rowtest

import "time"

type UUID [16]byte

func (UUID) MarshalText() ([]byte, error) { return []byte("uuid"), nil }

type Color int

func (Color) MarshalText() ([]byte, error) { return []byte("red"), nil }

type Stamp struct{ time.Time }

type Base struct {
	Tenant string `json:"tenant"`
	ID     string `json:"id"` // hidden by that of kinds
}

type Pair[T any] struct {
	First, Second T
}

// Timestamp and the others look like what protoc-gen-go makes.
type Timestamp struct {
	state   struct{}
	Seconds int64 `protobuf:"varint,1,opt,name=seconds,proto3" json:"seconds,omitempty"`
	Nanos   int32 `protobuf:"varint,2,opt,name=nanos,proto3" json:"nanos,omitempty"`
}

func (*Timestamp) ProtoReflect() {}

type StringValue struct {
	state struct{}
	Value string `json:"value,omitempty"`
}

func (*StringValue) ProtoReflect() {}

type Status int32

func (Status) EnumDescriptor() ([]byte, []int) { return nil, nil }
func (s Status) String() string                { return [...]string{"NEW", "PAID"}[s] }

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

func (*Event) ProtoReflect() {}

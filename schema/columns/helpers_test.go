package columns_test

import (
	"testing"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/rowtest"
)

// The types of package rowtest.
type (
	UUID        = rowtest.UUID
	color       = rowtest.Color
	Base        = rowtest.Base
	Timestamp   = rowtest.Timestamp
	StringValue = rowtest.StringValue
	Event       = rowtest.Event
)

type Left struct{ Name string }

type Right struct{ Name string }

func kind(k schema.Kind) schema.Type { return schema.Type{Kind: k} }

type Deep struct{ Level int32 }

type pair[T any] struct {
	First, Second T
}

func of[T any](t testing.TB, opts ...schema.Option) *schema.Schema {
	t.Helper()
	return rowtest.Of[T](t, opts...)
}

func ptr[T any](v T) *T { return &v }

package schema_test

import (
	"math/big"
	"testing"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/rowtest"
)

// The types of package rowtest.
type (
	UUID        = rowtest.UUID
	color       = rowtest.Color
	stamp       = rowtest.Stamp
	Base        = rowtest.Base
	Timestamp   = rowtest.Timestamp
	StringValue = rowtest.StringValue
	Status      = rowtest.Status
	Event       = rowtest.Event
)

type Deep struct{ Level int32 }

type pair[T any] struct {
	First, Second T
}

type money struct {
	units int64
	exp   int32
}

func (m money) Coefficient() *big.Int { return big.NewInt(m.units) }
func (m money) Exponent() int32       { return m.exp }

func of[T any](t testing.TB, opts ...schema.Option) *schema.Schema {
	t.Helper()
	return rowtest.Of[T](t, opts...)
}

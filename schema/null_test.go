package schema_test

import (
	"database/sql/driver"
	"testing"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/rowtest"
)

// The following have the shapes and methods of types of other packages: google/uuid, shopspring/decimal, pgx,
// volatiletech/null.

type nullUUID struct {
	UUID  UUID
	Valid bool
}

func (n nullUUID) MarshalText() ([]byte, error) {
	if !n.Valid {
		return []byte("null"), nil
	}
	return n.UUID[:], nil
}

type nullDecimal struct {
	Decimal money
	Valid   bool
}

func (n nullDecimal) MarshalText() ([]byte, error) { return []byte{}, nil }

type pgText struct {
	String string
	Valid  bool
}

func (t pgText) Value() (driver.Value, error) { return t.String, nil }

type nullBytes struct {
	Valid bool
	Bytes []byte
}

func (n *nullBytes) MarshalJSON() ([]byte, error) { return []byte(`"-"`), nil }

// twoColumns has the shape, but no methods.
type twoColumns struct {
	Name  string
	Valid bool
}

type nullable struct {
	ID    nullUUID    `json:"id"`
	Price nullDecimal `parquet:"price,decimal(2:18)"`
	Text  pgText      `json:"text"`
	Bytes nullBytes   `json:"bytes"`
	IDs   []nullUUID  `json:"ids"`
}

func TestNullWrappersOfOtherPackagesAreNullable(t *testing.T) {
	s, err := schema.Of[nullable]()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"id": "uuid", "price": "decimal(precision 18, scale 2)", "text": "string", "bytes": "bytes"} {
		if n := s.Find(path); n == nil || n.Type().String() != want || !n.Nullable() {
			t.Errorf("%s is %v, want a nullable %s", path, n, want)
		}
	}
	full := nullable{
		nullUUID{UUID{15: 1}, true},
		nullDecimal{money{125, -1}, true},
		pgText{"", true},
		nullBytes{true, []byte("x")},
		[]nullUUID{{}, {UUID{15: 2}, true}},
	}
	want := "[[<nil> <nil> <nil> <nil> <nil>] [00000000000000000000000000000001 1250  x [<nil> 00000000000000000000000000000002]]]"
	if got := rowtest.Rows(t, nullable{}, full); got != want {
		t.Errorf("rows are %s, want %s", got, want)
	}
	plain, err := schema.Of[struct {
		A twoColumns `json:"a"`
	}]()
	if err != nil || plain.Find("a").Type().Kind != schema.Struct {
		t.Errorf("a struct without methods is %v, %v", plain, err)
	}
}

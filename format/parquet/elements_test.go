package parquet_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/format/parquet"
)

// TestEveryTypeHasItsLogicalTypeAndTheOlderOne is for readers that know one of them only. Local times have no older one, as
// that stands for UTC, nor has what is younger than it.
func TestEveryTypeHasItsLogicalTypeAndTheOlderOne(t *testing.T) {
	type row struct {
		I8          int8
		I16         int16
		I32         int32
		I64         int64
		U8          uint8
		U16         uint16
		U32         uint32
		U64         uint64
		F           float32
		B           []byte
		Fixed       [3]byte
		Text        string
		JSON        json.RawMessage
		Day         time.Time `parquet:",date"`
		Duration    time.Duration
		UUID        [16]byte      `parquet:",uuid"`
		Dec         int64         `parquet:",decimal(2:9)"`
		Big         string        `parquet:",decimal(3:30)"`
		ClockCoarse time.Duration `parquet:",time(millisecond)"`
		ClockUS     time.Duration `parquet:",time(microsecond)"`
		ClockNS     time.Duration `parquet:",time(nanosecond)"`
		ClockLocal  time.Duration `parquet:",time(microsecond:local)"`
		Milli       time.Time     `parquet:",timestamp(millisecond)"`
		Micro       time.Time
		Nano        time.Time `parquet:",timestamp(nanosecond)"`
		Local       time.Time `parquet:",timestamp(millisecond:local)"`
		List        []int64
		Map         map[string]int64
	}
	const want = `row 0:
I8 1: INT32 INT(8,true) or 15
I16 2: INT32 INT(16,true) or 16
I32 3: INT32 INT(32,true) or 17
I64 4: INT64 INT(64,true) or 18
U8 5: INT32 INT(8,false) or 11
U16 6: INT32 INT(16,false) or 12
U32 7: INT32 INT(32,false) or 13
U64 8: INT64 INT(64,false) or 14
F 9: FLOAT
B 10: BYTE_ARRAY
Fixed 11: FIXED_LEN_BYTE_ARRAY(3)
Text 12: BYTE_ARRAY STRING or 0
JSON 13: BYTE_ARRAY JSON or 19
Day 14: INT32 DATE or 6
Duration 15: INT64 INT(64,true) or 18
UUID 16: FIXED_LEN_BYTE_ARRAY(16) UUID
Dec 17: INT64 DECIMAL(9,2) or 5 2:9
Big 18: FIXED_LEN_BYTE_ARRAY(16) DECIMAL(30,3) or 5 3:30
ClockCoarse 19: INT32 TIME(isAdjustedToUTC=true,unit=MILLIS) or 7
ClockUS 20: INT64 TIME(isAdjustedToUTC=true,unit=MICROS) or 8
ClockNS 21: INT64 TIME(isAdjustedToUTC=true,unit=NANOS)
ClockLocal 22: INT64 TIME(isAdjustedToUTC=false,unit=MICROS)
Milli 23: INT64 TIMESTAMP(isAdjustedToUTC=true,unit=MILLIS) or 9
Micro 24: INT64 TIMESTAMP(isAdjustedToUTC=true,unit=MICROS) or 10
Nano 25: INT64 TIMESTAMP(isAdjustedToUTC=true,unit=NANOS)
Local 26: INT64 TIMESTAMP(isAdjustedToUTC=false,unit=MILLIS)
List 27: LIST or 3
list 0:
element 28: INT64 INT(64,true) or 18
Map 29: MAP or 1
key_value 0:
key 30: BYTE_ARRAY STRING or 0
value 31: INT64 INT(64,true) or 18`
	var got []string
	for _, e := range footerOf(t, encoded(t, writersOf[row](t, parquet.Options{})(), nil)).Schema {
		line := fmt.Sprintf("%s %d:", e.Name, e.FieldID)
		if e.Type.Valid {
			line += fmt.Sprintf(" %s", e.Type.V)
		}
		if e.TypeLength.Valid {
			line += fmt.Sprintf("(%d)", e.TypeLength.V)
		}
		if e.LogicalType.Value != nil {
			line += fmt.Sprintf(" %s", e.LogicalType.Value)
		}
		if e.ConvertedType.Valid {
			line += fmt.Sprintf(" or %d", e.ConvertedType.V) // its number in the specification
		}
		if e.Precision.Valid || e.Scale.Valid {
			line += fmt.Sprintf(" %d:%d", e.Scale.V, e.Precision.V)
		}
		got = append(got, line)
	}
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("the schema is\n%s", text)
	}
}

func TestTheRootHasTheNameOfTheType(t *testing.T) {
	type pair[T any] struct{ A, B T }
	for want, file := range map[string][]byte{
		"order":   encoded(t, writersOf[*order](t, parquet.Options{})(), nil),
		"item":    encoded(t, writersOf[item](t, parquet.Options{})(), nil),
		"pair":    encoded(t, writersOf[pair[int]](t, parquet.Options{})(), nil),
		"message": encoded(t, writersOf[struct{ A int }](t, parquet.Options{})(), nil),
	} {
		if got := inspect(t, file).Schema; !strings.HasPrefix(got, "message "+want+" {") {
			t.Errorf("the root of %s is in\n%s", want, got)
		}
	}
}

// TestTheFooterSaysHowColumnsAreOrdered is for readers that take no bounds from a file that does not.
func TestTheFooterSaysHowColumnsAreOrdered(t *testing.T) {
	footer := footerOf(t, encoded(t, writersOf[*order](t, parquet.Options{})(), nil))
	leaves := 0
	for _, e := range footer.Schema {
		if e.Type.Valid {
			leaves++
		}
	}
	if len(footer.ColumnOrders) != leaves {
		t.Fatalf("%d columns have %d orders", leaves, len(footer.ColumnOrders))
	}
	for i, o := range footer.ColumnOrders {
		if o.Value == nil {
			t.Errorf("column %d has no order", i)
		}
	}
}

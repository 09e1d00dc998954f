package jsoncolumns_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
	"github.com/jetcapture/lake/schema/jsoncolumns"
)

// A payload is all that a message has beside a subject and the like.
type payload []byte

func (p payload) Raw() format.RawMessage {
	return format.RawMessage{
		Subject: "orders.eu", Stream: "ORDERS", StreamSeq: 7, Timestamp: time.Unix(1_700_000_000, 123_456_789), Data: p,
		Headers: map[string][]string{"B": {"2", "\"\\\x01é"}, "A": {}, "c": {""}, "0": {"x"}, "D": {"y"}},
	}
}

// planOf returns the plan of a file.
func planOf(t testing.TB, file string) (*jsoncolumns.Plan[payload], []jsoncolumns.Column) {
	t.Helper()
	list, err := jsoncolumns.Parse("columns.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := jsoncolumns.New[payload](list, jsoncolumns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return plan, list
}

// rowOf returns the columns of a payload as JSON by their names, without those that are null.
func rowOf(t testing.TB, plan *jsoncolumns.Plan[payload], text []byte) (row map[string]string, err error) {
	t.Helper()
	c := columns.New(plan.Schema())
	defer c.Release()
	rows, err := plan.Append(c, text)
	if err != nil {
		if rows != 0 || c.Rows() != 0 {
			t.Fatalf("%d rows, %d in the columns, after %v", rows, c.Rows(), err)
		}
		return nil, err
	}
	if rows != 1 || c.Rows() != 1 {
		t.Fatalf("%d rows, %d in the columns, want 1", rows, c.Rows())
	}
	row = map[string]string{}
	for i := range c.Len() {
		if leaf := c.Leaf(i); leaf.Len() > 0 {
			row[leaf.Node().Name()] = valueOf(leaf)
		}
	}
	return row, nil
}

// valueOf writes the first value of a leaf as JSON, in the one way that package columns may read it.
func valueOf(l *columns.Leaf) string {
	t := l.Node().Type()
	physical, _ := columns.PhysicalOf(t)
	switch physical {
	case columns.PhysicalBool:
		return strconv.FormatBool(l.Bools()[0])
	case columns.PhysicalFloat32:
		return strconv.FormatFloat(float64(l.Float32s()[0]), 'g', -1, 32)
	case columns.PhysicalFloat64:
		return strconv.FormatFloat(l.Float64s()[0], 'g', -1, 64)
	case columns.PhysicalBytes:
		_, data := l.Bytes()
		switch t.Kind {
		case schema.JSON:
			return string(data)
		case schema.Bytes:
			return strconv.Quote(base64.StdEncoding.EncodeToString(data))
		}
		return quoted(string(data))
	case columns.PhysicalFixed:
		data, _ := l.Fixed()
		switch t.Kind {
		case schema.UUID:
			h := hex.EncodeToString(data)
			return strconv.Quote(strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-"))
		case schema.Decimal:
			n := new(big.Int).SetBytes(data)
			if data[0] >= 0x80 {
				n.Sub(n, new(big.Int).Lsh(big.NewInt(1), 128))
			}
			return fmt.Sprintf("%de-%d", n, t.Scale)
		}
		return strconv.Quote(base64.StdEncoding.EncodeToString(data))
	}
	var n int64
	if physical == columns.PhysicalInt32 {
		n = int64(l.Int32s()[0])
	} else {
		n = l.Int64s()[0]
	}
	perSecond := map[schema.Unit]int64{schema.Millis: 1e3, schema.Micros: 1e6, schema.Nanos: 1e9}[t.Unit]
	switch t.Kind {
	case schema.Date:
		return strconv.Quote(time.Unix(n*86400, 0).UTC().Format(time.DateOnly))
	case schema.Timestamp, schema.TimeOfDay:
		seconds := n / perSecond
		if n%perSecond < 0 {
			seconds--
		}
		at := time.Unix(seconds, (n-seconds*perSecond)*(1e9/perSecond)).UTC()
		layout := time.RFC3339Nano
		if t.Local {
			layout = "2006-01-02T15:04:05.999999999"
		}
		if t.Kind == schema.TimeOfDay {
			layout = "15:04:05.999999999"
		}
		return strconv.Quote(at.Format(layout))
	case schema.Decimal:
		return fmt.Sprintf("%de-%d", n, t.Scale)
	case schema.Uint64:
		return strconv.FormatUint(uint64(n), 10)
	case schema.Uint32:
		return strconv.FormatUint(uint64(uint32(n)), 10)
	}
	return strconv.FormatInt(n, 10)
}

// quoted is text as JSON.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if r < ' ' || r == '"' || r == '\\' {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

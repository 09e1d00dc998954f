package columns_test

import (
	"database/sql"
	"encoding"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
	"github.com/jetcapture/lake/schema/internal/rowtest"
)

func FuzzRowsCanBeMadeOfTheirLevelsAgain(f *testing.F) {
	for seed := range uint64(400) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rowtest.Random{Rand: rand.New(rand.NewPCG(seed, 3))}
		rowType := r.StructType(4)
		s, err := schema.OfType(rowType)
		if err != nil {
			t.Fatal(err)
		}
		c := columns.New(s)
		var want []any
		for range 1 + r.IntN(20) {
			row := reflect.New(rowType)
			r.Fill(row.Elem())
			if r.IntN(4) == 0 && rejectedIsTraceless(t, r, s, c, rowType) {
				continue
			}
			if err := columns.AppendAt(c, row.UnsafePointer()); err != nil {
				t.Fatalf("%s: %v", rowType, err)
			}
			want = append(want, expected(row.Elem(), ""))
		}
		got := rowtest.Assemble(c)
		for i := range want {
			if got, want := fmt.Sprintf("%q", got[i]), fmt.Sprintf("%q", want[i]); got != want {
				t.Fatalf("%s\nrow %d of the columns is\n%s\nwant\n%s", s, i, got, want)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("there are %d rows, want %d", len(got), len(want))
		}
		c.Release()
		if c.Buffered() != columns.New(s).Buffered() || c.Rows() != 0 || len(rowtest.Assemble(c)) != 0 {
			t.Error("released columns hold something")
		}
	})
}

// rejectedIsTraceless appends a payload of some rows, of which the last has a wrong string, if there is one to make so, and
// reports whether it did.
func rejectedIsTraceless(t *testing.T, r rowtest.Random, s *schema.Schema, c *columns.Columns, rowType reflect.Type) bool {
	t.Helper()
	var payload []any
	row := reflect.New(rowType)
	for range 1 + r.IntN(4) {
		row = reflect.New(rowType)
		r.Fill(row.Elem())
		payload = append(payload, row.Interface())
	}
	last := rowType.NumField() - 1
	if field := row.Elem().Field(last); field.Kind() == reflect.String && s.Leaves()[len(s.Leaves())-1].Kind() == schema.String {
		field.SetString("\xff")
		plan, err := columns.Compile[any](s)
		if err != nil {
			t.Fatal(err)
		}
		before := c.Rows()
		rows, err := columns.Rows(plan, func(rows []any) []any { return rows }).Append(c, payload)
		if err == nil || rows != 0 || c.Rows() != before {
			t.Fatalf("%d rows, the last with text that is not UTF-8, got the error %v", len(payload), err)
		}
		return true
	}
	return false
}

// expected returns what the assembler is to make of v, by reflection and the documentation of the package.
func expected(v reflect.Value, tag reflect.StructTag) any {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		return expected(v.Elem(), "")
	}
	optional, omitempty := strings.Contains(string(tag), "optional"), strings.Contains(string(tag), "omitempty")
	if s, ok := v.Interface().(rowtest.Stamp); ok {
		v = reflect.ValueOf(&s.Time).Elem()
	}
	switch x := v.Interface().(type) {
	case sql.NullString:
		if !x.Valid {
			return nil
		}
		return x.String
	case sql.Null[int32]:
		if !x.Valid {
			return nil
		}
		return fmt.Sprint(x.V)
	case time.Time:
		if optional && x.IsZero() {
			return nil
		}
		return fmt.Sprint(x.UnixMicro())
	}
	if v.CanFloat() && math.Signbit(v.Float()) { // -0 is not zero
		return fmt.Sprint(v.Interface())
	}
	container := v.Kind() == reflect.Slice || v.Kind() == reflect.Map
	switch {
	case container && (v.IsNil() || omitempty && v.Len() == 0):
		return nil
	case optional && !container && v.IsZero():
		return nil
	case omitempty && v.Kind() != reflect.Struct && v.Kind() != reflect.Array && !container && v.IsZero():
		return nil
	}
	if x, ok := v.Interface().(rowtest.UUID); ok {
		return fmt.Sprintf("%x", x[:])
	}
	if x, ok := v.Addr().Interface().(encoding.TextMarshaler); ok {
		text, err := x.MarshalText()
		if err != nil {
			panic(err)
		}
		return string(text)
	}
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == reflect.Slice {
			return string(v.Bytes())
		} else if v.Type().Elem().Kind() == reflect.Uint8 {
			return fmt.Sprintf("%x", v.Bytes())
		}
		list := []any{}
		for i := range v.Len() {
			list = append(list, expected(v.Index(i), ""))
		}
		return list
	case reflect.Map:
		return expectedMap(v)
	case reflect.Struct:
		fields := []any{}
		for i := range v.NumField() {
			fields = append(fields, expected(v.Field(i), v.Type().Field(i).Tag))
		}
		return fields
	}
	if d, ok := v.Interface().(time.Duration); ok {
		return fmt.Sprint(int64(d))
	}
	return fmt.Sprint(v.Interface())
}

func expectedMap(v reflect.Value) any {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch {
		case a.CanInt():
			return int(a.Int() - b.Int())
		case a.CanUint() && a.Uint() < b.Uint():
			return -1
		case a.CanUint():
			return 1
		case a.Kind() == reflect.Bool:
			return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
		case a.Kind() == reflect.Array:
			return strings.Compare(fmt.Sprintf("%x", a.Interface()), fmt.Sprintf("%x", b.Interface()))
		}
		if addr, ok := a.Interface().(netip.Addr); ok && !addr.IsValid() { // its text is empty
			return -1
		} else if addr, ok := b.Interface().(netip.Addr); ok && !addr.IsValid() {
			return 1
		}
		return strings.Compare(fmt.Sprint(a.Interface()), fmt.Sprint(b.Interface()))
	})
	list := []any{}
	for _, key := range keys {
		k, value := reflect.New(key.Type()).Elem(), reflect.New(v.Type().Elem()).Elem()
		k.Set(key)
		value.Set(v.MapIndex(key))
		list = append(list, expected(k, ""), expected(value, ""))
	}
	return list
}

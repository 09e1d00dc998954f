package parquet_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jetcapture/lake/format/formattest"
)

// random fills v with values of all kinds, the rare ones often. text limits strings to what makes sense at a column.
func random(r *rand.Rand, v reflect.Value, text string) {
	if v.Type() == timeType {
		v.Set(reflect.ValueOf(pick(r, time.Time{}, time.Unix(0, 0).UTC(), time.Date(9999, 1, 1, 0, 0, 0, 999999000, time.UTC),
			time.Date(2026, 11, 23, 1, 2, 3, 123456789, time.FixedZone("", 3600)), time.UnixMicro(r.Int64N(1e16)))))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		bits := v.Type().Bits()
		switch {
		case strings.Contains(text, "decimal(2"):
			v.SetInt(r.Int64N(1e18))
		case strings.Contains(text, "decimal(3"):
			v.SetInt(r.Int64N(1e9))
		case strings.Contains(text, "date"):
			v.SetInt(r.Int64N(100000))
		case strings.Contains(text, "time("):
			v.SetInt(r.Int64N(86400000))
		default:
			v.SetInt(pick(r, 0, -1, 1, math.MaxInt64>>(64-bits), math.MinInt64>>(64-bits), r.Int64()>>(64-bits)))
		}
		if strings.Contains(text, "timestamp(nano") {
			v.SetInt(r.Int64N(1e15) * 1000)
		}
		if strings.Contains(text, "timestamp(micro") {
			v.SetInt(r.Int64N(1e16))
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(pick(r, 0, 1, math.MaxUint64, r.Uint64()) >> (64 - v.Type().Bits()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(pick(r, 0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.MaxFloat32, float64(float32(0.1)), float64(float32(r.NormFloat64()))))
	case reflect.String:
		v.SetString(pick(r, "", "a", "é日本😀", strings.Repeat("long", r.IntN(100)), fmt.Sprint(r.Int64())))
		if strings.Contains(text, "json") {
			v.SetString(pick(r, "{}", `{"a":1}`, "[1, 2]", "null"))
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.Set(reflect.ValueOf(pick(r, nil, []byte{}, []byte("abc"), []byte{0, 'x'})).Convert(v.Type()))
			if strings.Contains(text, "json") || v.Type() == reflect.TypeFor[json.RawMessage]() {
				v.Set(reflect.ValueOf([]byte(pick(r, "{}", `{"a": 1}`, "[1,2]"))).Convert(v.Type()))
			}
			return
		}
		if n := r.IntN(5) - 1; n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				random(r, v.Index(i), "")
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(r.Uint64N(256))
		}
	case reflect.Map:
		if n := r.IntN(5) - 1; n >= 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				random(r, key, "")
				random(r, value, "")
				v.SetMapIndex(key, value)
			}
		}
	case reflect.Pointer:
		if r.IntN(2) == 0 {
			p := reflect.New(v.Type().Elem())
			random(r, p.Elem(), text)
			v.Set(p)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); !f.Anonymous && !f.IsExported() || strings.Contains(string(f.Tag), `"-"`) {
				continue
			}
			random(r, v.Field(i), string(v.Type().Field(i).Tag))
		}
	}
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// expected is v as Duck returns it.
func expected(v reflect.Value, tag string) any {
	if v.Type() == timeType {
		t, _ := reflect.TypeAssert[time.Time](v)
		if strings.Contains(tag, "millisecond") {
			return time.UnixMilli(t.UnixMilli()).UTC()
		}
		return time.UnixMicro(t.UnixMicro()).UTC()
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n := v.Int()
		switch {
		case strings.Contains(tag, "decimal(2"):
			return fmt.Sprintf("%d.%02d", n/100, n%100)
		case strings.Contains(tag, "decimal(3"):
			return fmt.Sprintf("%d.%03d", n/1000, n%1000)
		case strings.Contains(tag, "date"):
			return time.Unix(n*86400, 0).UTC()
		case strings.Contains(tag, "timestamp(nano"):
			return time.UnixMicro(n / 1000).UTC()
		case strings.Contains(tag, "timestamp(micro"):
			return time.UnixMicro(n).UTC()
		case strings.Contains(tag, "time(micro"):
			return time.Duration(n) * time.Microsecond
		case strings.Contains(tag, "time(milli"):
			return time.Duration(n) * time.Millisecond
		}
		return n
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return int64(v.Uint())
	case reflect.Uint, reflect.Uint64:
		return v.Uint()
	case reflect.Float32:
		return float32(v.Float())
	case reflect.Float64:
		return v.Float()
	case reflect.String:
		if strings.Contains(tag, "bytes") {
			return []byte(v.String())
		}
		return v.String()
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if strings.Contains(tag, "string") || strings.Contains(tag, "json") || v.Type() == reflect.TypeFor[json.RawMessage]() {
				return string(v.Bytes())
			}
			return append([]byte{}, v.Bytes()...)
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = expected(v.Index(i), "")
		}
		return list
	case reflect.Array:
		b := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(b), v)
		if strings.Contains(tag, "uuid") {
			return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
		}
		return b
	case reflect.Map:
		entries := []formattest.Entry{}
		for it := v.MapRange(); it.Next(); {
			entries = append(entries, formattest.Entry{Key: expected(it.Key(), ""), Value: expected(it.Value(), "")})
		}
		return sorted(entries)
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return expected(v.Elem(), tag)
	case reflect.Struct:
		fields := map[string]any{}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			switch {
			case !f.Anonymous && !f.IsExported(), strings.Contains(string(f.Tag), `"-"`):
				continue
			case f.Anonymous:
				maps.Copy(fields, expected(v.Field(i), "").(map[string]any))
				continue
			}
			fields[columnOf(f)] = expected(v.Field(i), string(f.Tag))
		}
		return fields
	}
	panic(v.Kind())
}

func columnOf(f reflect.StructField) string {
	p, _, _ := strings.Cut(f.Tag.Get("parquet"), ",")
	j, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return cmp.Or(p, j, f.Name)
}

// sorted puts the entries of all maps within v in order, as Go maps have none.
func sorted(v any) any {
	switch v := v.(type) {
	case []formattest.Entry:
		for i := range v {
			v[i].Value = sorted(v[i].Value)
		}
		slices.SortFunc(v, func(a, b formattest.Entry) int { return cmp.Compare(fmt.Sprint(a.Key), fmt.Sprint(b.Key)) })
	case []any:
		for i := range v {
			v[i] = sorted(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = sorted(v[name])
		}
	}
	return v
}

package rowtest

import (
	"database/sql"
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Random makes random types and values.
type Random struct {
	*rand.Rand

	// Types and Words of tags that no column can have, or few; with them, schemas of the types may be refused.
	Types []reflect.Type
	Words []string
}

var leafTypes = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[uint16](), reflect.TypeFor[int32](),
	reflect.TypeFor[uint64](), reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[string](),
	reflect.TypeFor[[]byte](), reflect.TypeFor[[5]byte](), reflect.TypeFor[time.Time](), reflect.TypeFor[time.Duration](),
	reflect.TypeFor[json.RawMessage](), reflect.TypeFor[json.Number](), reflect.TypeFor[UUID](), reflect.TypeFor[Color](),
	reflect.TypeFor[netip.Addr](), reflect.TypeFor[big.Int](), reflect.TypeFor[sql.NullString](), reflect.TypeFor[sql.Null[int32]](),
	reflect.TypeFor[Stamp](), reflect.TypeFor[Base](), reflect.TypeFor[Pair[*string]](), reflect.TypeFor[Pair[[]int16]](),
}

// StructType returns a struct type with fields of random types, nested at most so deep.
func (r Random) StructType(depth int) reflect.Type {
	fields := make([]reflect.StructField, 1+r.IntN(5))
	for i := range fields {
		fields[i] = reflect.StructField{Name: "F" + strconv.Itoa(i), Type: r.AnyType(depth), Tag: r.tag()}
	}
	return reflect.StructOf(fields)
}

// AnyType returns a type, nested at most so deep.
func (r Random) AnyType(depth int) reflect.Type {
	if len(r.Types) > 0 && r.IntN(10) == 0 {
		return r.Types[r.IntN(len(r.Types))]
	}
	if depth <= 0 || r.IntN(2) == 0 {
		return leafTypes[r.IntN(len(leafTypes))]
	}
	switch r.IntN(6) {
	case 0:
		return reflect.PointerTo(r.AnyType(depth - 1))
	case 1, 2:
		return reflect.SliceOf(r.AnyType(depth - 1))
	case 3:
		keys := []reflect.Type{
			reflect.TypeFor[string](), reflect.TypeFor[int16](), reflect.TypeFor[UUID](), reflect.TypeFor[netip.Addr](),
			reflect.TypeFor[bool](), reflect.TypeFor[uint64](), reflect.TypeFor[[3]byte](),
		}
		return reflect.MapOf(keys[r.IntN(len(keys))], r.AnyType(depth-1))
	case 4:
		return reflect.ArrayOf(1+r.IntN(3), r.AnyType(depth-1))
	}
	return r.StructType(depth - 1)
}

func (r Random) tag() reflect.StructTag {
	words := ""
	if len(r.Types) > 0 {
		for range r.IntN(3) {
			words += "," + r.Words[r.IntN(len(r.Words))]
		}
	} else if r.IntN(4) == 0 {
		return `json:",omitempty"`
	} else if r.IntN(4) == 0 {
		words = ",optional"
	}
	keys := []string{"parquet"}
	if len(r.Types) > 0 {
		keys = []string{"parquet", "parquet-element", "parquet-key", "parquet-value", "json", "lake"}
	}
	return reflect.StructTag(keys[r.IntN(len(keys))] + ":" + strconv.Quote(words))
}

// Fill sets v to a random value, often to an edge.
func (r Random) Fill(v reflect.Value) {
	if r.IntN(8) == 0 {
		return // zero
	}
	text := func() string { return []string{"", "a", "ä\x00€", strings.Repeat("long ", r.IntN(50))}[r.IntN(4)] }
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = time.Unix(r.Int64N(253402300799+62135596800)-62135596800, r.Int64N(1e9)).In(time.FixedZone("", r.IntN(80000)-40000))
		return
	case *Stamp:
		r.Fill(v.Field(0))
		return
	case *json.RawMessage:
		*p = json.RawMessage([]string{"null", "{}", `{"a":[1,"ä"]}`, " 1 "}[r.IntN(4)])
		return
	case *netip.Addr:
		*p = netip.AddrFrom16([16]byte{byte(r.IntN(256)), 15: byte(r.IntN(256))})
		return
	case *big.Int:
		p.SetInt64(r.Int64() - r.Int64())
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(r.Int64() >> r.IntN(64) * int64(1-2*r.IntN(2)))
	case reflect.Uint8, reflect.Uint16, reflect.Uint64:
		v.SetUint(r.Uint64() >> r.IntN(64))
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), r.NormFloat64()}[r.IntN(5)])
	case reflect.String:
		v.SetString(text())
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.Fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), r.IntN(4), 4))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			r.Fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range r.IntN(4) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			r.Fill(key)
			r.Fill(value)
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			r.Fill(v.Field(i))
		}
	}
}

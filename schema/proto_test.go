package schema_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/util/util_message"
	"google.golang.org/protobuf/cmd/protoc-gen-go/testdata/nameclash/test_name_clash_opaque"
	"google.golang.org/protobuf/cmd/protoc-gen-go/testdata/protoeditions"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/apipb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/rowtest"
)

func TestGeneratedMessagesHaveTheirFieldsAsColumns(t *testing.T) {
	type payload struct {
		*apipb.Mixin
		At    *timestamppb.Timestamp
		Took  *durationpb.Duration
		Note  *wrapperspb.StringValue
		Proof *wrapperspb.BytesValue
		Any   *anypb.Any
	}
	s := of[payload](t)
	const want = `1  name        string             null
2  root        string             null
3  At          timestamp(micros)  null
4  Took        duration(nanos)    null
5  Note        string             null
6  Proof       bytes              null
7  Any         struct             null
8    type_url  string
9    value     bytes
`
	if got := s.String(); got != want {
		t.Errorf("schema is\n%s\nwant\n%s", got, want)
	}
	row := payload{
		Mixin: &apipb.Mixin{Name: "n"}, At: &timestamppb.Timestamp{Seconds: 1, Nanos: 2000}, Took: &durationpb.Duration{Seconds: -1},
		Note: wrapperspb.String(""), Proof: wrapperspb.Bytes(nil), Any: &anypb.Any{Value: []byte("v")},
	}
	if got, want := rowtest.Rows(t, row, payload{}), "[[n  1000002 -1000000000   [ v]] [<nil> <nil> <nil> <nil> <nil> <nil> <nil>]]"; got != want {
		t.Errorf("rows are\n%s\nwant\n%s", got, want)
	}
}

func TestOfAnOmittedWrapperThePointerIsNullAlone(t *testing.T) {
	type payload struct {
		A *wrapperspb.StringValue `json:",omitempty"`
		B *wrapperspb.Int64Value  `parquet:",optional"`
	}
	row := payload{A: wrapperspb.String(""), B: wrapperspb.Int64(0)}
	if got, want := rowtest.Rows(t, row, payload{}), "[[ 0] [<nil> <nil>]]"; got != want {
		t.Errorf("rows are %s, want %s", got, want)
	}
}

func TestOneofsAreNullableColumnsOfWhichOneIsSet(t *testing.T) {
	type message = util_message.AllTheTypes
	only := schema.Exclude("str", "int32", "int64", "sint32", "sin64", "uint32", "uint64", "fixed32", "fixed64", "sfixed32", "bool", "bytes",
		"double", "message", "any", "simple_map", "complex_map", "simple_list", "complex_list")
	const want = `1  enum          string
2  oneofstring   string  null
3  oneofmessage  struct  null
4    field1      string
`
	if got := of[*message](t, only).String(); got != want {
		t.Errorf("schema is\n%s\nwant\n%s", got, want)
	}
	c, err := rowtest.Appended(t, []schema.Option{only},
		&message{Oneof: &util_message.AllTheTypes_Oneofstring{Oneofstring: "s"}},
		&message{Oneof: &util_message.AllTheTypes_Oneofstring{}},
		&message{},
		&message{Oneof: &util_message.AllTheTypes_Oneofmessage{Oneofmessage: &util_message.ExampleMessage{Field1: "f"}}},
		&message{Oneof: &util_message.AllTheTypes_Oneofmessage{}},
		&message{Oneof: (*util_message.AllTheTypes_Oneofmessage)(nil)},
	)
	if err != nil {
		t.Fatal(err)
	}
	const rows = "[[OPTION_0 s <nil>] [OPTION_0  <nil>] [OPTION_0 <nil> <nil>] [OPTION_0 <nil> [f]] [OPTION_0 <nil> <nil>] [OPTION_0 <nil> <nil>]]"
	if got := fmt.Sprint(rowtest.AssembleAll(t, c)); got != rows {
		t.Errorf("rows are\n%s\nwant\n%s", got, rows)
	}
}

func TestOneofsOfAllKindsKeepTheirValues(t *testing.T) {
	type message = protoeditions.FieldTestMessage
	exclude := []schema.Option{schema.Exclude("optional_Message", "required_Message", "repeated_Message", "map_string_message", "oneof_Message")}
	for name, test := range map[string]struct {
		value *message
		want  any
	}{
		"oneof_bool":        {&message{OneofField: &protoeditions.FieldTestMessage_OneofBool{}}, false},
		"oneof_enum":        {&message{OneofField: &protoeditions.FieldTestMessage_OneofEnum{OneofEnum: 1}}, "ONE"},
		"oneof_int32":       {&message{OneofField: &protoeditions.FieldTestMessage_OneofInt32{OneofInt32: -1}}, -1},
		"oneof_sint32":      {&message{OneofField: &protoeditions.FieldTestMessage_OneofSint32{OneofSint32: -1}}, -1},
		"oneof_uint32":      {&message{OneofField: &protoeditions.FieldTestMessage_OneofUint32{OneofUint32: 1 << 31}}, 1 << 31},
		"oneof_int64":       {&message{OneofField: &protoeditions.FieldTestMessage_OneofInt64{OneofInt64: -1 << 63}}, -1 << 63},
		"oneof_float":       {&message{OneofField: &protoeditions.FieldTestMessage_OneofFloat{OneofFloat: 1.5}}, 1.5},
		"oneof_double":      {&message{OneofField: &protoeditions.FieldTestMessage_OneofDouble{OneofDouble: 0.1}}, 0.1},
		"oneof_string":      {&message{OneofField: &protoeditions.FieldTestMessage_OneofString{OneofString: ""}}, ""},
		"oneof_bytes":       {&message{OneofField: &protoeditions.FieldTestMessage_OneofBytes{OneofBytes: nil}}, ""},
		"oneofgroup":        {&message{OneofField: &protoeditions.FieldTestMessage_Oneofgroup{Oneofgroup: &protoeditions.FieldTestMessage_OneofGroup{}}}, "[<nil>]"},
		"oneof_largest_tag": {&message{OneofField: &protoeditions.FieldTestMessage_OneofLargestTag{OneofLargestTag: 7}}, 7},
		"oneof_two_1":       {&message{OneofTwo: &protoeditions.FieldTestMessage_OneofTwo_1{OneofTwo_1: 1}}, 1},
		"oneof_two_2":       {&message{OneofTwo: &protoeditions.FieldTestMessage_OneofTwo_2{OneofTwo_2: 2}}, 2},
		"optional_bytes":    {&message{OptionalBytes: []byte{}}, ""},
	} {
		c, err := rowtest.Appended(t, exclude, test.value)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		row, _ := rowtest.AssembleAll(t, c)[0].([]any)
		for i, n := range c.Schema().Columns() {
			if n.Name() == name && fmt.Sprint(row[i]) != fmt.Sprint(test.want) {
				t.Errorf("%s is %v, want %v", name, row[i], test.want)
			}
			if n.Name() != name && n.Nullable() && row[i] != nil {
				t.Errorf("%s: %s is %v, want null", name, n.Name(), row[i])
			}
		}
		if n := c.Schema().Find(name); n == nil || !n.Nullable() {
			t.Errorf("column %s is not there, or not nullable", name)
		}
	}
	// What is not set is null, and a list never is, nor are the bytes in it.
	if got := of[message](t, exclude...).Find("repeated_bytes"); got.Nullable() || got.Element().Nullable() {
		t.Error("repeated bytes may be null")
	}
}

func TestMessagesWithoutColumnsAreRefusedWithAWayOut(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want []string
	}{
		"recursion": {
			refusal[structpb.Value](),
			[]string{`Value.Kind.StructValue.Fields[value]: type structpb.Value contains itself`, `Exclude("struct_value.fields")`, `Exclude("list_value.values")`},
		},
		"no fields": {refusal[protoeditions.FieldTestMessage](), []string{
			"FieldTestMessage.OneofField.Oneof_Message: protoeditions.FieldTestMessage_Message has no exported fields", `Exclude("oneof_Message")`,
			`Exclude("repeated_Message")`, `Exclude("map_string_message")`,
		}},
		"opaque": {refusal[test_name_clash_opaque.M1](), []string{"M1: test_name_clash_opaque.M1 has no exported fields", "copy the message into a struct"}},
		"fake":   {refusal[fakeOneof](), []string{"fakeOneof.Kind: nothing tells the types of this oneof", "XXX_OneofWrappers", "copy the message"}},
		"wrong":  {refusal[wrongOneof](), []string{"wrongOneof.Kind: nothing tells the types of this oneof: schema_test.wrongKind is no pointer"}},
		"none":   {refusal[noOneof](), []string{"noOneof.Kind: nothing tells", "isKind has none"}},
	} {
		for _, want := range test.want {
			if test.err == nil || !strings.Contains(test.err.Error(), want) {
				t.Errorf("%s: the error lacks %q: %v", name, want, test.err)
			}
		}
	}
	// The way out is one.
	if got := of[*structpb.Value](t, schema.Exclude("struct_value", "list_value")).String(); !strings.Contains(got, "string_value  string   null") {
		t.Errorf("schema is\n%s", got)
	}
}

type isKind interface{ isKind() }

type oneofText struct {
	Text []byte `protobuf:"bytes,1,opt,name=my_text,proto3,oneof"`
}

type oneofNumber struct {
	Number int64 `protobuf:"varint,2,opt,name=my_number,proto3,oneof"`
}

type otherKind struct{ Other bool }

type wrongKind int

func (*oneofText) isKind()   {}
func (*oneofNumber) isKind() {}
func (wrongKind) isKind()    {}

// oldOneof looks like what protoc-gen-go made until 2020.
type oldOneof struct {
	Before bool   `protobuf:"varint,3,opt,name=before,proto3" json:"before,omitempty"`
	Kind   isKind `protobuf_oneof:"kind"`
	After  bool   `protobuf:"varint,4,opt,name=after,proto3" json:"after,omitempty"`
}

func (*oldOneof) XXX_OneofWrappers() []any {
	return []any{new(otherKind), new(oneofText), new(oneofNumber)}
}

type fakeOneof struct {
	Kind isKind `protobuf_oneof:"kind"`
}

func (*fakeOneof) ProtoReflect() {}

type wrongOneof struct {
	Kind isKind `protobuf_oneof:"kind"`
}

func (*wrongOneof) XXX_OneofWrappers() []any { return []any{wrongKind(1)} }

type noOneof struct {
	Kind isKind `protobuf_oneof:"kind"`
}

func (*noOneof) XXX_OneofWrappers() []any { return nil }

func TestOneofsOfOldGeneratedCodeAreKnownToo(t *testing.T) {
	type row struct{ Items []*oldOneof }
	item := func(kind isKind) row { return row{[]*oldOneof{{Before: true, Kind: kind, After: true}, nil}} }
	var typedNil *oneofNumber
	got := rowtest.Rows(t, item(&oneofText{}), item(&oneofNumber{-1}), item(nil), item(typedNil), item(wrongKind(2)))
	var want []string
	for _, kind := range []string{" <nil>", "<nil> -1", "<nil> <nil>", "<nil> <nil>", "<nil> <nil>"} {
		want = append(want, "[[[true "+kind+" true] <nil>]]")
	}
	if want := fmt.Sprint(want); got != want {
		t.Errorf("rows are\n%s\nwant\n%s", got, want)
	}
	if allocs := rowtest.Allocations(t, item(&oneofNumber{-1})); allocs > 0 {
		t.Errorf("%.0f allocations a row", allocs)
	}
	if reflect.TypeFor[otherKind]().NumField() != 1 {
		t.Error("otherKind is no alternative of another oneof")
	}
}

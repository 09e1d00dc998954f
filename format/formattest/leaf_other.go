package formattest

import (
	"database/sql"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/jetcapture/lake/schema"
)

// otherLeaves are wrappers that can be null, and well-known messages of protocol buffers.
func otherLeaves() []leaf {
	at := Timestamp{-1, schema.Micros, true}
	return []leaf{
		leafOf("sql.Null", "", []is[sql.Null[int16]]{
			{sql.Null[int16]{}, nil}, {sql.Null[int16]{V: -7, Valid: true}, Int("-7")}, {sql.Null[int16]{V: 1}, nil},
		}, nil),
		leafOf("sql.NullString", "", []is[sql.NullString]{
			{sql.NullString{}, nil}, {sql.NullString{Valid: true}, Text("")}, {sql.NullString{String: "\xff"}, nil},
		}, nil, sql.NullString{String: "\xff", Valid: true}),
		leafOf("sql.NullBool", "", []is[sql.NullBool]{
			{sql.NullBool{}, nil}, {sql.NullBool{Valid: true}, false}, {sql.NullBool{Bool: true, Valid: true}, true},
		}, nil),
		leafOf("sql.NullFloat64", "", []is[sql.NullFloat64]{{sql.NullFloat64{}, nil}, {sql.NullFloat64{Valid: true}, F64(0)}}, nil),
		leafOf("sql.NullByte", "", []is[sql.NullByte]{
			{sql.NullByte{}, nil}, {sql.NullByte{Byte: 255, Valid: true}, Int("255")},
		}, nil),
		leafOf("sql.NullTime", "", []is[sql.NullTime]{
			{sql.NullTime{}, nil}, {sql.NullTime{Time: time.Unix(0, -1), Valid: true}, at},
		}, nil, sql.NullTime{Time: tooFar[0], Valid: true}),
		leafOf("sql.NullTime date", "date", []is[sql.NullTime]{
			{sql.NullTime{}, nil}, {sql.NullTime{Time: time.Unix(0, -1).UTC(), Valid: true}, Date(-1)},
		}, nil),
		leafOf("proto time", "", []is[*timestamppb.Timestamp]{
			{nil, nil}, {timestamppb.New(time.Unix(0, -1)), at}, {&timestamppb.Timestamp{}, Timestamp{0, schema.Micros, true}},
		}, nil, &timestamppb.Timestamp{Seconds: endOfYears}, &timestamppb.Timestamp{Nanos: 2e9}),
		leafOf("proto duration", "", []is[*durationpb.Duration]{
			{nil, nil}, {durationpb.New(-time.Hour - 1), Duration(-time.Hour - 1)}, {&durationpb.Duration{}, Duration(0)},
		}, nil, &durationpb.Duration{Seconds: 1e10}),
		leafOf("proto wrapper", "", []is[*wrapperspb.StringValue]{
			{nil, nil}, {wrapperspb.String(""), Text("")}, {wrapperspb.String("ä"), Text("ä")},
		}, nil, wrapperspb.String("\xff")),
		leafOf("proto uint64", "", []is[*wrapperspb.UInt64Value]{
			{nil, nil}, {wrapperspb.UInt64(0), Int("0")}, {wrapperspb.UInt64(1<<64 - 1), Int("18446744073709551615")},
		}, nil),
		leafOf("proto bytes", "", []is[*wrapperspb.BytesValue]{
			{nil, nil},
			{wrapperspb.Bytes([]byte("\xff")), Bytes("\xff")},
			{wrapperspb.Bytes([]byte{}), Bytes("")},
			{wrapperspb.Bytes(nil), Bytes("")},
		}, nil),
		leafOf("proto enum", "", []is[structpb.NullValue]{{0, Text("NULL_VALUE")}, {7, Text("7")}}, nil),
	}
}

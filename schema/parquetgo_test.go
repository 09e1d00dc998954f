package schema_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/schema"
)

// tagged has the tags of parquet-go that this package takes, and means them as that does.
type tagged struct {
	Bool     bool
	Int      int   `parquet:"int"`
	Int8     int8  `parquet:"int8"`
	Int16    int16 `parquet:"int16,optional"`
	Int32    int32 `parquet:"int32,delta"`
	Int64    int64 `parquet:"int64,delta,zstd,id(40)"`
	Uint     uint
	Uint8    uint8
	Uint16   uint16
	Uint32   uint32    `parquet:"uint32,optional,snappy"`
	Uint64   uint64    `parquet:"uint64,id(41)"`
	Float32  float32   `parquet:",split"`
	Float64  float64   `parquet:",split,gzip"`
	String   string    `parquet:"string,dict,zstd"`
	Pointer  *string   `parquet:"pointer,brotli"`
	Bytes    []byte    `parquet:"bytes,delta,uncompressed"`
	Fixed    [5]byte   `parquet:"fixed"`
	Enum     string    `parquet:"enum,enum"`
	AsBytes  string    `parquet:"as_bytes,bytes,plain"`
	AsString []byte    `parquet:"as_string,string,lz4"`
	JSON     string    `parquet:"json,json"`
	JSONRaw  []byte    `parquet:"json_raw,json"`
	UUID     uuid.UUID `parquet:"uuid"`
	Bytes16  [16]byte  `parquet:"bytes16,uuid"`
	TextUUID string    `parquet:"text_uuid,uuid"`
	Cents    int64     `parquet:"cents,decimal(2:18)"`
	Small    int32     `parquet:"small,decimal(2:9)"`
	Wide     [16]byte  `parquet:"wide,decimal(4:38)"`
	Date     time.Time `parquet:"date,date"`
	DateInt  int32     `parquet:"date_int,date"`
	Millis   time.Time `parquet:"millis,timestamp(millisecond)"`
	Micros   time.Time `parquet:"micros,timestamp(microsecond:utc)"`
	Nanos    time.Time `parquet:"nanos,timestamp(nanosecond:local)"`
	StampInt int64     `parquet:"stamp_int,timestamp"`
	LocalInt int64     `parquet:"local_int,timestamp(microsecond:local)"`
	Clock    int32     `parquet:"clock,time"`
	ClockUs  int64     `parquet:"clock_us,time(microsecond:utc)"`
	Span     int64     `parquet:"span,time(nanosecond:local)"`
	Wider    int32     `parquet:"wider,int(64)"`
	Narrow   int64     `parquet:"narrow,int(16)"`
	Unsigned int64     `parquet:"unsigned,uint(32)"`
	Nested   struct {
		A int32  `parquet:"a,id(7)"`
		B string `parquet:"b,optional"`
	} `parquet:"nested,id(42)"`
	Maybe   *struct{ C int64 }           `parquet:"maybe"`
	List    []string                     `parquet:"list,list,optional" parquet-element:",id(50)"`
	Structs []struct{ D *int64 }         `parquet:"structs,list,optional"`
	Words   []string                     `parquet:"words,list,optional" parquet-element:",enum"`
	Times   map[string]int64             `parquet:"times,optional" parquet-key:",enum" parquet-value:",timestamp(microsecond)"`
	Counts  map[int32]struct{ E []byte } `parquet:"counts,optional"`
	Hidden  chan int                     `parquet:"-"`
	Dash    int64                        `parquet:"-,"`
}

func TestStructsTaggedForParquetGoHaveTheSameColumns(t *testing.T) {
	sameAsParquetGo(t, of[tagged](t, schema.Nulls(schema.NilIsEmpty)), parquet.SchemaOf(tagged{}))
}

// sameAsParquetGo compares what readers see of two schemas, and the hints that parquet-go has.
func sameAsParquetGo(t *testing.T, s *schema.Schema, want *parquet.Schema) {
	t.Helper()
	ours, theirs := describeOurs(s.Columns(), ""), describeTheirs(want.Fields(), "")
	if len(ours) != len(theirs) {
		t.Fatalf("there are %d nodes, want %d", len(ours), len(theirs))
	}
	for i, our := range ours {
		their := theirs[i]
		if their.id == 0 { // parquet-go counts none
			their.id = our.id
		}
		if their.hint == "" { // enums have a dictionary here
			their.hint = our.hint
		}
		if our != their {
			t.Errorf("column is %+v, want %+v", our, their)
		}
	}
}

func TestDifferencesFromParquetGoAreThoseThatAreDocumented(t *testing.T) {
	type row struct {
		At      time.Time
		Took    time.Duration
		Named   int `json:"named"`
		Bare    []string
		Nullish []string `parquet:",optional"`
		List    []string `parquet:",list"`
		Data    []byte
	}
	const ours = "[At TIMESTAMP(isAdjustedToUTC=true,unit=MICROS)] [Took INT(64,true)] [named INT(64,true)] [Bare list null] [ element STRING] " +
		"[Nullish list null] [ element STRING] [List list null] [ element STRING] [Data BYTE_ARRAY null] "
	const theirs = "[At TIMESTAMP(isAdjustedToUTC=true,unit=NANOS)] [Took INT(64,true)] [Named INT(64,true)] [Bare STRING repeated] " +
		"[Nullish STRING repeated] [List list] [ element STRING] [Data BYTE_ARRAY] "
	if got := lines(describeOurs(of[row](t).Columns(), "")); got != ours {
		t.Errorf("our columns are\n%s\nwant\n%s", got, ours)
	}
	if got := lines(describeTheirs(parquet.SchemaOf(row{}).Fields(), "")); got != theirs {
		t.Errorf("those of parquet-go are\n%s\nwant\n%s", got, theirs)
	}
}

// A column is what both say of a node.
type column struct {
	what string // its depth, name, the type of parquet-go that stands for it, and whether it may be null
	id   int
	hint string
}

func lines(all []column) (text string) {
	for _, l := range all {
		text += "[" + l.what + "] "
	}
	return text
}

func describeOurs(nodes []*schema.Node, indent string) (all []column) {
	for _, n := range nodes {
		null := ""
		if n.Nullable() {
			null = " null"
		}
		what := n.Kind().String()
		if n.Kind().IsLeaf() {
			what = parquetType(n.Type()).String()
		}
		hint := n.Hints().Encoding.String()
		if codec := n.Hints().Codec; codec != schema.AnyCodec {
			hint += " " + string(codec)
		}
		all = append(all, column{indent + n.Name() + " " + what + null, n.ID(), hint})
		all = append(all, describeOurs(n.Children(), indent+" ")...)
	}
	return all
}

func parquetType(t schema.Type) parquet.Type {
	unit := map[schema.Unit]parquet.TimeUnit{schema.Millis: parquet.Millisecond, schema.Micros: parquet.Microsecond, schema.Nanos: parquet.Nanosecond}[t.Unit]
	switch k := t.Kind; k {
	case schema.Bool:
		return parquet.BooleanType
	case schema.Int8, schema.Int16, schema.Int32, schema.Int64:
		return parquet.Int(8 << (k - schema.Int8)).Type()
	case schema.Uint8, schema.Uint16, schema.Uint32, schema.Uint64:
		return parquet.Uint(8 << (k - schema.Uint8)).Type()
	case schema.Float32:
		return parquet.FloatType
	case schema.Float64:
		return parquet.DoubleType
	case schema.String:
		return parquet.String().Type()
	case schema.Bytes:
		return parquet.ByteArrayType
	case schema.JSON:
		return parquet.JSON().Type()
	case schema.UUID:
		return parquet.UUID().Type()
	case schema.Fixed:
		return parquet.FixedLenByteArrayType(t.Size)
	case schema.Date:
		return parquet.Date().Type()
	case schema.Duration: // parquet has none
		return parquet.Int(64).Type()
	case schema.Timestamp:
		return parquet.TimestampAdjusted(unit, !t.Local).Type()
	case schema.TimeOfDay:
		return parquet.TimeAdjusted(unit, !t.Local).Type()
	}
	return parquet.Decimal(t.Scale, t.Precision, parquet.FixedLenByteArrayType(16)).Type()
}

func describeTheirs(fields []parquet.Field, indent string) (all []column) {
	for _, f := range fields {
		null := ""
		switch {
		case f.Optional():
			null = " null"
		case f.Repeated():
			null = " repeated"
		}
		if f.Leaf() {
			what := strings.Replace(f.Type().String(), "ENUM", "STRING", 1) // which all readers know
			all = append(all, column{indent + f.Name() + " " + what + null, f.ID(), theirHint(f)})
			continue
		}
		what, inner := "struct", f.Fields()
		if l := f.Type().LogicalType(); l != nil {
			what, inner = strings.ToLower(l.String()), inner[0].Fields()
		}
		all = append(all, column{indent + f.Name() + " " + what + null, f.ID(), ""})
		all = append(all, describeTheirs(inner, indent+" ")...)
	}
	return all
}

// theirHint returns the words of the encoding and the codec.
func theirHint(f parquet.Field) (hint string) {
	if e := f.Encoding(); e != nil {
		hint = map[format.Encoding]string{
			format.Plain: "plain", format.RLEDictionary: "dict", format.DeltaBinaryPacked: "delta", format.DeltaLengthByteArray: "delta",
			format.DeltaByteArray: "delta", format.ByteStreamSplit: "split",
		}[e.Encoding()]
	}
	if c := f.Compression(); c != nil {
		hint += " " + strings.NewReplacer("lz4_raw", "lz4", "uncompressed", "none").Replace(strings.ToLower(c.CompressionCodec().String()))
	}
	return hint
}

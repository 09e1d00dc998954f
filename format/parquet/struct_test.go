package parquet_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
)

type scalars struct {
	Bool    bool
	Int     int
	Int8    int8
	Int16   int16
	Int32   int32
	Int64   int64
	Uint    uint
	Uint8   uint8
	Uint16  uint16
	Uint32  uint32
	Uint64  uint64
	Float32 float32
	Float64 float64
	String  string
	Bytes   []byte
	Fixed   [5]byte
	Time    time.Time
	Raw     json.RawMessage
	Dur     time.Duration
	Kind    kindOfText
}

type kindOfText string

type pointers struct {
	Bool    *bool
	Int     *int
	Int8    *int8
	Int16   *int16
	Int32   *int32
	Int64   *int64
	Uint    *uint
	Uint8   *uint8
	Uint16  *uint16
	Uint32  *uint32
	Uint64  *uint64
	Float32 *float32
	Float64 *float64
	String  *string
	Fixed   *[5]byte
	Time    *time.Time
	Kind    *kindOfText
}

type inner struct {
	A string
	B *int64
	T time.Time
	P *time.Time
	L []string
}

type structs struct {
	Plain   inner
	Pointer *inner
	Deep    *struct {
		X *inner
		Y []inner
	}
}

type lists struct {
	Ints     []int64
	Int16s   []int16
	Uint32s  []uint32
	Strings  []string
	Kinds    []kindOfText
	Blobs    [][]byte
	Times    []time.Time
	Durs     []time.Duration
	Bools    []bool
	Small    []int8
	Float32s []float32
	Floats   []float64
	Fixed    [][3]byte
	Structs  []inner
	Raws     []struct{ R json.RawMessage }
	UUIDs    []struct {
		U [16]byte `parquet:",uuid"`
	}
	Nested   [][]string
	NestedB  [][]bool
	NestedI  [][]int8
	NestedF  [][][2]byte
	NestedS  [][]inner
	Pointers []*string
	PBools   []*bool
	PSmall   []*int8
	PFixed   []*[2]byte
	PKinds   []*kindOfText
	PTimes   []*time.Time
	PStructs []*inner
}

type dicts struct {
	Strings  map[string]string
	Ints     map[int32]float64
	Int8s    map[int8]bool
	Uint16s  map[uint16]uint8
	Uint64s  map[uint64]int
	Kinds    map[kindOfText]kindOfText
	Bytes    map[string][]byte
	Fixed    map[string][4]byte
	Times    map[string]time.Time
	Structs  map[string]inner
	Lists    map[string][]string
	LStructs map[string][]inner
	LPointer map[string][]*inner
	Pointers map[string]*int64
	PBools   map[string]*bool
	PFixed   map[string]*[4]byte
	PStructs map[string]*inner
	InList   []map[string]int64
	InListS  []map[string]inner
	InListP  []map[string]*inner
	Deep     []struct{ M map[string][]int32 }
}

type base struct {
	E1 string
	E2 *int64
	E3 time.Time
	E4 []string `json:"e_four"`
}

type Middle struct {
	F1 map[string]string
	base
}

type embedding struct {
	A int
	Middle
	B []struct {
		base
		Z int
	}
	Hidden  string `json:"-"`
	Dropped func() `parquet:"-"`
	_       any
}

type tagged struct {
	ID      int64             `parquet:"id,delta,id(7)" json:"ignored"`
	Name    string            `json:"name,omitempty"`
	Dict    string            `parquet:"dict,dict"`
	DictP   *string           `parquet:",dict"`
	Split   float64           `parquet:",split"`
	SplitP  *float32          `parquet:",split"`
	DeltaS  string            `parquet:",delta"`
	DeltaB  []byte            `parquet:",delta"`
	Blob    string            `parquet:",bytes"`
	Text    []byte            `parquet:",string"`
	JSON    string            `parquet:",json"`
	JSONB   []byte            `parquet:",json"`
	Enum    string            `parquet:",enum"`
	Milli   time.Time         `parquet:",timestamp(millisecond)"`
	Local   time.Time         `parquet:",timestamp(microsecond:local)"`
	DeltaT  time.Time         `parquet:",delta"`
	UUID    [16]byte          `parquet:",uuid"`
	Dec     int64             `parquet:",decimal(2:18)"`
	DecP    *int32            `parquet:",decimal(3:9)"`
	Date    int32             `parquet:",date"`
	DateP   *int32            `parquet:",date"`
	TimeOf  int64             `parquet:",time(microsecond)"`
	TimeOf2 int32             `parquet:",time(millisecond)"`
	Stamp   int64             `parquet:",timestamp(nanosecond)"`
	StampP  *int64            `parquet:",timestamp(microsecond)"`
	Brotli  string            `parquet:",brotli"`
	LZ4     string            `parquet:",lz4"`
	Gzip    []string          `parquet:"" parquet-element:",gzip,dict"`
	Keys    map[string]string `parquet:"keys,id(9)" parquet-key:",dict" parquet-value:",dict,snappy"`
	DictI   int64             `parquet:",dict"`
	DictF   float64           `parquet:",dict"`
	DictB   bool              `parquet:",dict"`
	DictT   time.Time         `parquet:",dict"`
	DictU   [16]byte          `parquet:",uuid,dict"`
}

var timeType = reflect.TypeFor[time.Time]()

func writersOf[P any](t testing.TB, options parquet.Options) func() format.Writer[P] {
	t.Helper()
	newWriter, err := parquet.Writers[P](options)
	if err != nil {
		t.Fatal(err)
	}
	return newWriter
}

// encoded is the file of payloads.
func encoded[P any](t testing.TB, w format.Writer[P], payloads []P) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := w.InitNew(&out); err != nil {
		t.Fatal(err)
	}
	for i, p := range payloads {
		if n, err := w.Write(p); n != 1 || err != nil {
			t.Fatalf("payload %d: %d rows, %v", i, n, err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func save(t testing.TB, file []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.parquet")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func checkStructs[T any](t *testing.T, duck *formattest.Duck) {
	t.Run(reflect.TypeFor[T]().Name(), func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 11))
		rows := make([]T, 1000)
		for i := range rows {
			random(r, reflect.ValueOf(&rows[i]).Elem(), "")
		}
		pointers := make([]*T, len(rows))
		for i := range rows {
			pointers[i] = &rows[i]
		}
		options := parquet.Options{RowGroupRows: 400, PageBytes: 4 << 10}
		for kind, file := range map[string][]byte{
			"values":   encoded(t, writersOf[T](t, options)(), rows),
			"pointers": encoded(t, writersOf[*T](t, options)(), pointers),
		} {
			wrong := map[string]int{}
			i := 0
			result := "SELECT * FROM read_parquet(" + formattest.Quote(save(t, file)) + ")"
			columns := duck.Query(result + " LIMIT 0").Columns
			duck.Each(result, func(row []any) {
				if i >= len(rows) {
					t.Fatal("too many rows")
				}
				want := expected(reflect.ValueOf(rows[i]), "").(map[string]any)
				for c, got := range row {
					if got, want := sorted(got), want[columns[c]]; !reflect.DeepEqual(got, want) {
						if wrong[columns[c]]++; wrong[columns[c]] == 1 {
							t.Errorf("%s: row %d, column %s is %#v, want %#v", kind, i, columns[c], got, want)
						}
					}
				}
				i++
			})
			if want := len(expected(reflect.ValueOf(rows[0]), "").(map[string]any)); i != len(rows) || len(columns) != want {
				t.Errorf("%s: %d rows of %d columns, wrong: %v", kind, i, len(columns), wrong)
			}
			if len(wrong) > 0 {
				t.Logf("%s: wrong values: %v", kind, wrong)
			}
		}
	})
}

func TestStructsComeBackFromDuckDBAsTheyWere(t *testing.T) {
	duck := formattest.DuckDB(t)
	checkStructs[scalars](t, duck)
	checkStructs[pointers](t, duck)
	checkStructs[structs](t, duck)
	checkStructs[lists](t, duck)
	checkStructs[dicts](t, duck)
	checkStructs[embedding](t, duck)
	checkStructs[tagged](t, duck)
}

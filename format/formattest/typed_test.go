package formattest_test

import (
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

func asParquet(plan columns.Appender[any]) (func() format.Writer[any], error) {
	return parquet.PlanWriters(plan, parquet.Options{})
}

func TestAWrongValueAnywhereIsFoundByAllReaders(t *testing.T) {
	readers := formattest.ParquetReaders(t)
	r := rand.New(rand.NewPCG(1, 2))
	for i, c := range formattest.Matrix() {
		if i%8 > 0 && c.Name != "keys of maps" {
			continue
		}
		path := filepath.Join(t.TempDir(), "case")
		if err := c.Write(path, asParquet); err != nil {
			t.Fatal(err)
		}
		for _, reader := range readers {
			table, err := reader.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			for range 20 {
				n, field := r.IntN(len(c.Want)), r.IntN(len(c.Columns))
				row := c.Want[n]
				changed := append(formattest.Struct{}, row...)
				changed[field].Value = wrong(r, row[field].Value)
				c.Want[n] = changed
				found := reader.Check(table, c.Columns, c.Want)
				c.Want[n] = row
				if len(found) == 0 {
					t.Errorf("%s: %s does not find that %s is not %v, but %v", c.Name, reader.Name(), row[field].Name,
						row[field].Value, changed[field].Value)
				}
			}
		}
	}
}

// wrong returns a value that differs from v in one place.
func wrong(r *rand.Rand, v any) any {
	switch v := v.(type) {
	case formattest.List:
		if len(v) == 0 {
			return nil
		}
		list := append(formattest.List{}, v...)
		i := r.IntN(len(v))
		list[i] = wrong(r, v[i])
		return list
	case formattest.Map:
		if len(v) == 0 {
			return formattest.Map{{Key: formattest.Text("k")}}
		}
		entries := append(formattest.Map{}, v...)
		e := &entries[r.IntN(len(v))]
		if r.IntN(2) == 0 {
			e.Key = wrong(r, e.Key)
		} else {
			e.Value = wrong(r, e.Value)
		}
		return entries
	case formattest.Struct:
		fields := append(formattest.Struct{}, v...)
		f := &fields[r.IntN(len(v))]
		f.Value = wrong(r, f.Value)
		return fields
	case formattest.Timestamp:
		v.Count += 1_000_000
		return v
	case formattest.TimeOfDay:
		v.Count += 1_000_000
		return v
	case formattest.Date:
		return v + 1
	case formattest.Duration:
		return v + 1
	case formattest.Float32:
		return v ^ 1<<31
	case formattest.Float64:
		return v ^ 1<<63
	case formattest.UUID:
		v[15] ^= 1
		return v
	case formattest.Int:
		return v + "0"
	case formattest.Decimal:
		return v + "0"
	case formattest.Text:
		return v + "\x00"
	case formattest.JSON:
		return v + " "
	case formattest.Bytes:
		return v + "\x00"
	case bool:
		return !v
	}
	return formattest.Text("not null")
}

func TestMissingRowsAndColumnsAreFound(t *testing.T) {
	reader := formattest.ParquetGo()
	c := formattest.Matrix()[0]
	path := filepath.Join(t.TempDir(), "case")
	if err := c.Write(path, asParquet); err != nil {
		t.Fatal(err)
	}
	table, err := reader.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if found := reader.Check(table, c.Columns, c.Want); len(found) > 0 {
		t.Fatalf("a right file is wrong: %q", found)
	}
	if len(reader.Check(table, c.Columns[1:], c.Want)) == 0 {
		t.Error("a column too many is not found")
	}
	fewer, more := c.Want[1:], append(c.Want, c.Want[0])
	if len(reader.Check(table, c.Columns, fewer)) == 0 || len(reader.Check(table, c.Columns, more)) == 0 {
		t.Error("a row too many or too few is not found")
	}
	if _, err := reader.Read(path + "no"); err == nil {
		t.Error("there is no error for a file that is not there")
	}
}

func TestAnAcceptedRowThatIsToBeRejectedIsFound(t *testing.T) {
	type row struct{ N int64 }
	c := &formattest.Case{Type: reflect.TypeFor[row](), Rejected: []any{&row{1}}}
	if err := c.Write(filepath.Join(t.TempDir(), "case"), asParquet); err == nil || !strings.Contains(err.Error(), "accepted") {
		t.Errorf("the error is %v", err)
	}
}

func TestRandomCasesComeAgainByTheirSeed(t *testing.T) {
	types := map[reflect.Type]bool{}
	rejected, omitted, coded := 0, 0, 0
	for seed := range uint64(300) {
		a, b := formattest.Random(seed), formattest.Random(seed)
		if a.Type != b.Type || !reflect.DeepEqual(a.Want, b.Want) {
			t.Fatalf("seed %d makes %s, then %s, or other values of it", seed, a.Type, b.Type)
		}
		types[a.Type] = true
		rejected += len(a.Rejected)
		omitted += strings.Count(a.Type.String(), "omitempty")
		coded += strings.Count(a.Type.String(), "zstd")
		if _, err := schema.OfType(a.Type); err != nil {
			t.Error(err)
		}
	}
	if len(types) < 290 || rejected < 50 || omitted < 50 || coded < 10 {
		t.Errorf("%d types, %d rows to reject, %d omitempty, %d zstd", len(types), rejected, omitted, coded)
	}
}

func TestCanonicalNumbersAreTellable(t *testing.T) {
	for want, got := range map[formattest.Decimal]formattest.Decimal{
		"0.00": formattest.Dec("0", 2), "-0.01": formattest.Dec("-1", 2), "12.50": formattest.Dec("1250", 2),
		"-7": formattest.Dec("-7", 0), "0.99999": formattest.Dec("99999", 5), "-100.0": formattest.Dec("-1000", 1),
	} {
		if got != want {
			t.Errorf("decimal is %s, want %s", got, want)
		}
	}
	zero := 0.0
	if formattest.F64(zero) == formattest.F64(-1/(1/zero)) || formattest.F32(0) == formattest.F32(float32(-1/(1/zero))) {
		t.Error("0 is -0")
	}
	nan := zero / zero
	if formattest.F64(nan) != formattest.F64(-nan) || formattest.F32(float32(nan)) != formattest.F32(-float32(nan)) {
		t.Error("NaN is not NaN")
	}
}

func TestNothingIsLeftOfTheReaders(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("used", func(t *testing.T) {
		for _, r := range append(formattest.ParquetReaders(t), formattest.ArrowReaders(t)...) {
			if _, err := r.Read(filepath.Join(t.TempDir(), "none")); err == nil {
				t.Errorf("%s reads a file that is not there", r.Name())
			}
		}
	})
	goleak.VerifyNone(t, before)
}

func TestTheTablesOfTimesAreRight(t *testing.T) {
	at, seconds, nanos, offsets := formattest.Moments()
	for i := range at {
		_, offset := at[i].Zone()
		if at[i].Unix() != seconds[i] || int64(at[i].Nanosecond()) != nanos[i] || int64(offset) != offsets[i] {
			t.Errorf("%s is said to be %d seconds, %d nanoseconds and %d before UTC", at[i], seconds[i], nanos[i], offsets[i])
		}
	}
}

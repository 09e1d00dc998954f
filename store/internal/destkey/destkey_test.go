package destkey_test

import (
	"errors"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/store/internal/destkey"
)

type inner struct{ Hour int8 }

type key struct {
	inner
	Region  string
	ID      uint64
	Ratio   float32
	Point   complex128
	Day     [2]time.Time
	Address netip.Addr
	_       string
	Live    bool
}

func TestKeysComeBack(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	now := time.Now() // with a reading of the monotonic clock
	seen := make(map[string]key)
	for _, k := range []key{
		{},
		{Region: "eu"},
		{Region: "\x00\xff/../"},
		{Region: strings.Repeat("x", 4000)},
		{ID: math.MaxUint64, inner: inner{math.MinInt8}},
		{Ratio: -1.5, Point: complex(1, math.Inf(-1))},
		{Day: [2]time.Time{now, now.In(berlin)}},
		{Day: [2]time.Time{now.In(berlin), now}},
		{Address: netip.MustParseAddr("fe80::1%eth0"), Live: true},
	} {
		text, err := destkey.Encode(k)
		if err != nil {
			t.Errorf("%+v: %v", k, err)
			continue
		}
		if strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("%+v is %q", k, text)
		}
		if other, taken := seen[text]; taken {
			t.Errorf("%+v and %+v are both %s", k, other, text)
		}
		seen[text] = k
		got, err := destkey.Decode[key](text)
		if err != nil {
			t.Errorf("%+v: %v", k, err)
		}
		for i := range got.Day {
			_, offset := got.Day[i].Zone()
			if _, want := k.Day[i].Zone(); !got.Day[i].Equal(k.Day[i]) || offset != want {
				t.Errorf("%v comes back as %v", k.Day[i], got.Day[i])
			}
			got.Day[i] = k.Day[i]
		}
		if got != k {
			t.Errorf("%+v comes back as %+v", k, got)
		}
	}
}

func TestEqualKeysHaveOneText(t *testing.T) {
	now := time.Now()
	for _, equal := range [][2]any{
		{0.0, math.Copysign(0, -1)},
		{[1]float64{0}, [1]float64{math.Copysign(0, -1)}},
		{complex(0, 0), complex(math.Copysign(0, -1), math.Copysign(0, -1))},
		{now, now},
	} {
		if a, b := encodeAny(t, equal[0]), encodeAny(t, equal[1]); a != b {
			t.Errorf("%v is %s, but %v is %s", equal[0], a, equal[1], b)
		}
	}
	// Ledgers keep it, so it stays.
	for want, k := range map[string]any{"kAmV1": "eu", "k9AM": 250, "kAmV1AQ": struct {
		Region string
		ID     int
	}{"eu", -1}} {
		if got := encodeAny(t, k); got != want {
			t.Errorf("%v is %s, and was %s", k, got, want)
		}
	}
}

func encodeAny(t *testing.T, k any) (text string) {
	t.Helper()
	var err error
	switch k := k.(type) {
	case string:
		text, err = destkey.Encode(k)
	case int:
		text, err = destkey.Encode(k)
	case float64:
		text, err = destkey.Encode(k)
	case [1]float64:
		text, err = destkey.Encode(k)
	case complex128:
		text, err = destkey.Encode(k)
	case time.Time:
		text, err = destkey.Encode(k)
	case struct {
		Region string
		ID     int
	}:
		text, err = destkey.Encode(k)
	default:
		t.Fatalf("%T", k)
	}
	if err != nil {
		t.Errorf("%v: %v", k, err)
	}
	return text
}

// lossy does not come back as it was.
type lossy struct{ s string }

func (l lossy) MarshalText() ([]byte, error)     { return []byte(strings.ToLower(l.s)), nil }
func (l *lossy) UnmarshalText(text []byte) error { l.s = string(text); return nil }

// explosive panics.
type explosive struct{ s string }

func (e explosive) MarshalText() ([]byte, error) { return []byte(e.s), nil }

func (e *explosive) UnmarshalText(text []byte) error {
	e.s = string(text[3:])
	return nil
}

func TestKeysThatCannotBeWrittenSaySo(t *testing.T) {
	for what, test := range map[string]struct {
		encode func() (string, error)
		ofType bool
	}{
		"lossy":      {func() (string, error) { return destkey.Encode(lossy{"A"}) }, false},
		"panics":     {func() (string, error) { return destkey.Encode(explosive{"x"}) }, false},
		"NaN":        {func() (string, error) { return destkey.Encode(math.NaN()) }, false},
		"too long":   {func() (string, error) { return destkey.Encode(strings.Repeat("x", 4<<10)) }, false},
		"pointer":    {func() (string, error) { return destkey.Encode(new(int)) }, true},
		"channel":    {func() (string, error) { return destkey.Encode(make(chan int)) }, true},
		"interface":  {func() (string, error) { return destkey.Encode[any]("x") }, true},
		"unexported": {func() (string, error) { return destkey.Encode(struct{ Region, tenant string }{"eu", "x"}) }, true},
		"nested":     {func() (string, error) { return destkey.Encode([1]struct{ P *int }{}) }, true},
	} {
		text, err := test.encode()
		var ofType *destkey.TypeError
		if text != "" || err == nil || errors.As(err, &ofType) != test.ofType {
			t.Errorf("%s: Encode returns %q, %v", what, text, err)
		}
	}
	if text, err := destkey.Encode(lossy{"a"}); err != nil {
		t.Errorf("Encode returns %q, %v", text, err)
	}
}

func TestOneKeyHasNoSecondText(t *testing.T) {
	for what, decode := range map[string]func() (any, error){
		"bool of 2":        func() (any, error) { return destkey.Decode[bool]("kAg") },
		"long varint":      func() (any, error) { return destkey.Decode[int]("kgAA") },
		"int8 of 128":      func() (any, error) { return destkey.Decode[int8]("kgAI") },
		"-0":               func() (any, error) { return destkey.Decode[float64]("kgAAAAAAAAAA") },
		"NaN":              func() (any, error) { return destkey.Decode[float64]("kf_gAAAAAAAE") },
		"more than it":     func() (any, error) { return destkey.Decode[bool]("kAQE") },
		"less than it":     func() (any, error) { return destkey.Decode[string]("kAmU") },
		"of no known type": func() (any, error) { return destkey.Decode[any]("k") },
	} {
		if k, err := decode(); err == nil {
			t.Errorf("%s is decoded as %v", what, k)
		}
	}
}

// FuzzDecode tries texts that a ledger may hold: each is how one key is written, or an error.
func FuzzDecode(f *testing.F) {
	for _, k := range []key{{}, {Region: "eu", ID: 7, Ratio: 1, Live: true}, {Day: [2]time.Time{time.Now(), {}}, Address: netip.MustParseAddr("::1")}} {
		text, err := destkey.Encode(k)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		f.Add(text[:len(text)/2])
	}
	f.Add("")
	f.Add("k")
	f.Add("kAg==")
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := destkey.Decode[key](text); err == nil {
			if reencoded, err := destkey.Encode(k); reencoded != text || err != nil {
				t.Errorf("%q is decoded as %+v, which is %q, %v", text, k, reencoded, err)
			}
		}
		_, _ = destkey.Decode[explosive](text)
	})
}

package store_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jetcapture/lake/store"
)

// hostile are values that often lead out of a folder, or are read back as other values.
var hostile = []string{
	"", ".", "..", "../..", "/", "//", "/etc/passwd", "a/b", `a\b`, "a", "A", "a ", " a", "a=b", "=", "a%2Fb", "%", "%25", "100%", "%2E",
	"%5F_HIVE_DEFAULT_PARTITION__", "__HIVE_DEFAULT_PARTITION__", "%5F%5FHIVE_DEFAULT_PARTITION__", "_", "_a", "%5Fa", ".a", "%2Ea", "~", "a~b",
	"\x00", "a\x00b", "\x7f", "\n", "\xff", "a\xffb", "%FF", "\ufffd", "é", "e\u0301", "日本語", "👩‍🚀", "\u202e", "*", "?", "[a-z]", "{a,b}", "^", ":", `"`, "'", "#",
	strings.Repeat("x", 200), strings.Repeat("x", 201), strings.Repeat("x", 4096), strings.Repeat("x", 4095) + "y", strings.Repeat("/", 66), strings.Repeat("/", 67), strings.Repeat("/", 4096),
	strings.Repeat("é", 100), strings.Repeat("é", 101), strings.Repeat("日", 4096), strings.Repeat("\xff", 300), "." + strings.Repeat("x", 199), "." + strings.Repeat("x", 197), "." + strings.Repeat("x", 198),
	strings.Repeat("x", 165) + "~" + strings.Repeat("0", 32),
	"null", "%6Eull", "NULL", "0x10", "%30x10", "-0", "0", "00", "2026-1-1", "2026-01-01", "epoch", strings.Repeat("9", 199), "+" + strings.Repeat("9", 197), "+" + strings.Repeat("9", 300),
}

// unescape reads a folder's name back, as a reader of Hive-style folders does. What was cut cannot be read back.
func unescape(t *testing.T, escaped string) (value string, cut bool) {
	t.Helper()
	if strings.Contains(escaped, "~") {
		return "", true
	}
	value, err := url.PathUnescape(escaped)
	if err != nil {
		t.Errorf("%q: %v", escaped, err)
	}
	if escaped == "__HIVE_DEFAULT_PARTITION__" || escaped == "%5F_HIVE_DEFAULT_PARTITION__" {
		value = ""
	}
	return value, false
}

func wantReadable(t *testing.T, escaped, value string) {
	t.Helper()
	if got, cut := unescape(t, escaped); !cut && got != value {
		t.Errorf("%q becomes %q, which reads as %q", value, escaped, got)
	}
}

func TestNoTwoValuesShareAFolder(t *testing.T) {
	bare, part := make(map[string]string), make(map[string]string)
	for _, value := range hostile {
		for name, seen := range map[string]map[string]string{store.EscapeHive(value): bare, store.HivePart("name", value): part} {
			if other, taken := seen[name]; taken {
				t.Errorf("%.50q and %.50q share the folder %q", value, other, name)
			}
			seen[name] = value
			if err := store.ValidName(name); err != nil || strings.Contains(name, "/") || len(name) > 200 {
				t.Errorf("%.50q becomes %q, %d bytes, %v", value, name, len(name), err)
			}
		}
		if bare := store.EscapeHive(value); strings.HasPrefix(bare, ".") || strings.HasPrefix(bare, "_") {
			t.Errorf("%.50q becomes %q, which readers pass over", value, bare)
		}
		wantReadable(t, store.EscapeHive(value), value)
		wantReadable(t, strings.TrimPrefix(store.HivePart("name", value), "name="), value)
	}
}

func TestEscapes(t *testing.T) {
	for value, want := range map[string]string{
		"":                           "__HIVE_DEFAULT_PARTITION__",
		"__HIVE_DEFAULT_PARTITION__": "%5F%5FHIVE_DEFAULT_PARTITION__",
		"eu-west_1.a b+c@d&e":        "eu-west_1.a b+c@d&e",
		".hidden":                    ".hidden",
		"a/b":                        "a%2Fb",
		`"#%'*/:=?\{[]^~`:            "%22%23%25%27%2A%2F%3A%3D%3F%5C%7B%5B%5D%5E%7E",
		"\x00\x1f\x7f\xff":           "%00%1F%7F%FF",
		"é}":                         "é}",
		"null":                       "%6Eull",
		"Null":                       "%4Eull",
		"nulls":                      "nulls",
		"0x10":                       "%30x10",
		"-0":                         "%2D0",
		"+1":                         "%2B1",
		" 1":                         "%201",
		"42":                         "42",
		"-42":                        "-42",
		"007":                        "007",
		"1.5":                        "1.5",
		"10.0.0.1":                   "10.0.0.1",
		"2026-1-1":                   "%32026-1-1",
		"2026-01-01":                 "2026-01-01",
		"2026-01-01 (BC)":            "%32026-01-01 (BC)",
		"epoch":                      "%65poch",
		"-Infinity":                  "%2DInfinity",
		"1b4e28ba-2fa1-11d2-883f":    "1b4e28ba-2fa1-11d2-883f",
		strings.Repeat("x", 198):     strings.Repeat("x", 198),
		strings.Repeat("x", 199):     strings.Repeat("x", 165) + "~f18029ae3f973208860c668e7b0c042e",
	} {
		if got := store.HivePart("n", value); got != "n="+want {
			t.Errorf("%q becomes %q, want %q", value, got, "n="+want)
		}
	}
	for value, want := range map[string]string{"": "%5F_HIVE_DEFAULT_PARTITION__", ".a": "%2Ea", "_a": "%5Fa", "a.b_c": "a.b_c", "null": "%6Eull"} {
		if got := store.EscapeHive(value); got != want {
			t.Errorf("%q becomes %q, want %q", value, got, want)
		}
	}
	if got := store.HivePart("null", "c"); got != "null=c" {
		t.Errorf("the name null becomes %q", got)
	}
	if got := store.HivePart("a=b/_", "c"); got != "a%3Db%2F_=c" {
		t.Errorf("the name a=b/_ becomes %q", got)
	}
	if got := store.HivePart(strings.Repeat("n", 300), strings.Repeat("v", 300)); len(got) > 200 || store.ValidName(got) != nil {
		t.Errorf("a long name becomes %q", got)
	}
}

type (
	level   int
	tenant  string
	textKey struct{ n int }
	flags   [2]bool
	place   struct {
		Region string
		Zone   uint8 `hive:"az"`
	}
	inner struct{ Inner string }
	key   struct {
		TenantID tenant
		place
		inner
		Level   level
		Started time.Time
		Address netip.Addr
		Small   bool   `hive:"is_small"`
		Note    string `hive:"-"`
		hidden  string `hive:"-"`
	}
)

func (l level) String() string                  { return [...]string{"low", "high"}[l] }
func (k *textKey) MarshalText() ([]byte, error) { return []byte(strings.Repeat("t", k.n)), nil }
func (f flags) String() string                  { return "flags" }

func TestHivePath(t *testing.T) {
	berlin := time.FixedZone("", 3600)
	started := time.Date(2026, 11, 23, 13, 15, 0, 0, berlin)
	wantPath(t, "orders.eu", "orders.eu")
	wantPath(t, "", "%5F_HIVE_DEFAULT_PARTITION__")
	wantPath(t, tenant("../.."), "%2E.%2F..")
	wantPath(t, -7, "-7")
	wantPath(t, uint64(1<<63), "9223372036854775808")
	wantPath(t, true, "true")
	wantPath(t, level(1), "high")
	wantPath(t, textKey{3}, "ttt")
	wantPath(t, flags{}, "flags")
	wantPath(t, started, "2026-11-23T12%3A15%3A00Z")
	wantPath(t, started.Add(time.Nanosecond), "2026-11-23T12%3A15%3A00.000000001Z")
	wantPath(t, netip.MustParseAddr("::1"), "%3A%3A1")
	wantPath(t, struct{}{}, "")
	wantPath(t, struct {
		Note string `hive:"-"`
	}{"x"}, "")
	wantPath(t, place{"", 3}, "region=__HIVE_DEFAULT_PARTITION__/az=3")
	wantPath(t, place{"__HIVE_DEFAULT_PARTITION__", 3}, "region=%5F%5FHIVE_DEFAULT_PARTITION__/az=3")
	wantPath(t, key{
		TenantID: "a/b", place: place{"eu", 1}, inner: inner{"x"}, Level: 1, Started: started,
		Address: netip.MustParseAddr("10.0.0.1"), Small: true, Note: "n", hidden: "h",
	}, "tenant_id=a%2Fb/region=eu/az=1/inner=x/level=high/started=2026-11-23T12%3A15%3A00Z/address=10.0.0.1/is_small=true")
	wantPath(t, struct {
		HTTPServer, ID, UserID2, X, ABTest, Already_snake string
	}{"1", "2", "3", "4", "5", "6"}, "http_server=1/id=2/user_id2=3/x=4/ab_test=5/already_snake=6")
}

func wantPath[K comparable](t *testing.T, key K, want string) {
	t.Helper()
	for range 2 { // the second time by the plan that was kept
		got, err := store.HivePath(key)
		if err != nil || got != want {
			t.Errorf("HivePath(%#v) = %q, %v, want %q", key, got, err, want)
		}
	}
}

func TestTypesThatMakeNoSenseAsAFolder(t *testing.T) {
	wantNoPath(t, 1.5, "float64")
	wantNoPath(t, complex(1, 2), "complex128")
	wantNoPath(t, [2]byte{}, "array")
	wantNoPath(t, new(string), "ptr")
	wantNoPath(t, any("a"), "interface")
	wantNoPath(t, make(chan int), "chan")
	wantNoPath(t, struct{ price string }{}, "struct")
	wantNoPath(t, struct {
		Region string
		Price  float64
	}{}, `field Price`, "float64", `hive:"-"`)
	wantNoPath(t, struct{ Region *string }{}, "field Region", "ptr")
	wantNoPath(t, struct{ Region any }{}, "field Region", "interface")
	wantNoPath(t, struct{ Place place }{}, "field Place", "embedded")
	wantNoPath(t, struct {
		Region string
		secret int
	}{}, "field secret", "unexported", `hive:"-"`)
	wantNoPath(t, struct {
		place
		Region string
	}{}, "field Region", `"region" already`)
	wantNoPath(t, struct {
		Region string `hive:""`
	}{}, "field Region", "empty")
	wantNoPath(t, struct {
		A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R string
	}{}, "field R", "640 bytes")
}

func wantNoPath[K comparable](t *testing.T, key K, mentions ...string) {
	t.Helper()
	path, err := store.HivePath(key)
	if !store.IsPermanent(err) {
		t.Errorf("HivePath(%#v) = %q, %v, want a Permanent error", key, path, err)
		return
	}
	for _, word := range mentions {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("HivePath(%#v) says %q, want it to mention %q", key, err, word)
		}
	}
}

type wide struct{ A, B, C, D, E, F, G, H string }

func TestManyLongFieldsFitInAName(t *testing.T) {
	seen := make(map[string]wide)
	for _, v := range hostile {
		for _, key := range []wide{{A: v}, {H: v}, {v, v, v, v, v, v, v, v}, {v, v, v, v, v, v, v, "x"}, {"x", v, v, v, v, v, v, v}} {
			path, err := store.HivePath(key)
			if err != nil || len(path) > 640 || store.ValidName(path) != nil {
				t.Errorf("HivePath of %.20q gives %d bytes, %v, %v", v, len(path), err, store.ValidName(path))
			}
			if other, taken := seen[path]; taken && other != key {
				t.Errorf("%.200q and %.200q share the path %q", key, other, path)
			}
			seen[path] = key
		}
	}
}

type pair struct{ A, B string }

func FuzzHivePath(f *testing.F) {
	for i, v := range hostile {
		f.Add(v, hostile[(i+1)%len(hostile)], hostile[(i+7)%len(hostile)], v)
	}
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		one, other := pair{a, b}, pair{c, d}
		onePath, err := store.HivePath(one)
		if err != nil {
			t.Fatal(err)
		}
		otherPath, err := store.HivePath(other)
		if err != nil {
			t.Fatal(err)
		}
		if (onePath == otherPath) != (one == other) {
			t.Errorf("%q has the path %q, %q has %q", one, onePath, other, otherPath)
		}
		folders := strings.Split(onePath, "/")
		if len(folders) != 2 || !strings.HasPrefix(folders[0], "a=") || !strings.HasPrefix(folders[1], "b=") {
			t.Fatalf("%q has the path %q", one, onePath)
		}
		wantReadable(t, folders[0][2:], a)
		wantReadable(t, folders[1][2:], b)
		bare, err := store.HivePath(a)
		if err != nil {
			t.Fatal(err)
		}
		wantReadable(t, bare, a)
		for _, name := range []string{bare, onePath, bare + "/x"} {
			if err := store.ValidName(name); err != nil {
				t.Error(err)
			}
		}
		if strings.ContainsAny(bare[:1], "._") || strings.Contains(bare, "/") || len(bare) > 200 || !utf8.ValidString(bare) {
			t.Errorf("%q has the folder %q", a, bare)
		}
	})
}

func TestLayouts(t *testing.T) {
	start := time.Date(2026, 11, 24, 0, 5, 0, 0, time.FixedZone("", 12*3600))
	for want, layout := range map[string]store.Layout{"date=2026-11-23/hour=12": store.HiveLayout, "2026/11/23/12/05": store.DateLayout} {
		if got := layout(start); got != want {
			t.Errorf("the folder is %q, want %q", got, want)
		}
	}
}

func BenchmarkHivePath(b *testing.B) {
	key := pair{"eu-west-1", "orders/2026"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.HivePath(key); err != nil {
			b.Fatal(err)
		}
	}
}

package schematest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/schematest"
)

// A run is a test that notes how it ends.
type run struct {
	testing.TB
	failed bool
	log    string
}

func (r *run) Helper()      {}
func (r *run) Name() string { return "TestOrders/all" }

func (r *run) Logf(format string, args ...any) { r.log += fmt.Sprintf(format, args...) }

func (r *run) Errorf(format string, args ...any) {
	r.failed = true
	r.Logf(format, args...)
}

func (r *run) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(r)
}

func golden[T any](t *testing.T, path string) (r *run) {
	t.Helper()
	s, err := schema.Of[T]()
	if err != nil {
		t.Fatal(err)
	}
	r = &run{TB: t}
	defer func() {
		if p := recover(); p != nil && p != any(r) {
			panic(p)
		}
	}()
	schematest.Golden(r, path, s)
	return r
}

type order struct {
	ID   int64   `json:"id"`
	Note *string `json:"note"`
}

func TestGoldenFailsOnBreakingChangesOnly(t *testing.T) {
	type added struct {
		Priority *int32 `json:"priority"`
		order
	}
	type renamed struct {
		ID   int64   `json:"order_id"`
		Note *string `json:"note"`
	}
	type retyped struct {
		ID   string  `json:"id"`
		Note *string `json:"note"`
	}
	path := filepath.Join(t.TempDir(), "new", "order.json")
	t.Setenv(schematest.UpdateVariable, "1")
	golden[order](t, path)
	t.Setenv(schematest.UpdateVariable, "")

	for name, test := range map[string]struct {
		run    *run
		failed bool
		want   string
	}{
		"same":    {golden[order](t, path), false, ""},
		"added":   {golden[added](t, path), false, "priority: compatible: added"},
		"renamed": {golden[renamed](t, path), true, `id: breaking: renamed to "order_id"`},
		"retyped": {golden[retyped](t, path), true, "id: breaking: string, was int64"},
		"reordered": {golden[struct {
			Note *string `parquet:"note,id(2)"`
			ID   int64   `parquet:"id,id(1)"`
		}](t, path), false, "the order of columns"},
	} {
		if test.run.failed != test.failed {
			t.Errorf("%s: failed is %t: %s", name, test.run.failed, test.run.log)
		}
		if !strings.Contains(test.run.log, test.want) || (test.want == "" && test.run.log != "") {
			t.Errorf("%s: log lacks %q: %s", name, test.want, test.run.log)
		}
		if command := "UPDATE_SCHEMA=1 go test -run '^TestOrders$/^all$'"; test.want != "" && !strings.Contains(test.run.log, command) {
			t.Errorf("%s: log lacks %q: %s", name, command, test.run.log)
		}
	}
}

func TestGoldenFailsWithoutASoundFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "order.json")
	if r := golden[order](t, path); r == nil || !r.failed || !strings.Contains(r.log, "UPDATE_SCHEMA=1") {
		t.Errorf("no file passes: %+v", r)
	}
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := golden[order](t, path); r == nil || !r.failed {
		t.Errorf("a file without columns passes: %+v", r)
	}
	t.Setenv(schematest.UpdateVariable, "1")
	golden[order](t, path)
	t.Setenv(schematest.UpdateVariable, "")
	if r := golden[order](t, path); r.failed {
		t.Errorf("an updated file fails: %s", r.log)
	}
}

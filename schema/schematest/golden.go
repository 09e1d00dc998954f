// Package schematest makes a test of a schema, so that the change of a Go type that would break the readers of its files
// fails before it is merged.
//
//	type → schema.Of → Golden → the file in the repository, which has the schema that is in use
//
// The file is JSON, to be kept beside the test in version control:
//
//	func TestOrdersCanBeReadWithThoseOfBefore(t *testing.T) {
//		s, err := schema.Of[Order]()
//		if err != nil {
//			t.Fatal(err)
//		}
//		schematest.Golden(t, "testdata/order.schema.json", s)
//	}
package schematest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jetcapture/lake/schema"
)

// UpdateVariable is the environment variable that makes Golden write the file instead of comparing it, if it is not empty.
const UpdateVariable = "UPDATE_SCHEMA"

// Golden compares s with the schema in the file at path, which it does not change unless UpdateVariable is set. The test
//
//   - fails on a breaking change, see schema.Compare, and if there is no such file,
//   - passes on other changes, and logs them with how to take them into the file,
//   - passes in silence if there are none.
func Golden(t testing.TB, path string, s *schema.Schema) {
	t.Helper()
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatalf("write schema: %v", err)
	}
	data = append(data, '\n')

	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("read schema: %v", err)
	}
	exists := err == nil
	if os.Getenv(UpdateVariable) != "" {
		if !bytes.Equal(before, data) {
			write(t, path, data)
		}
		return
	}
	update := "to update the file, run\n\t" + UpdateVariable + "=1 go test -run '^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$'"
	if !exists {
		t.Fatalf("there is no schema at %s: %s", path, update)
	}
	var old schema.Schema
	if err := json.Unmarshal(before, &old); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	changes := schema.Compare(&old, s)
	switch {
	case schema.IsBreaking(changes):
		t.Errorf("files of this schema cannot be read together with those of %s:\n%s"+
			"if nobody reads both, %s", path, list(changes), update)
	case len(changes) > 0 || old.Fingerprint() != s.Fingerprint():
		t.Logf("the schema is not that of %s any more, but files of both can be read together:\n%s%s", path, list(changes), update)
	}
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatalf("write schema: %v", err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatalf("write schema: %v", err)
	}
	t.Logf("wrote %s", path)
}

func list(changes []schema.Change) string {
	if len(changes) == 0 {
		return "\tthe order of columns\n"
	}
	var b strings.Builder
	for _, c := range changes {
		b.WriteString("\t" + c.String() + "\n")
	}
	return b.String()
}

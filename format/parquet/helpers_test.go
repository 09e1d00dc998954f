package parquet_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/parquet"
)

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

func openFile(t *testing.T, path string) (f *os.File, size int64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return f, info.Size()
}

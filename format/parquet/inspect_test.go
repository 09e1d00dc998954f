package parquet_test

import (
	"bytes"
	"testing"

	"github.com/jetcapture/lake/format/parquet"
)

func inspect(t testing.TB, file []byte) *parquet.FileInfo {
	t.Helper()
	info, err := parquet.Inspect(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

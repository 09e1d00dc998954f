package schema_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/jetcapture/lake/schema"
)

func TestCodecsAreRefusedWithThoseThatAreSupported(t *testing.T) {
	for codec, want := range map[schema.Codec]string{
		schema.AnyCodec: "",
		schema.Zstd:     "",
		schema.GZip:     `unsupported codec "gzip": use "none", "zstd" or "lz4"`,
		"ZSTD":          `unknown codec "ZSTD": use "none", "zstd" or "lz4"`,
		"uncompressed":  `unknown codec "uncompressed": use "none", "zstd" or "lz4"`,
	} {
		got := ""
		if err := codec.Check(schema.Uncompressed, schema.Zstd, schema.LZ4); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %s, want %s", codec, got, want)
		}
	}
	if err := schema.Codec("lzo").Validate(); err == nil || !strings.Contains(err.Error(), `"none", "gzip", "snappy", "zstd", "zstd-better", "lz4" or "brotli"`) {
		t.Errorf("Validate returns %v", err)
	}
}

func TestNoCompressionIsNotTheDefaultCodec(t *testing.T) {
	type row struct {
		Default string
		None    string `parquet:",uncompressed"`
		Better  string `parquet:",zstd-better"`
	}
	s, err := schema.Of[row]()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var read schema.Schema
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*schema.Schema{s, &read} {
		for i, want := range []schema.Codec{schema.AnyCodec, schema.Uncompressed, schema.ZstdBetter} {
			if got := s.Leaves()[i].Hints().Codec; got != want {
				t.Errorf("column %d has codec %q, want %q", i, got, want)
			}
		}
	}
	if !strings.Contains(string(text), `"codec":"uncompressed"`) {
		t.Errorf("the JSON is %s", text)
	}
	if err := json.Unmarshal([]byte(strings.Replace(string(text), "uncompressed", "none", 1)), &read); err != nil {
		t.Errorf("with the name of the codec: %v", err)
	}
}

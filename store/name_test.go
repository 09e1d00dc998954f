package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/jetcapture/lake/store"
)

func TestValidName(t *testing.T) {
	for _, name := range []string{"a", "a/b", ".a", "...", "a b", "%", "ü/日", "a:b", strings.Repeat("n", 255), strings.Repeat("n/", 511) + "nn"} {
		if err := store.ValidName(name); err != nil {
			t.Errorf("ValidName(%q) = %v", name, err)
		}
	}
	for name, mentions := range map[string]string{
		"": "empty", "/": "empty element", "/a": "empty element", "a/": "empty element", "a//b": "empty element",
		".": `"."`, "..": `".."`, "a/./b": `"."`, "../a": `".."`, "a/..": `".."`,
		"a\x00": "NUL", `a\b`: "backslash", "\xff": "UTF-8",
		strings.Repeat("n", 256): "256 bytes", strings.Repeat("ü", 128): "256 bytes", strings.Repeat("n/", 512) + "n": "1025 bytes",
	} {
		err := store.ValidName(name)
		if !store.IsPermanent(err) || !strings.Contains(err.Error(), mentions) || len(err.Error()) > 500 {
			t.Errorf("ValidName(%.40q) = %v, want a Permanent error that mentions %q", name, err, mentions)
		}
	}
}

func TestPermanent(t *testing.T) {
	if store.Permanent(nil) != nil || store.IsPermanent(nil) || store.IsPermanent(fs.ErrExist) {
		t.Error("what was not marked is Permanent")
	}
	err := fmt.Errorf("open: %w", store.Permanent(fs.ErrNotExist))
	if !store.IsPermanent(err) || !errors.Is(err, fs.ErrNotExist) || err.Error() != "open: file does not exist" {
		t.Errorf("marking changed the error to %v", err)
	}
}

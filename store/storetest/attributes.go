package storetest

import (
	"bytes"
	"maps"
	"testing"

	"github.com/jetcapture/lake/store"
)

// attributesAreKept is for drivers that keep attributes.
func attributesAreKept(t *testing.T, b store.Bucket) {
	attrs := map[string]string{
		"stream": "ORDERS", "first_seq": "1", "last_seq": "20000", "a0_b1": "x-y_z",
		"consumer": " Bestellungen für 日本, 100% \"sicher\"\n", "empty": "", "plus": "a+b c%20d",
	}
	for name, size := range map[string]int64{"small": 1000, "large": 11_000_000, "empty": 0} {
		if _, err := b.Create(t.Context(), name, newLarge(size, 16), attrs); err != nil {
			t.Fatal(err)
		}
		object, err := b.Stat(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if object.Attributes == nil {
			t.Logf("%T keeps no attributes", b)
			return
		}
		if !maps.Equal(object.Attributes, attrs) {
			t.Errorf("%s: attributes %q come back as %q", name, attrs, object.Attributes)
		}
	}
}

// sameContentWithOtherAttributes creates the same content with other attributes: it succeeds, and the first attributes stay.
func sameContentWithOtherAttributes(t *testing.T, b store.Bucket) {
	content := pattern(1000, 17)
	first := map[string]string{"block": "one"}
	for _, attrs := range []map[string]string{first, {"block": "two"}, nil} {
		if _, err := b.Create(t.Context(), "x", bytes.NewReader(content), attrs); err != nil {
			t.Fatal(err)
		}
	}
	object, err := b.Stat(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if object.Attributes != nil && !maps.Equal(object.Attributes, first) {
		t.Errorf("attributes %q were replaced by %q", first, object.Attributes)
	}
}

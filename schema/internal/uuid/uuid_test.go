package uuid_test

import (
	"testing"

	"github.com/jetcapture/lake/schema/internal/uuid"
)

func TestParseReadsTheTextOfRFC9562(t *testing.T) {
	want := [16]byte{0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x11, 0xd0, 0xa7, 0x65, 0x00, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6}
	if id, ok := uuid.Parse("f81d4fae-7dec-11D0-A765-00a0c91e6bf6"); !ok || id != want {
		t.Errorf("the UUID is %x, %t", id, ok)
	}
	for _, text := range []string{
		"", "f81d4fae7dec11d0a76500a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf", "f81d4fae-7dec-11d0-a765-00a0c91e6bf66",
		"f81d4fae-7dec-11d0-a765-00a0c91e6bfg", "f81d4fae07dec-11d0-a765-00a0c91e6bf6", "{81d4fae-7dec-11d0-a765-00a0c91e6bf}",
	} {
		if _, ok := uuid.Parse([]byte(text)); ok {
			t.Errorf("%q is a UUID", text)
		}
	}
}

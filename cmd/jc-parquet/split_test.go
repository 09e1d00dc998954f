package main

import (
	"testing"

	"github.com/nats-io/nats.go"
)

func TestSplitMakesFoldersOfValues(t *testing.T) {
	msg := nats.NewMsg("orders.eu.new")
	msg.Header.Set("Tenant-Id", "a/b")
	msg.Header["stream"] = []string{"first", "second"}
	bare := nats.NewMsg("orders")

	for _, c := range []struct {
		split string
		msg   *nats.Msg
		want  string
	}{
		{"none", msg, ""},
		{"subject", msg, "by_subject=orders.eu.new"},
		{"token:1", msg, "token_1=orders"},
		{"token:2", msg, "token_2=eu"},
		{"token:3", msg, "token_3=new"},
		{"token:4", msg, "token_4=__HIVE_DEFAULT_PARTITION__"},
		{"token:1", bare, "token_1=orders"},
		{"token:2", bare, "token_2=__HIVE_DEFAULT_PARTITION__"},
		{"header:Tenant-Id", msg, "tenant_id=a%2Fb"},
		{"header:Tenant-Id", bare, "tenant_id=__HIVE_DEFAULT_PARTITION__"},
		{"header:tenant-id", msg, "tenant_id=__HIVE_DEFAULT_PARTITION__"}, // NATS tells case apart
		{"header:stream", msg, "header_stream=first"},                     // a column of the files
		{"header:Date", msg, "header_date=__HIVE_DEFAULT_PARTITION__"},    // a folder of the layout
		{"header:Größe:m", msg, "gr__e_m=__HIVE_DEFAULT_PARTITION__"},
	} {
		s, err := parseSplit(c.split)
		if err != nil {
			t.Errorf("--split %s: %v", c.split, err)
			continue
		}
		if path, err := s.path(s.value(c.msg)); err != nil || path != c.want {
			t.Errorf("--split %s of %s makes %q, %v; want %q", c.split, c.msg.Subject, path, err, c.want)
		}
	}
}

func TestSplittingAllocatesNothing(t *testing.T) {
	msg := nats.NewMsg("orders.eu.new")
	msg.Header.Set("Tenant", "a")
	for _, text := range []string{"none", "subject", "token:2", "header:Tenant"} {
		s, err := parseSplit(text)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { s.value(msg) }); n > 0 {
			t.Errorf("--split %s allocates %v times a message", text, n)
		}
	}
}

func TestNumbersAreForPeople(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1_000: "1,000", -12_345: "-12,345", 1_234_567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}

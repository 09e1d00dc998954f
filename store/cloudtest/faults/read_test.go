package faults_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/jetcapture/lake/store/cloudtest"
)

// readFaults are the faults of requests for bytes.
var readFaults = []struct {
	name  string
	fault cloudtest.Fault
}{
	{"late", cloudtest.Delay(20 * time.Millisecond)},
	{"refused", cloudtest.Refuse()},
	{"told to slow down", cloudtest.SlowDown(0)},
	{"answered by an internal error", cloudtest.Status(http.StatusInternalServerError, nil, "oops")},
	{"never answered", cloudtest.LoseResponse()},
	{"answered by a header alone", cloudtest.CutResponse(0)},
	{"answered in part", cloudtest.CutResponse(70_000)},
	{"answered in part, in good order", cloudtest.TruncateResponse(70_000)},
	{"answered by all but a byte", cloudtest.TruncateResponse(1 << 40)},
}

// Whatever the faults, a reader returns the bytes of the object or an error; with retries, the bytes.
func readerTakesNoPartForTheWhole(t *testing.T, c *cloud) {
	const size = 300_000
	content := contentOf(6, size)
	for _, f := range readFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			p := c.place(t)
			if err := create(t.Context(), p.intact, "x", content); err != nil {
				t.Fatal(err)
			}
			for _, span := range [][2]int64{{0, -1}, {0, size}, {1000, 200_000}, {size - 80_000, -1}} {
				want := content[span[0]:]
				if span[1] >= 0 {
					want = want[:span[1]]
				}
				what := fmt.Sprintf("%d bytes at %d", span[1], span[0])
				for n := range 5 {
					p.proxy.Set(nth(n, f.fault))
					got, err := read(t.Context(), p.patient(), "x", span[0], span[1])
					if err != nil || !bytes.Equal(got, want) {
						t.Errorf("%s, fault at request %d: %d bytes, %v", what, n, len(got), err)
					}
				}
				p.proxy.Set(first(1000, f.fault))
				if got, err := read(t.Context(), p.broken, "x", span[0], span[1]); err == nil && !bytes.Equal(got, want) {
					t.Errorf("%s, a fault at every request: %d bytes that are not those of the object, and no error", what, len(got))
				}
			}
		})
	}
}

// A Stat, a listing and a removal have the right result in the end, whichever of their requests has a fault.
func otherOperationsOutlastFaults(t *testing.T, c *cloud) {
	for _, f := range telling {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			p := c.place(t)
			var there []string
			for i := range 12 {
				name := fmt.Sprintf("a/%02d", i)
				if err := create(t.Context(), p.intact, name, contentOf(7, i)); err != nil {
					t.Fatal(err)
				}
				there = append(there, name)
			}
			eachRequest(t, p, f.fault, func(t *testing.T, _ string) {
				if object, err := p.patient().Stat(t.Context(), "a/07"); err != nil || object.Size != 7 || object.Attributes["stream"] != "ORDERS" {
					t.Errorf("Stat = %+v, %v", object, err)
				}
			})
			eachRequest(t, p, f.fault, func(t *testing.T, _ string) {
				if got, err := names(t.Context(), p.patient(), "a/"); err != nil || !slices.Equal(got, there) {
					t.Errorf("List = %q, %v", got, err)
				}
			})
			eachRequest(t, p, f.fault, func(t *testing.T, _ string) {
				if err := p.patient().Remove(t.Context(), there[0]); err != nil {
					t.Errorf("Remove = %v", err)
				}
				there = there[1:]
				p.wantNames(t, there...)
			})
		})
	}
}

package faults_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/jetcapture/lake/store/cloudtest"
)

const damaged = "damaged on its way"

// A namedFault is a fault of any request, with its name in subtests.
type namedFault struct {
	name  string
	fault cloudtest.Fault
}

// telling are the faults that differ most: in what the server knows, and in what the client does.
var telling = []namedFault{
	{"cut in its body", cloudtest.CutRequest(900)},
	{damaged, cloudtest.CorruptRequest(5)},
	{"told to slow down", cloudtest.SlowDown(0)},
	{"done but never answered", cloudtest.LoseResponse()},
	{"answered by half", cloudtest.TruncateResponse(40)},
}

var faults = append([]namedFault{
	{"late", cloudtest.Delay(20 * time.Millisecond)},
	{"refused", cloudtest.Refuse()},
	{"cut before its body", cloudtest.CutRequest(0)},
	{"answered by an internal error", cloudtest.Status(http.StatusInternalServerError, nil, "oops")},
	{"answered by a bad gateway", cloudtest.Status(http.StatusBadGateway, http.Header{"Content-Type": {"text/html"}}, "<html>Bad Gateway</html>")},
	{"told that there are too many", cloudtest.Status(http.StatusTooManyRequests, nil, "")},
	{"answered by a header alone", cloudtest.CutResponse(0)},
}, telling...)

// nth lets the n-th request meet a fault.
func nth(n int, fault cloudtest.Fault) cloudtest.Rule {
	return func(_ *http.Request, i int) cloudtest.Fault {
		if i == n {
			return fault
		}
		return cloudtest.Pass()
	}
}

// first lets the first n requests meet a fault.
func first(n int, fault cloudtest.Fault) cloudtest.Rule {
	return func(_ *http.Request, i int) cloudtest.Fault {
		if i <= n {
			return fault
		}
		return cloudtest.Pass()
	}
}

// eachRequest calls try with faults at its first request, its second, and so on to its last, and then at its first six.
func eachRequest(t *testing.T, p *place, fault cloudtest.Fault, try func(t *testing.T, name string)) {
	t.Helper()
	for n := 1; ; n++ {
		before := p.proxy.Count(fault)
		p.proxy.Set(nth(n, fault))
		try(t, fmt.Sprintf("request %d", n))
		if t.Failed() {
			t.Fatalf("... when its request %d met the fault", n)
		}
		if p.proxy.Count(fault) == before {
			if n == 1 {
				t.Fatal("there was no request: the test shows nothing")
			}
			break
		}
	}
	p.proxy.Set(first(6, fault))
	try(t, "six requests")
	if t.Failed() {
		t.Fatal("... when its first six requests met the fault")
	}
}

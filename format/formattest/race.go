//go:build race

package formattest

import "testing"

// skipMatrix skips tests of all foreign readers: what they read does not depend on the race detector, with which they take five times as
// long. make test runs them without it.
func skipMatrix(t testing.TB) {
	t.Helper()
	t.Skip("foreign readers read without the race detector: go test ./format/...")
}

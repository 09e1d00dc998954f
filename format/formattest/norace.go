//go:build !race

package formattest

import "testing"

func skipMatrix(testing.TB) {}

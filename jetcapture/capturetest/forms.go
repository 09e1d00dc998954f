package capturetest

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// WithoutRaceTests matches the names of the tests of package jetcapture that make test runs without the race detector. Makefile
// reads the pattern from this line. make test runs all other tests of that package with the race detector only: each runs once.
const WithoutRaceTests = "NoScheduleLoses|SimulationNotices|WhateverIsKilled|KilledServer|Sigkill|ReusedSequences|BelowTheDelivered|LostMessagesAcks|ReadBackByDuckDB"

var withoutRaceTests = regexp.MustCompile(WithoutRaceTests)

// WithoutRace marks a test that takes many times as long with the race detector, which finds nothing in it that it does not find
// in other tests: of whole processes, of simulated schedules, of many messages. With the race detector it skips the test. A test
// of package jetcapture needs a name that WithoutRaceTests matches.
func WithoutRace(t testing.TB) {
	t.Helper()
	if filepath.Base(os.Args[0]) == "jetcapture.test" && !withoutRaceTests.MatchString(t.Name()) {
		t.Fatalf("make test does not run this test: add its name to capturetest.WithoutRaceTests, which is %s", WithoutRaceTests)
	}
	if RaceDetector {
		t.Skip("make test runs this test without the race detector")
	}
}

// LongOnly marks a test, or a case of one, that only make test-long runs: without -short.
func LongOnly(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("make test-long runs this test")
	}
}

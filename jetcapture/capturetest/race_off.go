//go:build !race

package capturetest

// RaceDetector says whether the tests were built with the race detector.
const RaceDetector = false

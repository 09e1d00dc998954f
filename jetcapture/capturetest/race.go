//go:build race

package capturetest

// RaceDetector says that the tests were built with the race detector, which makes servers and files many times as slow.
const RaceDetector = true

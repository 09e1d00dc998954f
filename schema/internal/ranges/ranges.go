// Package ranges has the ranges of times and numbers that the readers of files agree on. Values outside of them are rejected
// when they are appended, so that no reader shows another value.
package ranges

import "math"

// DaySeconds is the number of seconds of a day.
const DaySeconds = 24 * 60 * 60

// Timestamps and dates are in the years 1 to 9999. These are seconds since 1970.
const (
	FirstSecond = -62135596800     // 0001-01-01T00:00:00, the zero time of Go
	LastSecond  = 253402300800 - 1 // 9999-12-31T23:59:59
)

// Timestamps in nanoseconds since 1970 have these bounds. DuckDB fails to print those of the first half of a day, 1677-09-21,
// and reads the number after the least and the largest as infinity.
const (
	FirstNanosSecond = -9223286400 // 1677-09-22T00:00:00, in seconds
	FirstNanos       = FirstNanosSecond * 1_000_000_000
	LastNanos        = math.MaxInt64 - 1
)

// MaxDigits64 is the largest number of decimal digits of which every number fits into an int64.
const MaxDigits64 = 18

// FloorDivide rounds the quotient down, also if it is negative. The divisor b is positive.
func FloorDivide(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

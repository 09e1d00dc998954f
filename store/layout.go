package store

import "time"

// Layout returns the folder of an interval, below that of its destination key: slash-separated, without slashes at its
// ends, "" for none. start is the interval's beginning in any time zone. Several intervals may share a folder, since a
// file's own name tells them apart.
//
// A Layout must depend only on the instant: blocks of one interval that are stored before and after a restart, or by two captures,
// belong in the same folder.
type Layout func(start time.Time) string

// HiveLayout returns folders such as date=2026-11-23/hour=12, in UTC. DuckDB, Spark, Trino and Athena read them as the
// columns date and hour, and skip the files of all other days when a query asks for one.
func HiveLayout(start time.Time) string {
	return start.UTC().Format("date=2006-01-02/hour=15")
}

// DateLayout returns folders such as 2026/11/23/12/15, year to minute in UTC, as older versions of this library did. It is for
// archives that were begun with them.
func DateLayout(start time.Time) string {
	return start.UTC().Format("2006/01/02/15/04")
}

package jsapi

import (
	"cmp"
	"strconv"
	"strings"
)

// AtLeast reports whether a version such as 2.14.0-RC.1 is major.minor or later. A malformed version counts as the latest.
func AtLeast(version string, major, minor int) bool {
	v, ok := ParseVersion(version)
	return !ok || v.Compare(Version{major, minor, 0}) >= 0
}

// A Version is major, minor and patch.
type Version [3]int

// ParseVersion parses a version such as v2.14.0-RC.1, or 2.14.
func ParseVersion(s string) (v Version, ok bool) {
	s, _, _ = strings.Cut(strings.TrimPrefix(s, "v"), "-")
	parts := strings.Split(s, ".")
	if len(parts) < 2 {
		return v, false
	}
	for i := range min(len(parts), len(v)) {
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return v, false
		}
		v[i] = n
	}
	return v, true
}

// Compare returns a negative number if v is earlier than other, and a positive one if it is later.
func (v Version) Compare(other Version) int {
	return cmp.Or(cmp.Compare(v[0], other[0]), cmp.Compare(v[1], other[1]), cmp.Compare(v[2], other[2]))
}

package app

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"
)

// A SizeFlag takes a number of bytes, as ParseSize reads it. cmd.Int64 returns its value.
type SizeFlag = cli.FlagBase[int64, cli.NoConfig, sizeValue]

var sizeUnits = []struct {
	name  string
	bytes float64
}{
	{"TiB", 1 << 40},
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"TB", 1e12},
	{"GB", 1e9},
	{"MB", 1e6},
	{"KB", 1e3},
	{"B", 1},
	{"", 1},
}

// ParseSize reads a number of bytes such as 64MiB, 1.5 GiB, 500MB or 65536. Upper and lower case are the same.
func ParseSize(s string) (int64, error) {
	s = strings.TrimSpace(s)
	end := strings.IndexFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end < 0 {
		end = len(s)
	}
	number, err := strconv.ParseFloat(s[:end], 64)
	if err != nil {
		return 0, errors.New("not a size: write it like 64MiB, 500MB or 65536")
	}
	unit := strings.TrimSpace(s[end:])
	for _, u := range sizeUnits {
		if !strings.EqualFold(u.name, unit) {
			continue
		}
		if number *= u.bytes; number >= math.MaxInt64 {
			return 0, errors.New("not a size: it is above the largest int64")
		}
		return int64(math.Round(number)), nil
	}
	return 0, errors.New("unknown unit: use KiB, MiB, GiB, TiB (powers of 1024), KB, MB, GB or TB (powers of 1000)")
}

// FormatSize writes a number of bytes so that ParseSize reads the same number.
func FormatSize(n int64) string {
	if n != 0 {
		for _, u := range sizeUnits[:4] {
			if n%int64(u.bytes) == 0 {
				return strconv.FormatInt(n/int64(u.bytes), 10) + u.name
			}
		}
	}
	return strconv.FormatInt(n, 10)
}

// sizeValue is both the maker of a flag's value and, by pointer, the value.
type sizeValue int64

// Create implements cli.ValueCreator.
func (sizeValue) Create(value int64, destination *int64, _ cli.NoConfig) cli.Value {
	*destination = value
	return (*sizeValue)(destination)
}

// ToString implements cli.ValueCreator.
func (sizeValue) ToString(value int64) string { return FormatSize(value) }

// Set implements cli.Value.
func (v *sizeValue) Set(s string) error {
	n, err := ParseSize(s)
	if err == nil {
		*v = sizeValue(n)
	}
	return err
}

// Get implements cli.Value.
func (v *sizeValue) Get() any { return int64(*v) }

// String implements cli.Value.
func (v *sizeValue) String() string { return FormatSize(int64(*v)) }

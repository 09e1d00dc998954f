package app_test

import (
	"testing"

	"github.com/jetcapture/lake/jetcapture/app"
)

func TestSizesAreReadInBothKindsOfUnits(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "65536": 65536, "64MiB": 64 << 20, "64 mib": 64 << 20, "1.5GiB": 3 << 29, "500MB": 500e6, "2kb": 2000,
		"10B": 10, " 1TiB ": 1 << 40, ".5KiB": 512,
	} {
		if n, err := app.ParseSize(text); err != nil || n != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", text, n, err, want)
		}
	}
}

func TestWhatIsNoSizeIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":           "not a size: write it like 64MiB, 500MB or 65536",
		"MiB":        "not a size: write it like 64MiB, 500MB or 65536",
		"-1":         "not a size: write it like 64MiB, 500MB or 65536",
		"1.2.3KiB":   "not a size: write it like 64MiB, 500MB or 65536",
		"inf":        "not a size: write it like 64MiB, 500MB or 65536",
		"64M":        `unknown unit: use KiB, MiB, GiB, TiB (powers of 1024), KB, MB, GB or TB (powers of 1000)`,
		"0x10":       `unknown unit: use KiB, MiB, GiB, TiB (powers of 1024), KB, MB, GB or TB (powers of 1000)`,
		"99999999T":  `unknown unit: use KiB, MiB, GiB, TiB (powers of 1024), KB, MB, GB or TB (powers of 1000)`,
		"9000000TiB": "not a size: it is above the largest int64",
	} {
		if n, err := app.ParseSize(text); err == nil || err.Error() != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %s", text, n, err, want)
		}
	}
}

func FuzzFormattedSizesAreReadBack(f *testing.F) {
	for _, n := range []int64{0, 1, 1023, 1024, 512 << 20, 3 << 40, 1 << 52, 999_999} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		if n < 0 || n > 1<<53 {
			t.Skip("beyond what a number of bytes can be, or a float64 can tell apart")
		}
		text := app.FormatSize(n)
		if back, err := app.ParseSize(text); err != nil || back != n {
			t.Errorf("ParseSize(FormatSize(%d)) = ParseSize(%q) = %d, %v", n, text, back, err)
		}
	})
}

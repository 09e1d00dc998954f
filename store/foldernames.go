package store

import (
	"context"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// FolderNames returns the names of the folders name=value in which s puts blocks: those above dir, which is below the folder of a
// destination key, and those in dir. Readers take them for columns. It does no I/O. It leaves out what it cannot find out without a real
// destination key: all folders except dir if s is not a Locator, and the folders of the prefix of a cloud's bucket.
func FolderNames[K comparable](s BlockStore[K], dir string) []string {
	path := dir
	if locator, ok := s.(Locator[K]); ok {
		path = samplePath(locator, dir)
	}
	var names []string
	for element := range strings.SplitSeq(path, "/") {
		name, _, isHive := strings.Cut(element, "=")
		if plain, err := url.PathUnescape(name); err == nil {
			name = plain
		}
		if isHive && name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// samplePath returns the path of a block of the zero destination key in dir, as far as it can be known.
func samplePath[K comparable](locator Locator[K], dir string) string {
	ctx := context.Background()
	var zero K
	at, err := locator.Locate(ctx, zero, dir, "x")
	if err != nil {
		return dir
	}
	if bucket, err := locator.Bucket(ctx, at.Root); err == nil {
		if d, ok := innermost(bucket).(*Dir); ok {
			return filepath.ToSlash(d.root) + "/" + at.Name
		}
	}
	return at.Name
}

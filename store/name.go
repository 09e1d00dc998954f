package store

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	maxElement = 255  // bytes; the longest file name of all common file systems
	maxName    = 1024 // bytes; the longest key of S3, Azure and Google Cloud Storage
)

// ValidName returns an error unless name can name an object in every Bucket. A valid name is relative and
// slash-separated; none of its elements is empty, "." or ".."; it is UTF-8 without NUL and backslash; an element has at
// most 255 bytes, the whole at most 1,024. The error is Permanent.
//
// Everything else may be part of a name: spaces, percent signs, a leading dot. EscapeHive makes a valid element of any
// string.
func ValidName(name string) error {
	if fault := nameFault(name); fault != "" {
		return Permanent(fmt.Errorf("name %s %s", quote(name), fault))
	}
	return nil
}

func nameFault(name string) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > maxName:
		return fmt.Sprintf("has %d bytes; at most %d are possible", len(name), maxName)
	case !utf8.ValidString(name):
		return "is not UTF-8"
	case strings.ContainsRune(name, 0):
		return "contains a NUL"
	case strings.ContainsRune(name, '\\'):
		return `contains a backslash; separate with "/"`
	}
	for element := range strings.SplitSeq(name, "/") {
		switch {
		case element == "":
			return "has an empty element: it must not start or end with a slash, nor have two in a row"
		case element == "." || element == "..":
			return fmt.Sprintf("has an element %q", element)
		case len(element) > maxElement:
			return fmt.Sprintf("has an element of %d bytes; at most %d are possible", len(element), maxElement)
		}
	}
	return ""
}

// joinName makes a name of folders, each of which may be empty, and the file name, which may not.
func joinName(fileName string, folders ...string) (string, error) {
	var b strings.Builder
	for _, folder := range folders {
		if folder != "" {
			b.WriteString(folder)
			b.WriteByte('/')
		}
	}
	b.WriteString(fileName)
	return b.String(), ValidName(b.String())
}

// quote returns a string, of any size and content, in a form for errors.
func quote(s string) string {
	const most = 120
	if len(s) > most {
		return fmt.Sprintf("%q...", s[:most])
	}
	return fmt.Sprintf("%q", s)
}

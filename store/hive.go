package store

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// emptyValue is how Hive writes an empty string, as a folder's name must not end in nothing.
const emptyValue = "__HIVE_DEFAULT_PARTITION__"

const (
	maxFolder     = 200 // bytes of one folder's name, well within the 255 of file systems
	maxFolderName = 100 // of these, bytes of the name in name=value
	cutMark       = 33  // bytes that end a cut value: "~" and 32 hex digits
)

// EscapeHive makes one folder's name of any string, so that readers of Hive-style folders find the string again, no two
// strings share a name, and none leads elsewhere. The characters that Hive escapes ("#%'*/:=?\{[]^ and control
// characters), "~" and bytes that are not UTF-8 become %XX; a dot or underscore at the start does too, as readers pass
// over such folders and this library keeps its own there. The empty string becomes Hive's name for it, so escaped.
//
// A name that would get longer than 200 bytes is cut and ends in "~" and 32 hex digits of the SHA-256 of the whole
// string.
func EscapeHive(s string) string { return escapeBare(s, maxFolder) }

// HivePart makes one folder's name=value, in the way of EscapeHive. An empty value is __HIVE_DEFAULT_PARTITION__, and a
// value that starts with a dot or an underscore keeps it, since the folder's name does not start there.
func HivePart(name, value string) string {
	prefix := hivePrefix(name)
	return prefix + escape(value, maxFolder-len(prefix))
}

// hivePrefix is the start of a name=value folder, up to its "=".
func hivePrefix(name string) string { return escapeBare(name, maxFolderName) + "=" }

// escapeBare escapes what a folder's name starts with.
func escapeBare(s string, limit int) string {
	escaped := escape(s, limit-2) // two bytes more if the first is escaped, too
	if c := escaped[0]; c == '.' || c == '_' {
		return percent(c) + escaped[1:]
	}
	return escaped
}

// escape escapes s to at most limit bytes, of which there must be at least 33. Its results are never empty, and differ
// if the strings do: a "%" in them starts an escape, a "~" marks what was cut.
func escape(s string, limit int) string {
	switch s {
	case "":
		return emptyValue
	case emptyValue:
		return "%5F%5F" + emptyValue[2:]
	}
	var b strings.Builder
	fits := 0 // bytes in b, ending between two characters, that leave room for the mark
	for i := 0; i < len(s) && b.Len() <= limit; {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || mustEscape(r) {
			b.WriteString(percent(s[i]))
		} else {
			b.WriteString(s[i : i+size])
		}
		if b.Len() <= limit-cutMark {
			fits = b.Len()
		}
		i += size
	}
	if b.Len() <= limit {
		return b.String()
	}
	sum := sha256.Sum256([]byte(s))
	return b.String()[:fits] + "~" + hex.EncodeToString(sum[:16])
}

func mustEscape(r rune) bool {
	return r < ' ' || r == 0x7f || strings.ContainsRune(`"#%'*/:=?\{[]^~`, r)
}

func percent(c byte) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{'%', digits[c>>4], digits[c&15]})
}

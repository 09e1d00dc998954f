package store

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"unicode/utf8"
)

// emptyValue is the value that Hive writes for an empty string.
const emptyValue = "__HIVE_DEFAULT_PARTITION__"

const (
	maxFolder     = 200 // bytes of one folder's name, well within the 255 of file systems
	maxFolderName = 100 // of these, bytes of the name in name=value
	cutMark       = 33  // bytes that end a cut value: "~" and 32 hex digits
)

// EscapeHive makes the name of one folder of any string. Readers of Hive-style folders get the string back, no two strings share a
// name, and no name leads out of its folder. The characters that Hive escapes ("#%'*/:=?\{[]^ and control characters), "~" and
// bytes that are not UTF-8 become %XX. So does a dot or underscore at the start, since readers skip such folders and this library
// keeps its own there. The empty string becomes Hive's name for it, with its first character escaped.
//
// DuckDB takes the values of name=value folders for numbers or dates if all values of a name are, and "null" for NULL, unless they
// have an escape. So the first character also becomes %XX if DuckDB would return another text: null, 0x10, -0, 2026-1-1, epoch.
// Plain numbers and dates, such as 42 and 2026-01-02, stay unchanged. Polars and Spark convert values after unescaping, and
// ClickHouse does not unescape: they return the text only if the query asks for it, as cmd/jc-parquet/README.md shows.
//
// A name that would be longer than 200 bytes is cut, and ends in "~" and 32 hex digits of the SHA-256 of the whole string.
func EscapeHive(s string) string { return startVisibly(escape(s, maxFolder-2)) } // leaves two bytes for escaping the first

// HivePart makes the name=value of one folder, escaped as by EscapeHive. An empty value becomes __HIVE_DEFAULT_PARTITION__. A dot or
// an underscore at the start of a value is not escaped, since it is not at the start of the folder's name.
func HivePart(name, value string) string {
	prefix := hivePrefix(name)
	return prefix + escape(value, maxFolder-len(prefix))
}

// hivePrefix is the start of a name=value folder, up to its "=".
func hivePrefix(name string) string {
	return startVisibly(escapeText(name, maxFolderName-2, false)) + "="
}

// startVisibly escapes the first character of a folder's name if readers skip folders that start with it.
func startVisibly(escaped string) string {
	if c := escaped[0]; c == '.' || c == '_' {
		return percent(c) + escaped[1:]
	}
	return escaped
}

// escape escapes a value to at most limit bytes, which must be at least 33. Results are never empty, and differ if the strings
// differ: a "%" in them starts an escape, and a "~" marks a cut.
func escape(s string, limit int) string { return escapeText(s, limit, isCast(s)) }

// escapeText is escape for text that is not empty. With first, it escapes the first character in any case.
func escapeText(s string, limit int, first bool) string {
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
		if r == utf8.RuneError && size == 1 || mustEscape(r) || first && i == 0 {
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

// The text that DuckDB takes for NULL, a number or a date. Plain numbers and dates keep their text.
var (
	castWord   = regexp.MustCompile(`^(?i: *(null|[+-]?(epoch|inf|infinity)) *)$`)
	castNumber = regexp.MustCompile(`^ *[+-]?(0[xXbBoO][0-9a-fA-F_]+|[0-9][0-9_]*) *$`)
	castDate   = regexp.MustCompile(`^ *[+-]?[0-9]+[ -][0-9]+[ -][0-9]+([ T].*)?$`)
	plainValue = regexp.MustCompile(`^([0-9]+|-[1-9][0-9]*|[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))$`)
)

// isCast reports whether DuckDB would convert a value, which has no escape, to something with another text.
func isCast(s string) bool {
	return len(s) <= maxFolder && !plainValue.MatchString(s) && !strings.ContainsFunc(s, mustEscape) &&
		(castWord.MatchString(s) || castNumber.MatchString(s) || castDate.MatchString(s))
}

func mustEscape(r rune) bool {
	return r < ' ' || r == 0x7f || strings.ContainsRune(`"#%'*/:=?\{[]^~`, r)
}

func percent(c byte) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{'%', digits[c>>4], digits[c&15]})
}

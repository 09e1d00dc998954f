package store

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
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
// DuckDB takes values of name=value folders for numbers or dates where all of a name are, and "null" for NULL, unless they have an
// escape. So the first character becomes %XX too where the text would not come back: null, 0x10, -0, 2026-1-1, epoch. A plain number
// or date, as 42 and 2026-01-02, stays as it is. Polars and Spark cast after they have unescaped, and ClickHouse does not unescape:
// they give the text only if the query says so, as in README.
//
// A name that would get longer than 200 bytes is cut and ends in "~" and 32 hex digits of the SHA-256 of the whole
// string.
func EscapeHive(s string) string { return startVisibly(escape(s, maxFolder-2)) } // two bytes more if the first is escaped, too

// HivePart makes one folder's name=value, in the way of EscapeHive. An empty value is __HIVE_DEFAULT_PARTITION__, and a
// value that starts with a dot or an underscore keeps it, since the folder's name does not start there.
func HivePart(name, value string) string {
	prefix := hivePrefix(name)
	return prefix + escape(value, maxFolder-len(prefix))
}

// hivePrefix is the start of a name=value folder, up to its "=".
func hivePrefix(name string) string {
	return startVisibly(escapeText(name, maxFolderName-2, false)) + "="
}

// startVisibly escapes the first character of what a folder's name starts with, if readers pass over folders that do.
func startVisibly(escaped string) string {
	if c := escaped[0]; c == '.' || c == '_' {
		return percent(c) + escaped[1:]
	}
	return escaped
}

// escape escapes a value to at most limit bytes, of which there must be at least 33. Its results are never empty, and differ
// if the strings do: a "%" in them starts an escape, a "~" marks what was cut.
func escape(s string, limit int) string { return escapeText(s, limit, isCast(s)) }

// escapeText is escape for any text. With first, it escapes the first character whatever that is.
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

// What DuckDB makes a NULL, a number or a date of. Its own text of plain ones is the same.
var (
	castWord   = regexp.MustCompile(`^(?i: *(null|[+-]?(epoch|inf|infinity)) *)$`)
	castNumber = regexp.MustCompile(`^ *[+-]?(0[xXbBoO][0-9a-fA-F_]+|[0-9][0-9_]*) *$`)
	castDate   = regexp.MustCompile(`^ *[+-]?[0-9]+[ -][0-9]+[ -][0-9]+([ T].*)?$`)
	plainValue = regexp.MustCompile(`^([0-9]+|-[1-9][0-9]*|[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))$`)
)

// isCast reports whether DuckDB would read a value as something that has another text. It does not where there is an escape.
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

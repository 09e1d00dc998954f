package permission

import (
	"strconv"
	"strings"
)

// refusedSubject finds the subject in the server's report of a violation:
//
//	Permissions Violation for Publish to "orders.new"
//	Permissions Violation for Subscription to "_INBOX.x" using queue "y"
func refusedSubject(err error) (subject string, subscribe, ok bool) {
	text := err.Error()
	_, quoted, ok := strings.Cut(text, "Publish to ")
	if !ok {
		_, quoted, subscribe = strings.Cut(text, "Subscription to ")
	}
	quoted, quoteErr := strconv.QuotedPrefix(quoted)
	if quoteErr != nil {
		return "", false, false
	}
	subject, quoteErr = strconv.Unquote(quoted)
	return subject, subscribe, quoteErr == nil
}

// Covers reports whether a pattern matches all subjects that another pattern matches.
func Covers(pattern, other string) bool {
	a, b := strings.Split(pattern, "."), strings.Split(other, ".")
	for i, token := range b {
		switch {
		case i == len(a):
			return false
		case a[i] == ">":
			return true
		case token == ">", a[i] != "*" && a[i] != token:
			return false
		}
	}
	return len(a) == len(b)
}

// Collide reports whether there is a subject that two patterns match.
func Collide(one, other string) bool {
	a, b := strings.Split(one, "."), strings.Split(other, ".")
	for i := range min(len(a), len(b)) {
		switch {
		case a[i] == ">" || b[i] == ">":
			return true
		case a[i] != b[i] && a[i] != "*" && b[i] != "*":
			return false
		}
	}
	return len(a) == len(b)
}

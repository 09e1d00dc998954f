package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema/jsoncolumns"
	"github.com/jetcapture/lake/store"
)

// A split groups messages by a value, which is their destination key. Each value becomes a folder when a file is stored.
type split struct {
	flag   string // the text of the flag
	folder string // the name of name=value; "" for no folders
	value  func(msg *nats.Msg) string
}

// parseSplit reads none, subject, token:N or header:NAME.
func parseSplit(s string) (split, error) {
	kind, arg, _ := strings.Cut(s, ":")
	switch {
	case s == "none":
		return split{flag: s, value: func(*nats.Msg) string { return "" }}, nil
	case s == "subject":
		return split{flag: s, folder: "by_subject", value: func(msg *nats.Msg) string { return msg.Subject }}, nil
	case kind == "token":
		n, err := strconv.Atoi(arg)
		if err != nil || n < 1 {
			return split{}, errors.New("--split: write the number of a token of the subject, from 1, as in token:2")
		}
		return split{flag: s, folder: "token_" + strconv.Itoa(n), value: func(msg *nats.Msg) string { return token(msg.Subject, n) }}, nil
	case kind == "header":
		if arg == "" {
			return split{}, errors.New("--split: write the name of a header, as in header:Tenant")
		}
		return split{flag: s, folder: headerFolder(arg), value: func(msg *nats.Msg) string { return msg.Header.Get(arg) }}, nil
	default:
		return split{}, errors.New("--split: unknown value: use none, subject, token:N (from 1) or header:NAME")
	}
}

// path returns the folder of a value. An empty value has the folder that Hive uses for null.
func (s split) path(value string) (string, error) {
	if s.folder == "" {
		return "", nil
	}
	return store.HivePart(s.folder, value), nil
}

// token returns the n-th token of a subject, from 1, or "" if there are fewer.
func token(subject string, n int) string {
	for range n - 1 {
		_, rest, found := strings.Cut(subject, ".")
		if !found {
			return ""
		}
		subject = rest
	}
	first, _, _ := strings.Cut(subject, ".")
	return first
}

// headerFolder turns the name of a header into the name of a folder: Tenant-Id into tenant_id. Readers show it as a column, so a name that
// is a column of the file or a folder by time gets the prefix header_.
func headerFolder(header string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '_':
			return r
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		default:
			return '_'
		}
	}, header)
	if name == "date" || name == "hour" || name == jsoncolumns.Rest || slices.Contains(format.RawColumns(), name) {
		return "header_" + name
	}
	return name
}

package main

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	jsoncolumns "github.com/jetcapture/lake/cmd/jc-parquet/internal/columns"
	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/store"
)

// A split says which messages go into one folder: those with the same value. The value is the destination key; it is
// made into a folder only when a file is stored.
type split struct {
	flag   string // as it was written
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
			return split{}, errors.New("--split: say which token of the subject, from 1, as in token:2")
		}
		return split{flag: s, folder: "token_" + strconv.Itoa(n), value: func(msg *nats.Msg) string { return token(msg.Subject, n) }}, nil
	case kind == "header":
		if arg == "" {
			return split{}, errors.New("--split: say which header, as in header:Tenant")
		}
		return split{flag: s, folder: headerFolder(arg), value: func(msg *nats.Msg) string { return msg.Header.Get(arg) }}, nil
	default:
		return split{}, errors.New("--split is not known: use none, subject, token:N (from 1) or header:NAME")
	}
}

// path is the folder of a value. Messages without it get the one that Hive gives to nothing.
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

// headerFolder makes a name for a column of a header's name: tenant_id of Tenant-Id. Readers take it for a column, so a
// name that is one already, of the file or of the folders by time, goes behind header_.
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

package jetcapture_test

import (
	"bufio"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// A headerBlock is one that somebody publishes, and what happens to its message.
type headerBlock struct {
	block   string
	headers map[string][]string // of the row; nil if the message is to be a dead letter
	reason  string              // of the dead letter
}

type headers = map[string][]string

// headerBlocks are those that clients keep, those of which something comes back from the stream, and those that nobody can read.
func headerBlocks() map[string]headerBlock {
	long := strings.Repeat("long", 1_000)
	return map[string]headerBlock{
		"as usual":                     {block: "NATS/1.0\r\nA: 1\r\nB: 2\r\n\r\n", headers: headers{"A": {"1"}, "B": {"2"}}},
		"no blank behind colons":       {block: "NATS/1.0\r\nA:1\r\nB:2\r\n\r\n", headers: headers{"A": {"1"}, "B": {"2"}}},
		"one blank of two":             {block: "NATS/1.0\r\nA:1\r\nB: 2\r\n\r\n", headers: headers{"A": {"1"}, "B": {"2"}}},
		"a tab behind a colon":         {block: "NATS/1.0\r\nA:\t1\r\n\r\n", headers: headers{"A": {"1"}}},
		"lines without CR":             {block: "NATS/1.0\nA: 1\nB: 2\n\n", headers: headers{"A": {"1"}, "B": {"2"}}},
		"no header":                    {block: "NATS/1.0\r\n\r\n", headers: headers{}},
		"names that differ in case":    {block: "NATS/1.0\r\na: 1\r\nA: 2\r\na: 3\r\n\r\n", headers: headers{"a": {"1", "3"}, "A": {"2"}}},
		"blanks at the end":            {block: "NATS/1.0\r\nA : 1 \t \r\n\r\n", headers: headers{"A ": {"1 \t "}}},
		"colons in a value":            {block: "NATS/1.0\r\nA: b:c: d\r\n\r\n", headers: headers{"A": {"b:c: d"}}},
		"empty values":                 {block: "NATS/1.0\r\nA:\r\nB: \r\n\r\n", headers: headers{"A": {""}, "B": {""}}},
		"CR in a value":                {block: "NATS/1.0\r\nA: 1\r2\r\r\n\r\n", headers: headers{"A": {"1\r2\r"}}},
		"a folded line with a colon":   {block: "NATS/1.0\r\nA: 1\r\n B: 2\r\n\r\n", headers: headers{"A": {"1"}, " B": {"2"}}},
		"long":                         {block: "NATS/1.0\r\nA: " + long + "\r\n\r\n", headers: headers{"A": {long}}},
		"text":                         {block: "NATS/1.0\r\nÄ: ö\x00\r\n\r\n", headers: headers{"Ä": {"ö\x00"}}},
		"Status of a publisher":        {block: "NATS/1.0\r\nStatus: shipped\r\nA: 1\r\n\r\n", headers: headers{"Status": {"shipped"}, "A": {"1"}}},
		"Status without blanks":        {block: "NATS/1.0\r\nStatus:404\r\nA:1\r\n\r\n", headers: headers{"Status": {"404"}, "A": {"1"}}},
		"Status with one blank of two": {block: "NATS/1.0\r\nStatus:409\r\nA: 1\r\n\r\n", headers: headers{"Status": {"409"}, "A": {"1"}}},
		"Status without CR":            {block: "NATS/1.0\nStatus: 100\n\n", headers: headers{"Status": {"100"}}},
		"a status":                     {block: "NATS/1.0 503 Text\r\nA: 1\r\n\r\n", headers: headers{"A": {"1"}}}, // which the server drops

		"blanks before a value":    {block: "NATS/1.0\r\nA:   1\r\n\r\n", headers: headers{"A": {"  1"}}},
		"tabs before a value":      {block: "NATS/1.0\r\nA:\t\t1\r\nB: 2\r\n\r\n", headers: headers{"A": {"\t1"}, "B": {"2"}}},
		"blanks alone":             {block: "NATS/1.0\r\nA:    \r\nB: 2\r\n\r\n", headers: headers{"A": {"   "}, "B": {"2"}}},
		"blanks before one of two": {block: "NATS/1.0\r\nA:  1\r\nA: 2\r\n\r\n", headers: headers{"A": {" 1", "2"}}},

		"no colon":                 {block: "NATS/1.0\r\nA: 1\r\nno colon\r\n\r\n", reason: `no colon in the line "no colon"`},
		"a folded line":            {block: "NATS/1.0\r\nA: 1\r\n folded\r\n\r\n", reason: `no colon in the line " folded"`},
		"no empty line":            {block: "NATS/1.0\r\nA: 1\r\n", reason: "does not end with an empty line"},
		"no end of the line":       {block: "NATS/1.0\r\nA: 1", reason: "does not end with an empty line"},
		"no end of the first line": {block: "NATS/1.0", reason: "does not begin with a line NATS/1.0"},
		"HTTP":                     {block: "HTTP/1.1\r\nA: 1\r\n\r\n", reason: "does not begin with a line NATS/1.0"},
		"another version":          {block: "NATS/2.0\r\nA: 1\r\n\r\n", reason: "does not begin with a line NATS/1.0"},
		"small letters":            {block: "nats/1.0\r\nA: 1\r\n\r\n", reason: "does not begin with a line NATS/1.0"},
		"garbage":                  {block: "\x00\xff\xfe garbage \r\r\n\n", reason: "does not begin with a line NATS/1.0"},
		"no version":               {block: "A: 1\r\nB: 2\r\n\r\n", reason: "does not begin with a line NATS/1.0"},
		"no name":                  {block: "NATS/1.0\r\nA: 1\r\n: 2\r\n\r\n", reason: `no name in the line ": 2"`},
		"bytes behind the end":     {block: "NATS/1.0\r\nA: 1\r\n\r\nB: 2\r\n\r\n", reason: "8 bytes follow its empty line"},
		"only an empty line":       {block: "\r\n", reason: "does not begin with a line NATS/1.0"},
	}
}

// publishBlocks sends messages with header blocks as they are, by hand, as no client would.
func publishBlocks(t *testing.T, s *capturetest.Server, names []string, blocks map[string]headerBlock) {
	t.Helper()
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	out.WriteString("CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}\r\n")
	for i, name := range names {
		block, data := blocks[name].block, blockData(i)
		fmt.Fprintf(&out, "HPUB orders.h%d %d %d\r\n%s%s\r\n", i, len(block), len(block)+len(data), block, data)
	}
	out.WriteString("PING\r\n")
	if _, err := conn.Write([]byte(out.String())); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "-ERR"):
			t.Fatal(line)
		case line == "PONG":
			return
		}
	}
	t.Fatal("the server closed the connection")
}

// blockData is the data of message i, none of each third.
func blockData(i int) string {
	if i%3 == 0 {
		return ""
	}
	return fmt.Sprint("data ", i)
}

func TestHeaderBlocksOfAnyKindAreArchivedWhole(t *testing.T) {
	blocks := headerBlocks()
	names := slices.Sorted(maps.Keys(blocks))
	for name, delivery := range map[string]jetcapture.Delivery{
		"at least once": jetcapture.AtLeastOnce, "exactly once": jetcapture.ExactlyOnce,
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := startServer(t), t.TempDir()
			publishBlocks(t, s, names, blocks)
			o := rawNDJSON(dir)
			o.Delivery = delivery
			core, logs := observer.New(zapcore.WarnLevel)
			o.Logger = zap.New(core)
			untilCaughtUp(t, s, o)
			checkBlocks(t, dir, names, blocks)
			if info := s.Info(streamName, consumerName); info.NumAckPending > 0 || info.AckFloor.Stream != uint64(len(names)) {
				t.Errorf("%d messages are not acked, and all up to %d are, of %d", info.NumAckPending, info.AckFloor.Stream, len(names))
			}
			for _, line := range logs.FilterMessageSnippet("a message goes to the dead letters").All() {
				fields := line.ContextMap()
				if seq, _ := fields["stream_seq"].(uint64); seq == 0 || fields["subject"] != fmt.Sprint("orders.h", seq-1) {
					t.Errorf("the log says %v", fields)
				}
			}
			if logs.FilterMessageSnippet("a message goes to the dead letters").Len() == 0 {
				t.Error("the log says nothing of the dead letters")
			}
		})
	}
}

func checkBlocks(t *testing.T, dir string, names []string, blocks map[string]headerBlock) {
	t.Helper()
	rows := make(map[uint64]row)
	for _, r := range readRows(t, dir) {
		rows[r.StreamSeq] = r
	}
	deadLetters := make(map[uint64]jetcapture.DeadLetter)
	for _, l := range readLetters(t, dir) {
		deadLetters[l.StreamSeq] = l
	}
	if len(rows)+len(deadLetters) != len(names) {
		t.Errorf("%d rows and %d dead letters of %d messages", len(rows), len(deadLetters), len(names))
	}
	for i, name := range names {
		want, seq := blocks[name], uint64(i+1)
		r, isRow := rows[seq]
		l, isLetter := deadLetters[seq]
		switch {
		case isRow == isLetter:
			t.Errorf("%s: is a row: %t, is a dead letter: %t", name, isRow, isLetter)
		case isRow && want.headers == nil:
			t.Errorf("%s: is a row with headers %q, want a dead letter", name, r.Headers)
		case isRow:
			if !maps.EqualFunc(r.Headers, want.headers, slices.Equal) || string(r.Data) != blockData(i) ||
				r.Subject != fmt.Sprint("orders.h", i) {
				t.Errorf("%s: row %s, headers %q, data %q; want headers %q", name, r.Subject, r.Headers, r.Data, want.headers)
			}
		case want.headers != nil:
			t.Errorf("%s: is a dead letter, %s", name, l.Reason)
		case string(l.HeaderBlock) != want.block || string(l.Data) != blockData(i) || l.Subject != fmt.Sprint("orders.h", i) ||
			l.Stage != "headers" || !strings.Contains(l.Reason, want.reason):
			t.Errorf("%s: dead letter %s with block %q, data %q, because %s", name, l.Subject, l.HeaderBlock, l.Data, l.Reason)
		}
	}
}

// Whoever may not read messages from the stream has no way to the block.
func TestAHeaderBlockThatCannotBeFetchedMakesNoRow(t *testing.T) {
	s, dir := startServer(t), t.TempDir()
	blocks := headerBlocks()
	names := []string{"as usual", "blanks before a value", "no colon", "no blank behind colons", "a status", "HTTP"}
	publishBlocks(t, s, names, blocks)
	s.Restrict("capture", "$JS.API.STREAM.MSG.GET.>")
	nc, err := nats.Connect(s.URL(), nats.UserInfo("capture", "capture"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	o := rawNDJSON(dir)
	o.UntilCaughtUp = true
	if err := o.Build().Run(t.Context(), nc); err != nil {
		t.Fatal(err)
	}
	if n := len(readRows(t, dir)); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
	deadLetters := readLetters(t, dir)
	if len(deadLetters) != 3 {
		t.Errorf("%d dead letters, want 3", len(deadLetters))
	}
	for _, l := range deadLetters {
		if i := int(l.StreamSeq - 1); len(l.HeaderBlock) > 0 || string(l.Data) != blockData(i) || l.Stage != "headers" ||
			!strings.Contains(l.Reason, "could not be read from the stream") || !strings.Contains(l.Reason, "permission") {
			t.Errorf("%s: dead letter %+v", names[i], l)
		}
	}
}

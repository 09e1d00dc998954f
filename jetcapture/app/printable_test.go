package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/app"
)

func TestTextOfStrangersIsNoCommandToATerminal(t *testing.T) {
	for text, want := range map[string]string{
		"plain ä 日本":         "plain ä 日本",
		"\x1b[2J\rred\x07":   `\x1b[2J\rred\a`,
		"C1 \u009b1m":        `C1 \u009b1m`,
		"bad \xff, del \x7f": `bad \xff, del \x7f`,
		"a\nb\tc":            `a\nb\tc`,
		"\u202ereversed":     `\u202ereversed`,
		`back\slash "quote"`: `back\slash "quote"`,
		"replacement \ufffd": "replacement \ufffd",
	} {
		if got := app.Printable(text); got != want {
			t.Errorf("Printable(%q) = %q", text, got)
		}
	}
}

func TestJSONOfStrangersIsTheSameJSONAndNoCommandToATerminal(t *testing.T) {
	var out bytes.Buffer
	before := map[string]string{"\u009b\x1b\x7f": "\u202e\U000e0001 ä\n\"\\"}
	if err := json.NewEncoder(app.PrintableJSON(&out)).Encode(before); err != nil {
		t.Fatal(err)
	}
	const want = `{"\u009b\u001b\u007f":"\u202e\udb40\udc01 ä\n\"\\"}` + "\n"
	if out.String() != want {
		t.Errorf("it is %s, want %s", &out, want)
	}
	after := map[string]string{}
	if err := json.Unmarshal(out.Bytes(), &after); err != nil || !reflect.DeepEqual(after, before) {
		t.Errorf("%v: it is read as %q", err, after)
	}
}

func TestLogAndErrorsOnAConsoleHaveNoControlCharacters(t *testing.T) {
	withoutEnvironment(t)
	for _, args := range [][]string{{"capture"}, {"capture", "--log-json"}} {
		out := new(screen)
		cmd := &cli.Command{
			Name: "capture", Writer: out, ErrWriter: out, Flags: app.LoggingFlags(),
			Action: func(_ context.Context, cmd *cli.Command) error {
				app.Logger(cmd).Warn("from afar: \x1b[2J\u009b", zap.String("subject", "\x1b]0;title\x07\u009b\x7f"))
				return errors.New("the server says: \x1b[31m\u009b")
			},
		}
		app.Execute(t.Context(), cmd, args)
		if strings.ContainsAny(out.String(), "\x1b\x07\x7f\u009b\r") || strings.Count(out.String(), "\n") != 2 {
			t.Errorf("%q: it is %q", args, out)
		}
		if len(args) == 1 && !strings.Contains(out.String(), `capture: the server says: \x1b[31m\u009b`+"\n") {
			t.Errorf("it is %q", out)
		}
	}
}

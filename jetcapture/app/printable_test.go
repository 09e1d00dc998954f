package app_test

import (
	"context"
	"errors"
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

func TestLogAndErrorsOnAConsoleHaveNoControlCharacters(t *testing.T) {
	withoutEnvironment(t)
	out := new(screen)
	cmd := &cli.Command{
		Name: "capture", Writer: out, ErrWriter: out, Flags: app.LoggingFlags(),
		Action: func(_ context.Context, cmd *cli.Command) error {
			app.Logger(cmd).Warn("from afar: \x1b[2J\u009b", zap.String("subject", "\x1b]0;title\x07\u009b\x7f"))
			return errors.New("the server says: \x1b[31m\u009b")
		},
	}
	app.Execute(t.Context(), cmd, []string{"capture"})
	if strings.ContainsAny(out.String(), "\x1b\x07\x7f\u009b\r") || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("it is %q", out)
	}
	if !strings.Contains(out.String(), `capture: the server says: \x1b[31m\u009b`+"\n") {
		t.Errorf("it is %q", out)
	}
}

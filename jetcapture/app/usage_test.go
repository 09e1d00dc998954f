package app_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"

	"github.com/jetcapture/lake/jetcapture/app"
)

func TestFlagThatIsGivenTwiceIsRefused(t *testing.T) {
	withoutEnvironment(t)
	t.Setenv("JC_STREAM", "A") // which a flag replaces, and which does not count
	for _, args := range [][]string{
		{"--stream=A", "--stream=B"},
		{"-s", "A", "--stream-name", "A"},
	} {
		called := false
		code, stderr := execute(t, func(*cli.Command, *options) error { called = true; return nil }, args...)
		if code != app.ExitUsage || called || !strings.HasSuffix(stderr, "is given more than once: give it once; see capture --help\n") {
			t.Errorf("%q: exit code %d and %s", args, code, stderr)
		}
	}
	var regions []string
	cmd := app.NewAppSkeleton(func(cmd *cli.Command, _ *options) error {
		regions = cmd.StringSlice("region")
		return nil
	})
	verbosity := 0
	cmd.Flags = append(cmd.Flags, &cli.StringSliceFlag{Name: "region"}, &cli.BoolFlag{Name: "v", Config: cli.BoolConfig{Count: &verbosity}})
	cmd.HideVersion = true // -v is taken
	cmd.ErrWriter = new(screen)
	app.Execute(t.Context(), cmd, []string{"capture", "--region=eu", "--region=us", "-v", "-v"})
	if !reflect.DeepEqual(regions, []string{"eu", "us"}) || verbosity != 2 {
		t.Errorf("regions are %q, and the verbosity %d: flags of several values were refused, too", regions, verbosity)
	}
}

func TestEveryFlagIsRefusedTheSecondTime(t *testing.T) {
	withoutEnvironment(t)
	values := map[string]string{
		"bool": "true", "int": "20000000", "duration": "1h", "string": "x", "compression": "gzip", "delivery": "exactly-once", "log-level": "warn",
	}
	for _, flag := range app.NewAppSkeleton(func(*cli.Command, *options) error { return nil }).Flags {
		name := flag.Names()[0]
		value, ok := values[name]
		if !ok {
			value = values[flag.(cli.DocGenerationFlag).TypeName()]
		}
		arg := "--" + name + "=" + value
		want := "--" + name + " is given more than once: give it once; see capture --help"
		if code, stderr := execute(t, func(*cli.Command, *options) error { return nil }, arg, arg); code != app.ExitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s twice: exit code %d and %s", arg, code, stderr)
		}
	}
}

func TestErrorsAboutFlagsShowNoValue(t *testing.T) {
	withoutEnvironment(t)
	setup := func(*cli.Command, *options) error { return nil }
	for _, c := range []struct{ arg, want string }{
		{"--create-consumer=s3cr3t", "invalid value for --create-consumer: write the flag alone, or true or false after ="},
		{"--max-messages=s3cr3t", "invalid value for --max-messages: not a number in its range: write one like 1000"},
		{"--interval=s3cr3t", "invalid value for --interval: not a duration: write it like 90s, 15m or 1h30m"},
		{"--passwrod=s3cr3t", "unknown flag --passwrod: perhaps --password"},
		{"--password s3cr3t", "an argument begins with --password and has a blank in it: write a flag and its value as two arguments, or with = between them"},
		{"--password:s3cr3t", "unknown flag --password: perhaps --password"},
	} {
		code, stderr := execute(t, setup, c.arg)
		if code != app.ExitUsage || stderr != "capture: "+c.want+"; see capture --help\n" {
			t.Errorf("%s: exit code %d and %s", c.arg, code, stderr)
		}
	}
	for _, flag := range app.NewAppSkeleton(setup).Flags {
		name := flag.Names()[0]
		if flag.(cli.DocGenerationFlag).TypeName() == "string" && name != "compression" && name != "delivery" && name != "log-level" {
			continue // which take any text
		}
		code, stderr := execute(t, setup, "--"+name+`=s3cr3t" for flag -p4ss: `)
		if code != app.ExitUsage || !strings.Contains(stderr, "--"+name+": ") {
			t.Errorf("--%s: exit code %d and %s", name, code, stderr)
		}
		noSecrets(t, stderr)
		variable := flag.(cli.DocGenerationFlag).GetEnvVars()[0]
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, `s3cr3t" for flag p4ss: `)
			code, stderr = execute(t, setup)
			if code != app.ExitUsage || !strings.Contains(stderr, `environment variable "`+variable+`" for --`+name+": ") {
				t.Errorf("exit code %d and %s", code, stderr)
			}
			noSecrets(t, stderr)
		})
	}
}

func TestFinalErrorIsALineOfJSONWithLogJSON(t *testing.T) {
	withoutEnvironment(t)
	failing := func(*cli.Command, *options) error { return errors.New("first\nsecond") }
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--log-json", "-s=S", "-c=C"}, []string{"first", "second"}},
		{[]string{"--log-json", "--strem=A"}, []string{"unknown flag --strem: perhaps --stream; see capture --help"}},
		{[]string{"--interval=x", "--log-json=true"}, []string{"invalid value for --interval: not a duration: write it like 90s, 15m or 1h30m; see capture --help"}},
	} {
		code, stderr := execute(t, failing, c.args...)
		if code != app.ExitUsage {
			t.Errorf("%q: exit code %d", c.args, code)
		}
		var got []string
		for line := range strings.Lines(stderr) {
			var entry struct{ Level, Ts, Msg string }
			if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Level != "error" || entry.Ts == "" {
				t.Errorf("%q: %v in %s", c.args, err, line)
			}
			got = append(got, entry.Msg)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %q", c.args, got)
		}
	}
	for _, args := range [][]string{{"--log-json=false"}, {"--log-json=s3cr3t"}, {"--strem=log-json"}, nil} {
		if _, stderr := execute(t, failing, args...); !strings.HasPrefix(stderr, "capture: ") {
			t.Errorf("%q: %s", args, stderr)
		}
	}
	t.Setenv("JC_LOG_JSON", "true")
	t.Setenv("JC_INTERVAL", "x")
	if _, stderr := execute(t, failing); !strings.HasPrefix(stderr, `{"level":"error"`) {
		t.Errorf("by the environment: %s", stderr)
	}
}

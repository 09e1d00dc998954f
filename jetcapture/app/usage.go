package app

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/urfave/cli/v3"
)

// explainUsage describes wrong arguments in one line, with a suggestion. It names flags and shows no values: a mistyped argument may be a
// password.
func explainUsage(_ context.Context, cmd *cli.Command, err error, _ bool) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		text = unknownFlag(cmd, name)
	} else if rest, ok := cutQuoted(text, "invalid value "); ok {
		name, problem, _ := strings.Cut(strings.TrimPrefix(rest, " for flag -"), ": ")
		text = wrongValue("invalid value for", name, problem)
	}
	return UsageError(fmt.Errorf("%s; see %s --help", text, cmd.FullName()))
}

// explainSource does the same for a value from the environment, for which cli has no hook.
func explainSource(err error) error {
	rest, ok := cutQuoted(err.Error(), "could not parse ")
	if !ok {
		return err
	}
	source, rest, _ := strings.Cut(rest, " for flag ")
	name, problem, _ := strings.Cut(rest, ": ")
	_, source, _ = strings.Cut(source, " from ")
	return errors.New(wrongValue("invalid value in the "+source+" for", name, problem))
}

// wrongValue replaces the problems of cli and strconv that show the value.
func wrongValue(what, flag, problem string) string {
	switch {
	case problem == "can't duplicate this flag":
		return dashed(flag) + " is given more than once: give it once"
	case problem == "parse error":
		problem = "write the flag alone, or true or false after ="
	case strings.HasPrefix(problem, "strconv."):
		problem = "not a number in its range: write one like 1000"
	case strings.HasPrefix(problem, "time: "):
		problem = "not a duration: write it like 90s, 15m or 1h30m"
	}
	return fmt.Sprintf("%s %s: %s", what, dashed(flag), problem)
}

// unknownFlag describes an argument that begins with dashes and is not a flag of cmd. name is the text between the dashes and =.
func unknownFlag(cmd *cli.Command, name string) string {
	end := strings.IndexFunc(name, func(r rune) bool { return r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if end < 0 {
		end = len(name)
	}
	name, value := name[:end], name[end:]
	if strings.TrimLeft(value, " \t\n") != value {
		return fmt.Sprintf("an argument begins with %s and has a blank in it: write a flag and its value as two arguments, or with = between them", dashed(name))
	}
	text := "unknown flag " + dashed(name)
	if meant := cli.SuggestFlag(cmd.Flags, name, false); meant != "" {
		text += ": perhaps " + meant
	}
	return text
}

// cutQuoted returns what follows prefix and a quoted value in text.
func cutQuoted(text, prefix string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(text, prefix); !ok {
		return "", false
	}
	quoted, err := strconv.QuotedPrefix(rest)
	return rest[len(quoted):], err == nil
}

func dashed(flag string) string {
	if utf8.RuneCountInString(flag) == 1 {
		return "-" + flag
	}
	return "--" + flag
}

// refuseRepeats lets a flag of one value be given only once: otherwise cli would silently use the last value.
func refuseRepeats(flag cli.Flag) {
	if multi, ok := flag.(cli.DocGenerationMultiValueFlag); ok && multi.IsMultiValueFlag() {
		return
	}
	if counted, ok := flag.(*cli.BoolFlag); ok && counted.Config.Count != nil {
		return
	}
	v := reflect.Indirect(reflect.ValueOf(flag)) // a cli.FlagBase of any type
	if v.Kind() != reflect.Struct {
		return
	}
	if once := v.FieldByName("OnlyOnce"); once.Kind() == reflect.Bool && once.CanSet() {
		once.SetBool(true)
	}
}

package app

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v3"
)

// helpWidth is the most columns of a help text.
const helpWidth = 100

// wrapHelp wraps the description and the flags of a command at helpWidth, and puts the usage of a flag on lines of its own.
func wrapHelp(c *cli.Command) {
	c.Description = refill(c.Description, helpWidth-3)
	margin := 9 // below the name of a flag, which has 3
	if !slices.ContainsFunc(c.Flags, hasCategory) {
		margin -= 6 // which cli adds where there are no categories
	}
	for _, flag := range c.Flags {
		if f, ok := flag.(cli.StringerSetter); ok {
			f.SetStringer(func(flag cli.Flag) string {
				names, usage, _ := strings.Cut(cli.FlagStringer(flag), "\t")
				return names + "\n" + wrap(usage, margin, helpWidth-9)
			})
		}
	}
}

func hasCategory(flag cli.Flag) bool {
	f, ok := flag.(cli.CategorizableFlag)
	return ok && f.GetCategory() != ""
}

// refill wraps the paragraphs of a text that have a line above width. Indented ones, such as examples, stay as they are.
func refill(text string, width int) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		lines := strings.Split(p, "\n")
		tooWide := slices.ContainsFunc(lines, func(line string) bool { return utf8.RuneCountInString(line) > width })
		if tooWide && !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, " ") }) {
			paragraphs[i] = wrap(p, 0, width)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

// wrap breaks text into lines of at most width columns, unless a word is longer, and indents each by margin.
func wrap(text string, margin, width int) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		length := utf8.RuneCountInString(word)
		switch {
		case column == 0:
			b.WriteString(strings.Repeat(" ", margin))
		case column+1+length > width:
			b.WriteString("\n" + strings.Repeat(" ", margin))
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += length
	}
	return b.String()
}

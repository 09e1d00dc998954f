package main

import (
	"regexp"
	"strings"
)

// words are phrases that no comment, message or document has, with what to write instead. They match whole words in any
// case, over line breaks.
var words = []struct{ phrase, instead string }{
	{"mend", "fix"},
	{"mends", "fixes"},
	{"mended", "fixed"},
	{"mending", "fixing"},
	{"lest", "so that … not"},
	{"anew", "again"},
	{"for ever", "permanently"},
	{"forever", "permanently, or without end"},
	{"save that", "except that"},
	{"save for", "except for"},
	{"save from", "except from"},
	{"save in", "except in"},
	{"whilst", "while"},
	{"upon", "on"},
	{"hence", "so"},
	{"thereof", "of it"},
	{"therein", "in it"},
	{"thereby", "by this"},
	{"whereof", "of which"},
	{"befall", "happen to"},
	{"befalls", "happens to"},
	{"befalling", "happening to"},
	{"in vain", "without success"},
	{"what became of", "the outcome of"},
	{"what becomes of", "what happens to"},
	{"does not suit", "(name the value and its fix)"},
	{"do not suit", "(name the values and their fixes)"},
	{"be content with", "use"},
	{"is content with", "needs only"},
	{"at ease", "(say what it needs)"},
	{"albeit", "although"},
	{"nought", "nothing"},
	{"naught", "nothing"},
	{"ere", "before"},
	{"shall", "must, or will"},
}

// names are identifiers that do not say what they hold.
var names = map[string]string{
	"how":     "name the thing",
	"said":    "name what was reported, and by whom",
	"took":    "elapsed, or the name of the duration",
	"again":   "name what is repeated",
	"letters": "deadLetters",
	"byHand":  "name the operation",
	"nil":     "isNull",
}

// exempt are files that list the words.
var exempt = []string{"jetcapture/internal/plainwords/words.go", "jetcapture/internal/plainwords/plainwords_test.go"}

var pattern, instead = func() (*regexp.Regexp, map[string]string) {
	var all []string
	instead := map[string]string{}
	for _, w := range words {
		all = append(all, strings.ReplaceAll(w.phrase, " ", `[\s/*#>]+`)) // a comment or a quotation may begin in between
		instead[w.phrase] = w.instead
	}
	return regexp.MustCompile(`(?i)\b(?:` + strings.Join(all, "|") + `)\b`), instead
}()

var gap = regexp.MustCompile(`[\s/*#>]+`)

// in returns where text has a phrase of the list, as an offset in bytes, with the phrase.
func in(text string, yield func(offset int, phrase string)) {
	for _, at := range pattern.FindAllStringIndex(text, -1) {
		yield(at[0], strings.ToLower(gap.ReplaceAllString(text[at[0]:at[1]], " ")))
	}
}

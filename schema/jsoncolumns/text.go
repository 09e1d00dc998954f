package jsoncolumns

import (
	"bytes"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Text writes a list of columns as Parse reads it, below lines of comments.
func Text(columns []Column, comments ...string) []byte {
	var out bytes.Buffer
	for _, comment := range comments {
		line := "# " + strings.Map(func(r rune) rune { // nothing of a comment may become YAML
			if strconv.IsPrint(r) {
				return r
			}
			return '?'
		}, comment)
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	for _, c := range columns {
		entry := func(indent, key, value string) { out.WriteString(indent + key + ": " + value + "\n") }
		entry("- ", "name", scalar(c.Name))
		if len(c.Path) != 1 || c.Path[0] != c.Name || strings.Contains(c.Name, ".") {
			entry("  ", "path", pathScalar(c.Path))
		}
		entry("  ", "type", c.TypeText())
		if !c.Nullable {
			entry("  ", "nullable", "false")
		}
		if c.Exact {
			entry("  ", "exact", "true")
		}
		if word := c.Hints.Encoding.String(); word != "" {
			entry("  ", "encoding", word)
		}
		if c.Hints.Bloom {
			entry("  ", "bloom", "true")
		}
		if word := c.Hints.Sort.String(); word != "" {
			entry("  ", "sort", word)
		}
	}
	return out.Bytes()
}

// pathScalar writes a path with dots where it can.
func pathScalar(path []string) string {
	dotted := strings.Join(path, ".")
	for _, name := range path {
		if !isPlain(name) {
			quoted := make([]string, len(path))
			for i, name := range path {
				quoted[i] = quote(name)
			}
			return "[" + strings.Join(quoted, ", ") + "]"
		}
	}
	return scalar(dotted)
}

// scalar writes text as it is if YAML takes it for that text, and in quotes otherwise.
func scalar(s string) string {
	var n yaml.Node
	if err := yaml.Unmarshal([]byte("- "+s+"\n"), &n); err == nil && len(n.Content) == 1 && len(n.Content[0].Content) == 1 {
		if item := n.Content[0].Content[0]; item.Kind == yaml.ScalarNode && item.ShortTag() == "!!str" && item.Value == s &&
			item.Style == 0 && item.LineComment == "" && item.Anchor == "" && !isOldTruth(s) {
			return s
		}
	}
	return quote(s)
}

// isOldTruth reports whether older YAML takes a word for true or false.
func isOldTruth(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off":
		return true
	}
	return false
}

// quote writes text in quotes. All escapes that Go makes of what is UTF-8 mean the same in YAML.
func quote(s string) string { return strconv.Quote(s) }

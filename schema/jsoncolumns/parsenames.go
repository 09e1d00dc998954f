package jsoncolumns

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const maxName = 255 // bytes

func (p *parser) checkName(name string, n *yaml.Node) {
	if problem := nameProblem(name); problem != "" {
		p.refuse(n, "name %.100q %s", name, problem)
		return
	}
	line, taken := p.names[fold(name)]
	folder := slices.IndexFunc(p.folders, func(folder string) bool { return fold(folder) == fold(name) })
	switch {
	case reserved(name):
		p.refuse(n, "name %q is that of a column which files have anyway: name it %q, with `path: %s`",
			name, "payload_"+name, pathScalar([]string{name}))
	case folder >= 0:
		p.refuse(n, "name %q is that of the folders %s=…, which readers take for a column: name it %q, with `path: %s`",
			name, p.folders[folder], "payload_"+name, pathScalar([]string{name}))
	case taken:
		p.refuse(n, "name %q is that of the column in line %d, but for upper and lower case perhaps: give it another", name, line)
	default:
		p.names[fold(name)] = n.Line
	}
}

// nameProblem says what is wrong with a name, in the middle of a sentence; "" is nothing.
func nameProblem(name string) string {
	switch {
	case strings.TrimSpace(name) != name || name == "":
		return "is empty, or begins or ends with a space: write another"
	case len(name) > maxName:
		return fmt.Sprintf("has %d bytes: %d are the most", len(name), maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "has characters that cannot be seen: write another"
	}
	return ""
}

// path reads names with dots between, or a list of names.
func (p *parser) path(n *yaml.Node) (path []string) {
	if n.Kind != yaml.SequenceNode {
		s := p.text("path", n)
		if s == "" {
			return nil
		}
		path = strings.Split(s, ".")
		if slices.Contains(path, "") {
			p.refuse(n, "path %.100q has an empty name: write a list if a name has dots or is empty, as in path: [a, \"b.c\"]", s)
			return nil
		}
		return path
	}
	for _, name := range n.Content {
		if name.Kind != yaml.ScalarNode || name.ShortTag() != "!!str" {
			p.refuse(name, "a name in path is %s: write it in quotes, as in path: [a, \"b.c\"]", kindOf(name))
			return nil
		}
		path = append(path, name.Value)
	}
	switch {
	case len(path) == 0:
		p.refuse(n, "path is an empty list: write the names of members, as in path: [a, \"b.c\"]")
	case len(path) > maxDepth-1:
		p.refuse(n, "path has %d names: payloads are nested at most %d deep", len(path), maxDepth)
	}
	return path
}

// checkPaths refuses paths that are twice there, or lead into the values of a column.
func (p *parser) checkPaths() {
	for i, c := range p.columns {
		key := pathKey(c.Path)
		if line, taken := p.paths[key]; taken {
			p.fail(p.lines[i], fmt.Errorf("path %s is that of the column in line %d: leave one of them out", pathText(c.Path), line))
			continue
		}
		p.paths[key] = p.lines[i]
	}
	for i, c := range p.columns {
		for n := 1; n < len(c.Path); n++ {
			if line, taken := p.paths[pathKey(c.Path[:n])]; taken {
				p.fail(p.lines[i], fmt.Errorf("path %s leads into %s, which is the column in line %d: leave one of them out",
					pathText(c.Path), pathText(c.Path[:n]), line))
				break
			}
		}
	}
}

// pathKey is different for different paths.
func pathKey(path []string) string {
	var b strings.Builder
	for _, name := range path {
		fmt.Fprintf(&b, "%d:%s", len(name), name)
	}
	return b.String()
}

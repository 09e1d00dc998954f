package jsoncolumns

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/jetcapture/lake/schema"
)

// MaxFile is the most bytes that a list of columns may have. What 10,000 columns need is half of it.
const MaxFile = 1 << 20

const maxProblems = 50

// Parse reads a list of columns in YAML or JSON, as the package documentation describes it. Readers make columns of the
// names of folders too, so no column may have the name of one of folders.
//
// The error lists all problems, a line each, with file as the name of the file and the number of the line.
func Parse(file string, text []byte, folders ...string) ([]Column, error) {
	p := &parser{file: file, folders: folders, names: map[string]int{}, paths: map[string]int{}}
	list, err := p.document(text)
	if err != nil {
		return nil, err
	}
	for _, item := range list {
		p.column(item)
	}
	if len(p.columns) == 0 && len(p.errs) == 0 {
		p.fail(1, errNoColumns)
	}
	p.checkPaths()
	if len(p.errs) == 0 { // the rest of what a schema asks for, such as how many columns there may be
		if _, err := schema.New(fields(p.columns)...); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	if len(p.errs) > 0 {
		return nil, p.problems()
	}
	return p.columns, nil
}

type parser struct {
	file    string
	folders []string
	columns []Column
	lines   []int          // of columns
	names   map[string]int // lines, by folded name
	paths   map[string]int // lines, by path
	errs    []problem
}

type problem struct {
	line int
	err  error
}

// fail notes a problem, or several that were joined.
func (p *parser) fail(line int, err error) {
	for text := range strings.SplitSeq(err.Error(), "\n") {
		p.errs = append(p.errs, problem{line, fmt.Errorf("%s:%d: %s", p.file, line, text)})
	}
}

func (p *parser) refuse(n *yaml.Node, format string, args ...any) {
	p.fail(n.Line, fmt.Errorf(format, args...))
}

// problems returns all of them as one error, in the order of their lines.
func (p *parser) problems() error {
	slices.SortStableFunc(p.errs, func(a, b problem) int { return a.line - b.line })
	var errs []error
	for i, problem := range p.errs {
		if i == maxProblems {
			errs = append(errs, fmt.Errorf("%s: there are %d problems more", p.file, len(p.errs)-i))
			break
		}
		errs = append(errs, problem.err)
	}
	return errors.Join(errs...)
}

// document returns the list that the text is.
func (p *parser) document(text []byte) ([]*yaml.Node, error) {
	if len(text) > MaxFile {
		return nil, fmt.Errorf("%s: it has more than %d bytes, which no list of columns needs: name the right file", p.file, MaxFile)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s:1: %w", p.file, errNoColumns)
	case err != nil:
		return nil, p.syntax(err)
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		p.fail(max(1, more.Line), errors.New("there is more behind the list: keep one list in a file"))
	}
	list := doc.Content[0]
	if list.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("%s:%d: it is %s: write a list of columns, each like `- {name: id, type: int64}`", p.file, max(1, list.Line), kindOf(list))
	}
	return list.Content, nil
}

// syntax names the line of an error of YAML as those of others.
func (p *parser) syntax(err error) error {
	line := 1
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if before, after, ok := strings.Cut(text, ": "); ok {
		if n, err := strconv.Atoi(strings.TrimPrefix(before, "line ")); err == nil {
			line, text = n, after
		}
	}
	return fmt.Errorf("%s:%d: it is neither YAML nor JSON: %s", p.file, line, text)
}

var keys = []string{"name", "path", "type", "nullable", "exact", "encoding", "bloom", "sort"}

// column reads one item of the list.
func (p *parser) column(item *yaml.Node) {
	if item.Kind != yaml.MappingNode {
		p.refuse(item, "a column is %s: write it like `- {name: id, type: int64}`", kindOf(item))
		return
	}
	c := Column{Nullable: true}
	found := map[string]*yaml.Node{}
	before := len(p.errs)
	for i := 0; i+1 < len(item.Content); i += 2 {
		key, value := item.Content[i], item.Content[i+1]
		switch name := key.Value; {
		case key.Kind != yaml.ScalarNode || !slices.Contains(keys, name):
			p.refuse(key, "there is no %.50q in a column: write %s", name, or(keys))
		case found[name] != nil:
			p.refuse(key, "%q is there twice: leave one out", name)
		default:
			found[name] = value
			p.value(&c, name, value)
		}
	}
	for _, key := range []string{"name", "type"} {
		if found[key] == nil {
			p.refuse(item, "a column has no %s: add one, as in `- {name: id, type: int64}`", key)
		}
	}
	if c.Path == nil && c.Name != "" && found["path"] == nil {
		if strings.Contains(c.Name, ".") {
			p.refuse(found["name"], "name %q has a dot: say with path what it is, the nested `path: %s` or the one member `path: [%[1]q]`",
				c.Name, c.Name)
		}
		c.Path = []string{c.Name}
	}
	if len(p.errs) > before {
		return
	}
	if c.Exact && c.Type.Kind != schema.Timestamp && c.Type.Kind != schema.TimeOfDay {
		p.refuse(found["exact"], "exact is for timestamp and time, and not for %s, of which nothing is ever cut: leave it out", shortType(c.Type))
		return
	}
	if err := checkHints(c); err != nil {
		p.fail(item.Line, err)
		return
	}
	p.columns, p.lines = append(p.columns, c), append(p.lines, item.Line)
}

// checkHints leaves it to schema which hints a type may have.
func checkHints(c Column) error {
	_, err := schema.New(schema.Field{Name: c.Name, Type: c.Type, Hints: c.Hints})
	if err != nil {
		_, text, found := strings.Cut(err.Error(), ": ")
		if found {
			return errors.New(text)
		}
	}
	return err
}

// value reads what is behind one key.
func (p *parser) value(c *Column, key string, n *yaml.Node) {
	switch key {
	case "name":
		if c.Name = p.text(key, n); c.Name != "" {
			p.checkName(c.Name, n)
		}
	case "path":
		c.Path = p.path(n)
	case "type":
		if s := p.text(key, n); s != "" {
			var err error
			if c.Type, err = parseType(s); err != nil {
				p.fail(n.Line, err)
			}
			c.Epoch = epochOf(s)
		}
	case "nullable":
		c.Nullable = p.truth(key, n)
	case "exact":
		c.Exact = p.truth(key, n)
	case "bloom":
		c.Hints.Bloom = p.truth(key, n)
	case "encoding":
		c.Hints.Encoding = choose(p, key, n, schema.Plain, schema.Dict, schema.Delta, schema.Split)
	case "sort":
		c.Hints.Sort = choose(p, key, n, schema.Ascending, schema.Descending)
	}
}

// text returns the text of a scalar, or "" if it was refused.
func (p *parser) text(key string, n *yaml.Node) string {
	switch {
	case n.Kind != yaml.ScalarNode:
		p.refuse(n, "%s is %s: write a word", key, kindOf(n))
	case n.ShortTag() == "!!null", n.ShortTag() == "!!str" && n.Value == "":
		p.refuse(n, "%s is empty: write one, or leave it out", key)
	case n.ShortTag() != "!!str":
		p.refuse(n, "%s is %s: write it in quotes, as in %s: %q", key, kindOf(n), key, n.Value)
	default:
		return n.Value
	}
	return ""
}

func (p *parser) truth(key string, n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		p.refuse(n, "%s is %s: write true or false", key, kindOf(n))
	}
	return n.Value == "true"
}

// choose reads the word of a hint.
func choose[H interface {
	~uint8
	String() string
}](p *parser, key string, n *yaml.Node, among ...H) (none H) {
	words := make([]string, len(among))
	for i, h := range among {
		if words[i] = h.String(); n.Kind == yaml.ScalarNode && n.Value == words[i] {
			return h
		}
	}
	p.refuse(n, "%s is %s: write %s", key, kindOf(n), or(words))
	return none
}

// kindOf says what a node is, for errors.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "an object"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias, which is not supported"
	}
	switch n.ShortTag() {
	case "!!null":
		return "empty"
	case "!!str":
		return fmt.Sprintf("%.50q", n.Value)
	}
	return n.Value
}

func or(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// order is where each file stands in the list of DESIGN.md.
type order map[string]int

var fileName = regexp.MustCompile("`([a-z0-9_]+\\.go)`")

// readOrder reads the file map of DESIGN.md in dir: the names of Go files in tables.
func readOrder(dir string) (order, error) {
	name := filepath.Join(dir, "DESIGN.md")
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	o := order{}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		for _, m := range fileName.FindAllStringSubmatch(line, -1) {
			if _, twice := o[m[1]]; twice {
				return nil, fmt.Errorf("%s lists %s twice", name, m[1])
			}
			o[m[1]] = len(o)
		}
	}
	return o, nil
}

// matches reports files that are on one side alone.
func (o order) matches(p *loaded) error {
	var wrong []string
	for name := range p.files {
		if _, ok := o[name]; !ok {
			wrong = append(wrong, name+" is not listed in DESIGN.md")
		}
	}
	for name := range o {
		if p.files[name] == nil {
			wrong = append(wrong, name+" is listed in DESIGN.md and does not exist")
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s", strings.Join(wrong, "; "))
	}
	return nil
}

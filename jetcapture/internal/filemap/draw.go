package main

import (
	"cmp"
	"fmt"
	"go/types"
	"io"
	"maps"
	"slices"
	"strings"
)

// A drawing is what a package looks like from above.
type drawing struct {
	files []drawnFile // in the order of DESIGN.md
	types []drawnType // those with the most fields and methods first
}

type drawnFile struct {
	name  string
	lines int
	takes []taken
}

// taken lists the names that a file takes from another one.
type taken struct {
	from  string
	names []string
	back  bool // from is further down
}

type drawnType struct {
	name            string
	fields, methods int
}

func draw(p *loaded, o order) drawing {
	var d drawing
	for name := range p.files {
		names := map[string]map[string]bool{}
		p.uses(name, func(used, from string) {
			if names[from] == nil {
				names[from] = map[string]bool{}
			}
			names[from][used] = true
		})
		f := drawnFile{name: name, lines: p.lines[name]}
		for from, used := range names {
			f.takes = append(f.takes, taken{from, slices.Sorted(maps.Keys(used)), o[from] > o[name]})
		}
		slices.SortFunc(f.takes, func(a, b taken) int { return o[a.from] - o[b.from] })
		d.files = append(d.files, f)
	}
	slices.SortFunc(d.files, func(a, b drawnFile) int { return o[a.name] - o[b.name] })
	for _, name := range p.scope.Names() {
		tn, ok := p.scope.Lookup(name).(*types.TypeName)
		if !ok {
			continue
		}
		named, ok := tn.Type().(*types.Named)
		if !ok || named.Obj() != tn {
			continue // an alias
		}
		t := drawnType{name: name, methods: named.NumMethods()}
		switch u := named.Underlying().(type) {
		case *types.Struct:
			t.fields = u.NumFields()
		case *types.Interface:
			t.methods = u.NumExplicitMethods()
		}
		d.types = append(d.types, t)
	}
	slices.SortStableFunc(d.types, func(a, b drawnType) int { return cmp.Compare(b.fields+b.methods, a.fields+a.methods) })
	return d
}

// back counts the names that run back.
func (d *drawing) back() (n int) {
	for _, f := range d.files {
		for _, t := range f.takes {
			if t.back {
				n += len(t.names)
			}
		}
	}
	return n
}

func (d *drawing) print(to io.Writer) error {
	var out strings.Builder
	lines, arrows := 0, 0
	for _, f := range d.files {
		lines += f.lines
		arrows += len(f.takes)
		fmt.Fprintf(&out, "%-18s %4d lines", f.name, f.lines)
		separator := "  takes from "
		for _, t := range f.takes {
			if !t.back {
				fmt.Fprintf(&out, "%s%s (%d)", separator, strings.TrimSuffix(t.from, ".go"), len(t.names))
				separator = ", "
			}
		}
		out.WriteByte('\n')
		for _, t := range f.takes {
			if t.back {
				fmt.Fprintf(&out, "%18s runs back to %s: %s\n", "", t.from, strings.Join(t.names, ", "))
			}
		}
	}
	fmt.Fprintf(&out, "\n%d files, %d lines, %d arrows between files, %d names that run back\n\n", len(d.files), lines, arrows, d.back())
	for _, t := range d.types[:min(8, len(d.types))] {
		fmt.Fprintf(&out, "%-18s %2d fields %2d methods\n", t.name, t.fields, t.methods)
	}
	_, err := io.WriteString(to, out.String())
	return err
}

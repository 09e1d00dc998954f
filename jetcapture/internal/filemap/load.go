package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// A loaded package: its files without tests, and what each identifier in them refers to.
type loaded struct {
	fset  *token.FileSet
	files map[string]*ast.File // by name, without folder
	lines map[string]int
	info  *types.Info
	scope *types.Scope
}

// load parses the package in dir, with the files of every operating system, and resolves the names that it declares
// itself. Names of imported packages stay unresolved: no dependency is read.
func load(dir string) (*loaded, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	sort.Strings(names)
	p := &loaded{fset: token.NewFileSet(), files: map[string]*ast.File{}, lines: map[string]int{}, info: &types.Info{
		Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
	}}
	var all []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(p.fset, name, source, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		base := filepath.Base(name)
		p.files[base], p.lines[base] = f, bytes.Count(source, []byte("\n"))
		all = append(all, f)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no Go files in %s", dir)
	}
	config := types.Config{Importer: emptyPackages{}, FakeImportC: true, Error: func(error) {}} // imported names are errors
	pkg, _ := config.Check(all[0].Name.Name, p.fset, all, p.info)
	p.scope = pkg.Scope()
	return p, nil
}

// emptyPackages imports each package as one without names.
type emptyPackages struct{}

func (emptyPackages) Import(path string) (*types.Package, error) {
	pkg := types.NewPackage(path, path[strings.LastIndex(path, "/")+1:])
	pkg.MarkComplete()
	return pkg, nil
}

// fileOf returns the name of the file that declares o.
func (p *loaded) fileOf(o types.Object) string {
	return filepath.Base(p.fset.Position(o.Pos()).Filename)
}

// uses calls yield with each name that file takes from another: types, functions, methods, constants and variables of
// the package. Fields are left out: they follow from their types.
func (p *loaded) uses(file string, yield func(name, from string)) {
	ast.Inspect(p.files[file], func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		o := p.info.Uses[id]
		if o == nil || o.Pkg() == nil || !o.Pos().IsValid() {
			return true
		}
		name := o.Name()
		switch o := o.(type) {
		case *types.Func:
			o = o.Origin()
			if recv := o.Signature().Recv(); recv != nil {
				name = receiver(recv.Type()) + "." + name
			}
		case *types.TypeName, *types.Const, *types.Var:
			if o.Parent() != p.scope {
				return true // a field, a parameter, a local name
			}
		default:
			return true
		}
		if from := p.fileOf(o); from != file && p.files[from] != nil {
			yield(name, from)
		}
		return true
	})
}

func receiver(t types.Type) string {
	if ptr, ok := t.(*types.Pointer); ok {
		t = ptr.Elem()
	}
	if named, ok := t.(*types.Named); ok {
		return named.Obj().Name()
	}
	return "interface"
}

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// search returns each find in the files below dir as "file:line: words: what to write".
func search(dir string) (found []string, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		if e.IsDir() {
			if path != dir && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || name == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if !e.Type().IsRegular() || slices.Contains(exempt, filepath.ToSlash(rel)) {
			return nil
		}
		switch {
		case strings.HasSuffix(name, ".go"):
			more, err := searchGo(path, rel)
			found = append(found, more...)
			return err
		case strings.HasSuffix(name, ".md"), strings.HasSuffix(name, ".yml"), strings.HasSuffix(name, ".sh"), name == "Makefile":
			text, err := os.ReadFile(path)
			found = append(found, searchText(rel, 1, string(text))...)
			return err
		}
		return nil
	})
	return found, err
}

// searchText looks at all of text, which begins at this line of the file.
func searchText(file string, line int, text string) (found []string) {
	in(text, func(offset int, phrase string) {
		at := line + strings.Count(text[:offset], "\n")
		found = append(found, fmt.Sprintf("%s:%d: %q: write %s", file, at, phrase, instead[phrase]))
	})
	return found
}

// searchGo looks at the comments, the strings and the names that a Go file declares.
func searchGo(path, rel string) (found []string, err error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, group := range f.Comments {
		var text strings.Builder
		at := fset.Position(group.Pos()).Line
		line := at
		for _, c := range group.List {
			for ; line < fset.Position(c.Pos()).Line; line++ {
				text.WriteByte('\n')
			}
			text.WriteString(c.Text)
			line += strings.Count(c.Text, "\n")
		}
		found = append(found, searchText(rel, at, text.String())...)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				found = append(found, searchText(rel, fset.Position(n.Pos()).Line, n.Value)...)
			}
		case *ast.Field:
			for _, id := range n.Names {
				found = append(found, searchName(fset, rel, id)...)
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				found = append(found, searchName(fset, rel, id)...)
			}
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				return true
			}
			for _, left := range n.Lhs {
				if id, ok := left.(*ast.Ident); ok {
					found = append(found, searchName(fset, rel, id)...)
				}
			}
		case *ast.TypeSpec:
			found = append(found, searchName(fset, rel, n.Name)...)
		case *ast.FuncDecl:
			found = append(found, searchName(fset, rel, n.Name)...)
		}
		return true
	})
	return found, nil
}

func searchName(fset *token.FileSet, rel string, id *ast.Ident) []string {
	better, ok := names[id.Name]
	if !ok {
		return nil
	}
	return []string{fmt.Sprintf("%s:%d: the name %s: %s", rel, fset.Position(id.Pos()).Line, id.Name, better)}
}

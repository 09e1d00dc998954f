// Filemap draws how the files of a package refer to each other, and holds the drawing against the order in which the
// package's DESIGN.md lists them.
//
//	go run ./jetcapture/internal/filemap [flags] jetcapture
//
// It prints each file in that order with the names that it takes from other files. A name that is declared in a file
// further down the list "runs back": the listing cannot be read from top to bottom there. It also prints the types with
// the most fields and methods. A limit that is passed makes it exit with status 1.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	var most limits
	flag.IntVar(&most.files, "files", 30, "fail with more files than this")
	flag.IntVar(&most.back, "back", 5, "fail with more names that run back than this")
	flag.IntVar(&most.fields, "fields", 15, "fail if a type has more fields than this")
	flag.IntVar(&most.methods, "methods", 20, "fail if a type has more methods than this")
	exempt := flag.String("exempt", "Options", "type that may have any number of fields")
	flag.Parse()
	dir := "."
	if flag.NArg() > 0 {
		dir = flag.Arg(0)
	}
	broken, err := run(os.Stdout, dir, most, *exempt)
	if err != nil {
		fmt.Fprintln(os.Stderr, "filemap:", err)
		os.Exit(2)
	}
	for _, b := range broken {
		fmt.Fprintln(os.Stderr, "filemap:", b)
	}
	if len(broken) > 0 {
		os.Exit(1)
	}
}

// limits are the most of each that pass.
type limits struct{ files, back, fields, methods int }

// run prints the drawing of the package in dir, and returns the limits that it passes.
func run(out io.Writer, dir string, most limits, exempt string) (broken []string, err error) {
	p, err := load(dir)
	if err != nil {
		return nil, err
	}
	order, err := readOrder(dir)
	if err != nil {
		return nil, err
	}
	if err := order.matches(p); err != nil {
		return nil, err
	}
	d := draw(p, order)
	if err := d.print(out); err != nil {
		return nil, err
	}
	if n := len(d.files); n > most.files {
		broken = append(broken, fmt.Sprintf("%d files, more than %d", n, most.files))
	}
	if n := d.back(); n > most.back {
		broken = append(broken, fmt.Sprintf("%d names run back, more than %d", n, most.back))
	}
	for _, t := range d.types {
		if t.fields > most.fields && t.name != exempt {
			broken = append(broken, fmt.Sprintf("type %s has %d fields, more than %d", t.name, t.fields, most.fields))
		}
		if t.methods > most.methods {
			broken = append(broken, fmt.Sprintf("type %s has %d methods, more than %d", t.name, t.methods, most.methods))
		}
	}
	return broken, nil
}

// Plainwords finds words in comments, strings, identifiers and documents that make a reader stumble, and says what to
// write instead.
//
//	go run ./jetcapture/internal/plainwords [folder]
//
// It exits with status 1 if it finds any.
package main

import (
	"fmt"
	"os"
)

func main() {
	dir := "."
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	found, err := search(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "plainwords:", err)
		os.Exit(2)
	}
	for _, f := range found {
		fmt.Println(f)
	}
	if len(found) > 0 {
		os.Exit(1)
	}
}

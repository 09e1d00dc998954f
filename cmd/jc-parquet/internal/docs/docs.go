// Package docs reads the documents of this repository, for the tests that run the snippets in them.
package docs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Documents are all Markdown files of the repository, by their paths from its root.
var Documents = []string{
	"README.md",
	"CHANGELOG.md",
	"CONTRIBUTING.md",
	"cmd/jc-parquet/README.md",
	"cmd/jc-parquet/internal/bench/README.md",
	"jetcapture/README.md",
	"jetcapture/DESIGN.md",
	"jetcapture/ledger/model/README.md",
}

// A Block is a fenced block of a document.
type Block struct {
	Document string
	Line     int // of the fence
	Language string
	Text     string // ends in a line end
}

// String says where the block is.
func (b Block) String() string { return fmt.Sprintf("%s:%d", b.Document, b.Line) }

// Root returns the folder of the repository, which the working directory of a test is below.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod in the working directory or above")
		}
		dir = parent
	}
}

// Read returns the text of a document.
func Read(document string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(document)))
	return string(text), err
}

// Blocks returns the fenced blocks of a document.
func Blocks(document string) ([]Block, error) {
	text, err := Read(document)
	if err != nil {
		return nil, err
	}
	var blocks []Block
	var open *Block
	line := 0
	for s := range strings.Lines(text) {
		line++
		language, fence := strings.CutPrefix(strings.TrimRight(s, "\n"), "```")
		switch {
		case fence && open == nil:
			open = &Block{Document: document, Line: line, Language: language}
		case fence:
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.Text += s
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%v: the block is not closed", open)
	}
	return blocks, nil
}

// Prose returns a document without its fenced blocks and inline code.
func Prose(document string) (string, error) {
	text, err := Read(document)
	if err != nil {
		return "", err
	}
	var prose strings.Builder
	fenced := false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case !fenced:
			for i, part := range strings.Split(line, "`") {
				if i%2 == 0 {
					prose.WriteString(part)
				}
			}
		}
	}
	return prose.String(), nil
}

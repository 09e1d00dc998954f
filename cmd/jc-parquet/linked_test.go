package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
)

// TestBinaryLeavesOutWhatMakesItLarge as make build makes it. If one function calls methods by names that the linker does not know, as
// templates do, the linker keeps every exported method of every type.
func TestBinaryLeavesOutWhatMakesItLarge(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "urfave_cli_no_template", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := strings.Fields(string(out))
	for _, large := range []string{"text/template", "html/template", "net/rpc", "google.golang.org/grpc", "google.golang.org/api/option", "go.opentelemetry.io/otel"} {
		if slices.Contains(linked, large) {
			t.Errorf("%s is linked: go list -deps shows by which package", large)
		}
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil || !strings.Contains(string(makefile), "go build -trimpath -tags urfave_cli_no_template") {
		t.Errorf("make build does not use the tag, %v", err)
	}
}

// TestHelpIsPrintedWithoutTemplates as a binary without text/template knows the default ones alone.
func TestHelpIsPrintedWithoutTemplates(t *testing.T) {
	var check func(*cli.Command)
	check = func(c *cli.Command) {
		if c.CustomHelpTemplate != "" || c.CustomRootCommandHelpTemplate != "" {
			t.Errorf("the help of %s has a template", c.Name)
		}
		for _, sub := range c.Commands {
			check(sub)
		}
	}
	check(newCommand())
}

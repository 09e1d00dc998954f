package app

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// selectedContext returns the NATS context that "nats context select" has chosen, or "".
func selectedContext() string {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if dir == "" {
		u, err := user.Current()
		if err != nil || u.HomeDir == "" {
			return ""
		}
		dir = filepath.Join(u.HomeDir, ".config")
	}
	name, err := os.ReadFile(filepath.Join(dir, "nats", "context.txt"))
	if err != nil {
		return "" // none is selected
	}
	return strings.TrimSpace(string(name))
}

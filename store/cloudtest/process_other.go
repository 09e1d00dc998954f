//go:build !linux

package cloudtest

import "os/exec"

func endWithParent(*exec.Cmd) {}

package cloudtest

import (
	"os/exec"
	"syscall"
)

// endWithParent lets the kernel end the server if the tests are killed.
func endWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

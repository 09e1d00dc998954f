package cloudtest

import (
	"os/exec"
	"syscall"
)

// endWithParent lets the kernel end the server should the tests be killed.
func endWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

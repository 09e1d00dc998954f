package jetcapture_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A chaosChild is a process in a role that begins again whenever it ends, until it is dismissed. What it says is appended
// to a file.
type chaosChild struct {
	role func() chaosRole // of the next life
	uid  uint32           // under which it lives, if not 0
	log  *os.File

	mu        sync.Mutex
	process   *os.Process // nil between two lives
	dismissed bool
	ending    bool // this life was told to end, which takes as long as it needs to store what it holds
	ended     chan struct{}
	exits     []int // exit codes; -1 for a life that a signal ended
}

// startChild begins the first life. The child is killed when the test ends, if not before.
func startChild(t *testing.T, log string, role func() chaosRole) *chaosChild {
	t.Helper()
	return startChildAs(t, 0, log, role)
}

// startChildAs is startChild for a process of another user.
func startChildAs(t *testing.T, uid uint32, log string, role func() chaosRole) *chaosChild {
	t.Helper()
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	c := &chaosChild{role: role, uid: uid, log: file, ended: make(chan struct{})}
	first, err := c.live()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.ended)
		for life := first; life != nil; {
			if life = c.outlive(life); life == nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		c.dismiss(syscall.SIGKILL)
		_ = file.Close()
	})
	return c
}

// outlive waits for the end of a life and begins the next.
func (c *chaosChild) outlive(life *exec.Cmd) *exec.Cmd {
	_ = life.Wait() // an exit code says the same
	c.mu.Lock()
	c.process, c.ending = nil, false
	c.exits = append(c.exits, life.ProcessState.ExitCode())
	c.mu.Unlock()
	if life.ProcessState.ExitCode() > 0 {
		time.Sleep(200 * time.Millisecond) // as service managers do
	}
	next, err := c.live()
	if err != nil {
		_, _ = c.log.WriteString("panic: cannot start the process: " + err.Error() + "\n")
	}
	return next
}

// live starts a life, or returns nil if the child was dismissed.
func (c *chaosChild) live() (*exec.Cmd, error) {
	role, err := json.Marshal(c.role())
	if err != nil {
		return nil, err
	}
	life := exec.Command(os.Args[0])
	life.Env = append(os.Environ(), chaosEnv+"="+string(role))
	life.Stdout, life.Stderr = c.log, c.log
	life.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if c.uid != 0 {
		life.SysProcAttr.Credential = &syscall.Credential{Uid: c.uid, Gid: c.uid}
		life.Path = "/proc/self/exe" // the folder of the test binary is not open to others
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dismissed {
		return nil, nil
	}
	if err := life.Start(); err != nil {
		return nil, err
	}
	c.process = life.Process
	return life, nil
}

// signal reports whether there was a process to get the signal.
func (c *chaosChild) signal(s os.Signal) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process == nil || c.process.Signal(s) != nil {
		return false
	}
	c.ending = c.ending || s == syscall.SIGTERM
	return true
}

func (c *chaosChild) isEnding() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending
}

// lives returns how many lives have ended.
func (c *chaosChild) lives() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.exits)
}

// halt stops the process for a while, unless something ends it meanwhile.
func (c *chaosChild) halt(d time.Duration) bool {
	c.mu.Lock()
	halted := c.process
	c.mu.Unlock()
	if halted == nil || halted.Signal(syscall.SIGSTOP) != nil {
		return false
	}
	time.Sleep(d)
	_ = halted.Signal(syscall.SIGCONT) // fails if it has ended, which is as good
	return true
}

// dismiss ends the child by a signal, for good, and returns the exit codes of all its lives.
func (c *chaosChild) dismiss(s syscall.Signal) []int {
	c.mu.Lock()
	c.dismissed = true
	c.mu.Unlock()
	c.signal(s)
	c.signal(syscall.SIGCONT)
	select {
	case <-c.ended:
	case <-time.After(time.Minute):
		c.signal(syscall.SIGKILL)
		<-c.ended
	}
	return c.exits
}

package jetcapture_test

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A tracedCall is a system call of a traced process that succeeded. Began and Ended count the stops of all its threads: a
// thread goes on from one only after it was counted, so a call that begins after the end of another did so in truth.
type tracedCall struct {
	Number       int
	Began, Ended int
	Path, To     string // of the file, be it by its descriptor; To is the new name of a link
	Data         []byte // written to a socket
}

// errNoTracing says that the system lets nobody trace.
var errNoTracing = errors.New("tracing is not permitted")

// A tracer runs a process and writes down the calls by which files and messages leave it.
type tracer struct {
	pid     int
	stops   int
	seen    map[int]bool // threads
	pending map[int]*tracedCall
	done    func(tracedCall) error
}

// traceProcess runs the process to its end. It waits for every child of this process, so it must be the only one.
func traceProcess(process *exec.Cmd, done func(tracedCall) error) error {
	runtime.LockOSThread() // a process is traced by one thread
	defer runtime.UnlockOSThread()
	process.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := process.Start(); errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w: %w", errNoTracing, err)
	} else if err != nil {
		return err
	}
	t := &tracer{pid: process.Process.Pid, seen: map[int]bool{}, pending: map[int]*tracedCall{}, done: done}
	const options = unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_EXITKILL
	for configured := false; ; {
		var status unix.WaitStatus
		tid, err := unix.Wait4(-1, &status, unix.WALL, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("wait for the traced process: %w", err)
		case tid == t.pid && (status.Exited() || status.Signaled()):
			if status.ExitStatus() != 0 {
				return fmt.Errorf("the traced process ended with status %d, signal %v", status.ExitStatus(), status.Signal())
			}
			return nil
		case !status.Stopped():
			continue
		}
		if !configured { // stopped by its exec
			if err := unix.PtraceSetOptions(t.pid, options); err != nil {
				return fmt.Errorf("%w: %w", errNoTracing, err)
			}
			configured = true
		}
		signal, err := t.stopped(tid, status)
		if err != nil {
			return err
		}
		if err := unix.PtraceSyscall(tid, signal); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("let thread %d go on: %w", tid, err)
		}
	}
}

// stopped returns the signal that the thread goes on with.
func (t *tracer) stopped(tid int, status unix.WaitStatus) (signal int, err error) {
	isNew := !t.seen[tid]
	t.seen[tid] = true
	switch s := status.StopSignal(); {
	case s == unix.SIGTRAP|0x80:
		t.stops++
		return 0, t.call(tid)
	case s == unix.SIGTRAP, isNew && s == unix.SIGSTOP:
		return 0, nil // of the tracing itself
	default:
		return int(s), nil
	}
}

// syscallInfo is the kernel's struct ptrace_syscall_info.
type syscallInfo struct {
	op     uint8 // infoEntry or infoExit
	_      [3]uint8
	_      uint32    // architecture
	_      [2]uint64 // instruction, stack
	values [7]uint64 // on entry number and arguments, on exit the result
	_      [2]uint64
}

const (
	infoEntry = 1
	infoExit  = 2
)

// call takes note of the begin or the end of a call.
func (t *tracer) call(tid int) error {
	var info syscallInfo
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	switch {
	case errno == unix.ESRCH:
		return nil // the process ends
	case errno == unix.EIO, errno == unix.EINVAL:
		return fmt.Errorf("%w: the kernel tells nothing of system calls: %w", errNoTracing, errno)
	case errno != 0:
		return fmt.Errorf("look at a system call: %w", errno)
	case info.op == infoEntry:
		call, err := t.begin(int(info.values[0]), info.values[1:])
		if err != nil {
			return err
		}
		t.pending[tid] = call
	case info.op == infoExit:
		call := t.pending[tid]
		delete(t.pending, tid)
		result := int64(info.values[0])
		if call == nil || result < 0 {
			return nil
		}
		if call.Data != nil {
			call.Data = call.Data[:result]
		}
		call.Ended = t.stops
		return t.done(*call)
	}
	return nil
}

// begin describes a call, nil if it is of no interest.
func (t *tracer) begin(number int, args []uint64) (call *tracedCall, err error) {
	call = &tracedCall{Number: number, Began: t.stops}
	switch number {
	case unix.SYS_FSYNC, unix.SYS_FDATASYNC:
		call.Path, err = t.descriptor(args[0])
	case unix.SYS_MKDIRAT:
		call.Path, err = t.text(args[1])
	case unix.SYS_LINKAT, unix.SYS_RENAMEAT2:
		call.Path, err = t.text(args[1])
		if err == nil {
			call.To, err = t.text(args[3])
		}
	case unix.SYS_WRITE, unix.SYS_SENDTO:
		call.Path, err = t.descriptor(args[0])
		if err != nil || !bytes.HasPrefix([]byte(call.Path), []byte("socket:")) {
			return nil, err
		}
		call.Data, err = t.memory(args[1], make([]byte, args[2]))
	default:
		return nil, nil
	}
	return call, err
}

func (t *tracer) descriptor(fd uint64) (string, error) {
	path, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(t.pid), "fd", strconv.Itoa(int(int32(fd)))))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil // the call will fail
	}
	return path, err
}

// memory fills p from an address of the process.
func (t *tracer) memory(address uint64, p []byte) ([]byte, error) {
	f, err := os.Open(filepath.Join("/proc", strconv.Itoa(t.pid), "mem"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	n, err := f.ReadAt(p, int64(address))
	if n == len(p) || n > 0 && err != nil {
		err = nil // less is there at the end of a mapping
	}
	return p[:n], err
}

// text returns the string at an address.
func (t *tracer) text(address uint64) (string, error) {
	const page = 4096
	var all []byte
	for {
		chunk, err := t.memory(address, make([]byte, page-address%page))
		if err != nil {
			return "", err
		}
		text, _, ended := bytes.Cut(chunk, []byte{0})
		all = append(all, text...)
		if ended {
			return string(all), nil
		}
		address += uint64(len(chunk))
	}
}

// traceTo runs the process and writes its calls to a file, which readTrace reads.
func traceTo(path string, process *exec.Cmd) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	encoder := gob.NewEncoder(f)
	return errors.Join(traceProcess(process, func(c tracedCall) error { return encoder.Encode(c) }), f.Close())
}

func readTrace(path string) (calls []tracedCall, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	for decoder := gob.NewDecoder(f); ; {
		var call tracedCall
		if err := decoder.Decode(&call); errors.Is(err, io.EOF) {
			return calls, nil
		} else if err != nil {
			return nil, err
		}
		calls = append(calls, call)
	}
}

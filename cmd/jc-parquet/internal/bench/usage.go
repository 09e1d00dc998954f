//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ownCPU is the CPU time of this process so far.
func ownCPU() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	return cpuTime(&usage), nil
}

// usageOf returns the resources that an ended process used.
func usageOf(ended *exec.Cmd) *syscall.Rusage {
	usage, ok := ended.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return new(syscall.Rusage)
	}
	return usage
}

// cpuTime is user and system time together.
func cpuTime(u *syscall.Rusage) time.Duration {
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// machineCPU is the time that all processors have spent on all processes, or 0 where the system does not report it as Linux
// does.
func machineCPU() (busy time.Duration) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	for i, field := range strings.Fields(line) { // cpu user nice system idle iowait irq softirq ...
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err == nil && i != 4 && i != 5 && i <= 7 {
			busy += time.Duration(ticks) * (time.Second / 100)
		}
	}
	return busy
}

// peakMemory is the most resident memory in bytes.
func peakMemory(u *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return int64(u.Maxrss) //nolint:unconvert // it is an int32 on some systems
	}
	return int64(u.Maxrss) << 10 //nolint:unconvert // as above
}

// processCPU is the CPU time of a process that runs, or 0 where the system does not report it as Linux does.
func processCPU(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, line, _ := strings.Cut(string(stat), ") ") // pid (name) state ... utime stime
	fields := strings.Fields(line)
	if len(fields) < 13 {
		return 0
	}
	var used time.Duration
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0
		}
		used += time.Duration(ticks) * (time.Second / 100)
	}
	return used
}

// residentMemory is the resident memory of a running process, in bytes, or 0 where the system does not report it as Linux does.
func residentMemory(pid int) int64 {
	var size, resident int64
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	if _, err := fmt.Sscan(string(statm), &size, &resident); err != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}

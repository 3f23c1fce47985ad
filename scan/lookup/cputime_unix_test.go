//go:build unix

package lookup_test

import (
	"syscall"
	"time"
)

// cpuTime is what this process has used so far, the kernel's work for it included.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

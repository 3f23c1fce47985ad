package main

import (
	"os"
	"syscall"
)

// peak is the resident memory that a process had at most, in MiB.
func peak(p *os.ProcessState) float64 {
	usage, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return float64(usage.Maxrss) / 1024
}

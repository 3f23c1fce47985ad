//go:build !windows

package main

import "syscall"

// leaveNoCore keeps a crash from writing all memory to a file, which would hold the list. It
// is of no consequence if the system refuses.
func leaveNoCore() { _ = syscall.Setrlimit(syscall.RLIMIT_CORE, new(syscall.Rlimit)) }

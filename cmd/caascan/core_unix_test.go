//go:build !windows

package main

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestACrashIsNoUsageError: a crash ends by a signal, where a wrong command line ends with 2.
func TestACrashIsNoUsageError(t *testing.T) {
	const asked = "CAASCAN_TEST_CRASH"
	if os.Getenv(asked) != "" {
		crashAloud()
		go func() { panic("a defect") }()
		select {}
	}
	command := exec.Command(os.Args[0], "-test.run=^TestACrashIsNoUsageError$")
	command.Dir, command.Env = t.TempDir(), append(os.Environ(), asked+"=1")
	said, err := command.CombinedOutput()
	failed, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatalf("%v\n%s", err, said)
	}
	status := failed.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGABRT || status.CoreDump() {
		t.Errorf("%v (core: %t), want SIGABRT without a core\n%s", err, status.CoreDump(), said)
	}
	if got := runWith(t.Context(), "", "scan", "--no-such-flag"); got.code != exitUsage {
		t.Errorf("a wrong command line: exit %d, want %d", got.code, exitUsage)
	}
}

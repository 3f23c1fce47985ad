//go:build !windows

package main

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
)

// TestSignalsReachTheContext sends the process a real signal.
func TestSignalsReachTheContext(t *testing.T) {
	ctx, stop := untilSignal(t.Context())
	defer stop()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
	if cause, ok := errors.AsType[interrupted](context.Cause(ctx)); !ok || cause.signal != syscall.SIGTERM {
		t.Errorf("cause %v, want SIGTERM", context.Cause(ctx))
	}
}

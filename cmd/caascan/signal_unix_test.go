//go:build !windows

package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// TestSignalsReachTheContext sends the process real signals.
func TestSignalsReachTheContext(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		if signal.Ignored(s) { // by whoever has started the tests, with nohup
			continue
		}
		ctx, stop := untilSignal(t.Context())
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		if cause, ok := errors.AsType[interrupted](context.Cause(ctx)); !ok || cause.signal != s {
			t.Errorf("cause %v, want %v", context.Cause(ctx), s)
		}
		stop()
	}
}

// TestNohupIsHeeded: a signal that is ignored stays so.
func TestNohupIsHeeded(t *testing.T) {
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	ctx, stop := untilSignal(t.Context())
	defer stop()
	if !signal.Ignored(syscall.SIGHUP) || ctx.Err() != nil {
		t.Errorf("SIGHUP is ignored: %v; %v", signal.Ignored(syscall.SIGHUP), ctx.Err())
	}
}

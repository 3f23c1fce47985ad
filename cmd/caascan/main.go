// Command caascan tells, for every mailbox or domain in a list, whether DNS CAA
// records permit a given CA to issue S/MIME certificates: permitted, denied or
// lookup-failed, why, and what to change.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	// If the system has no certificates, in a container, DNS over TLS and HTTPS
	// are checked against those of the browsers.
	_ "golang.org/x/crypto/x509roots/fallback"
)

func main() {
	crashAloud()
	// A reader who goes away, such as head, is a write error like any other:
	// being killed would leave temporary files behind.
	signal.Ignore(syscall.SIGPIPE)
	// Signals are caught to the very end: one that comes when all is said must not make
	// another exit code of it.
	ctx, _ := untilSignal(context.Background())
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// crashAloud makes a crash end the process by SIGABRT, exit status 134 of a shell or a
// container. Go would end it with 2, as a command line that is wrong does, and whoever
// supervises it would not try again.
func crashAloud() {
	debug.SetTraceback("crash")
	leaveNoCore()
}

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ signal os.Signal }

// Error is the name of the signal.
func (i interrupted) Error() string { return i.signal.String() }

// untilSignal returns a context that ends at the first SIGINT, SIGTERM or SIGHUP, with an
// interrupted as its cause; nohup(1) keeps the last from it. Another signal ends the process at once, unless it comes
// right behind the first: timeout(1) sends its own to the process and to the group.
func untilSignal(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		select {
		case s := <-signals:
			cancel(interrupted{s})
		case <-done:
			return
		}
		select {
		case <-time.After(oneWish):
			signal.Stop(signals)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}

// oneWish is how long further signals are taken for the first. It is longer than grace.
const oneWish = time.Second

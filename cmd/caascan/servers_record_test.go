//go:build servers

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ending is a signal and what comes of it.
type ending struct {
	signal os.Signal
	code   int
	word   string
}

// TestSignalsFlushTheSnapshot stops runs that write one. All that was learnt is in it: of
// the names that were asked no more are without a line than were in flight.
func TestSignalsFlushTheSnapshot(t *testing.T) {
	program, list := build(t), writeNightList(t)
	for _, e := range []ending{{os.Interrupt, exitInterrupted, "interrupt"}, {syscall.SIGTERM, exitTerminated, "terminated"}} {
		t.Run(e.word, func(t *testing.T) {
			n := newNight(t, program, list, 1)
			n.stopAt(t, e, n.sinceStart(t))
			for range 6 {
				some := n.queries.Load() + 1000
				n.stopAt(t, e, func() bool { return n.queries.Load() > some })
			}
			n.stopAt(t, e, func() bool { return n.finalPass.Load() > 2 })
			n.stopAt(t, e, func() bool { return grown(t, n.out, "."+csvReport) })
		})
	}
}

// stopAt stops a run at a moment. One that was done before is tried again: some moments
// are short.
func (n *night) stopAt(t *testing.T, e ending, come func() bool) {
	t.Helper()
	before := n.known(t)
	const tries = 5
	for range tries {
		r := n.begin(t)
		r.waitFor(t, come)
		code := r.stop(t, e.signal)
		if code == exitDone {
			writeFile(t, n.path(csvReport), oldReport)
			continue
		}
		want := n.advice() + "caascan: " + e.word + ": stopped; no report was written\n"
		if said := r.said(t); code != e.code || !strings.HasSuffix(said, want) {
			t.Errorf("exit %d, stderr %q, want %d and %q at its end", code, said, e.code, want)
		}
		if _, lost := n.checkAsked(t, before); lost > n.concurrent {
			t.Errorf("%d answers are lost, want at most the %d in flight", lost, n.concurrent)
		}
		n.checkUntouched(t)
		if left := n.leftovers(t); len(left) > 0 {
			t.Errorf("files are left: %v", left)
		}
		return
	}
	t.Fatal("no run could be stopped before its end")
}

// advice is what a run says that has ended before its time.
func (n *night) advice() string {
	return fmt.Sprintf("caascan: the answers so far are in %s: run the same command line with --resume to continue\n", n.snapshot)
}

// TestSignalWhileASnapshotIsRead stops a run that reads a snapshot for longer than a run
// may go on after a signal.
func TestSignalWhileASnapshotIsRead(t *testing.T) {
	n := newNight(t, build(t), writeNightList(t), 1)
	n.writeSnapshot(t, 1_000_000)
	size := n.size(t, n.snapshot)
	r := n.begin(t)
	r.waitFor(t, func() bool { return len(n.server.Queries()) > 0 }) // the probe, behind which the snapshot is read
	select {
	case <-r.ended:
	case <-time.After(300 * time.Millisecond):
	}
	if code := r.stop(t, os.Interrupt); code != exitInterrupted {
		t.Errorf("exit %d, stderr %q, want %d", code, r.said(t), exitInterrupted)
	}
	if got := n.size(t, n.snapshot); got != size {
		t.Errorf("the snapshot has %d octets, want the %d that it had", got, size)
	}
	n.checkUntouched(t)
}

// writeSnapshot makes a snapshot with answers for so many names.
func (n *night) writeSnapshot(t *testing.T, names int) {
	t.Helper()
	file, err := os.Create(n.snapshot)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var text strings.Builder
	text.WriteString(`{"snapshot":1,"program":"caascan","started":"2026-01-01T00:00:00Z","flags":{}}` + "\n")
	for i := range names {
		fmt.Fprintf(&text, `{"name":"x%d.example","time":"2026-01-01T00:00:00Z","resolver":"192.0.2.1:53","transport":"udp","rcode":"NOERROR","ad":false,"validated":false,"ttl":0,"attempts":1}`+"\n", i)
	}
	if _, err := file.WriteString(text.String()); err != nil {
		t.Fatal(err)
	}
}

// TestOneRunAtATime starts a second run on the snapshot of one that is at work, by its name
// and by a link to it. It says who holds it, and changes nothing.
func TestOneRunAtATime(t *testing.T) {
	program, list := build(t), writeNightList(t)
	n := newNight(t, program, list, 1)
	first := n.begin(t, "--rate", "1") // hardly anything is asked, so it has not ended when the others come
	first.waitFor(t, func() bool { return len(n.known(t)) > 0 })
	link := filepath.Join(t.TempDir(), "link.jsonl")
	if err := os.Symlink(n.snapshot, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{n.snapshot, link} {
		second := *n
		second.snapshot, second.sandbox = name, newSandbox(t)
		r := second.begin(t)
		select {
		case <-r.ended:
		case <-time.After(patience):
			t.Fatal("the second run does not end")
		}
		if want := fmt.Sprintf("caascan: snapshot %s is being written by process %d on ", name, first.process.Pid); *r.code != exitUnfinished || !strings.HasPrefix(r.said(t), want) {
			t.Errorf("exit %d, stderr %q, want %d and %q", *r.code, r.said(t), exitUnfinished, want)
		}
		second.checkUntouched(t)
	}
	if first.process.Signal(syscall.Signal(0)) != nil {
		t.Error("the first run has ended")
	}
	if code := first.stop(t, os.Interrupt); code != exitInterrupted {
		t.Errorf("the first run: exit %d, stderr %q, want %d", code, first.said(t), exitInterrupted)
	}
	if known := n.known(t); len(known) > 20 {
		t.Errorf("%d names in the snapshot, want the few of the first run", len(known))
	}
	n.checkUntouched(t)
	n.finish(t, n.begin(t)) // nobody holds it any more
}

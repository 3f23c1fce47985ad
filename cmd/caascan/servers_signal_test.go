//go:build servers

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sandbox is where a run that is stopped may leave something behind.
type sandbox struct {
	temp string // TMPDIR
	out  string // the folder of the reports, which holds older ones
}

// The reports of a sandbox, and what stands in them before a run.
const (
	csvReport  = "report.csv"
	xlsxReport = "report.xlsx"
	oldReport  = "yesterday's report\n"
)

func newSandbox(t *testing.T) sandbox {
	t.Helper()
	s := sandbox{t.TempDir(), t.TempDir()}
	writeFile(t, s.path(csvReport), oldReport)
	writeFile(t, s.path(xlsxReport), oldReport)
	return s
}

func (s sandbox) path(report string) string { return filepath.Join(s.out, report) }

// checkUntouched sees that the old reports stand where they were and that nothing
// else is left.
func (s sandbox) checkUntouched(t *testing.T) {
	t.Helper()
	want := map[string]int64{s.path(csvReport): int64(len(oldReport)), s.path(xlsxReport): int64(len(oldReport))}
	if diff := cmp.Diff(want, filesIn(t, s.out)); diff != "" {
		t.Errorf("the reports' folder (-want +got)\n%s", diff)
	}
	if left := filesIn(t, s.temp); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

// grown reports whether something has been written to a file whose name begins so.
func grown(t *testing.T, dir, prefix string) bool {
	t.Helper()
	for path, size := range filesIn(t, dir) {
		if size > 0 && strings.HasPrefix(filepath.Base(path), prefix) {
			return true
		}
	}
	return false
}

// bigRows take some seconds to be written to a workbook.
const bigRows = 300_000

func writeBigList(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "big.csv")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, "email,name")
	for i := range bigRows {
		fmt.Fprintf(w, "user%d@d%d.hosted.example,Person %d\n", i, i%500, i)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return path
}

// running is the program at work: its standard input stays open, and nobody reads
// its standard output until it has ended.
type running struct {
	process *os.Process
	ended   <-chan struct{}
	stdin   *os.File // the end to write to
	stdout  *os.File // the end to read from
	stderr  string   // the path of a file
	code    *int     // when it has ended
}

func (w world) start(t *testing.T, s sandbox, args ...string) running {
	t.Helper()
	inRead, inWrite := newPipe(t)
	outRead, outWrite := newPipe(t)
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(w.program, append(args, "--issuer", "ca.example")...)
	cmd.Env = append(os.Environ(), "TMPDIR="+s.temp)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = inRead, outWrite, stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	inRead.Close()
	outWrite.Close()
	stderr.Close()
	ended, code := make(chan struct{}), new(int)
	go func() {
		_ = cmd.Wait() // the code tells
		*code = cmd.ProcessState.ExitCode()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // nothing where it has ended
		<-ended
	})
	return running{cmd.Process, ended, inWrite, outRead, stderr.Name(), code}
}

func newPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r, w
}

// waitFor waits until a moment of the run has come, or the run has ended.
func (r running) waitFor(t *testing.T, come func() bool) {
	t.Helper()
	if until(t, r.ended, come) {
		return
	}
	select {
	case <-r.ended:
	default:
		t.Fatalf("the moment to stop the run never came; stderr %q", r.said(t))
	}
}

func (r running) said(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(r.stderr)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// stopsWithin is how long a run may go on after a signal.
const stopsWithin = time.Second

// stop sends a signal, several times as timeout(1) does, and returns the exit code,
// which must come within stopsWithin.
func (r running) stop(t *testing.T, signal os.Signal) int {
	t.Helper()
	for range 20 {
		if err := r.process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
	}
	select {
	case <-r.ended:
		return *r.code
	case <-time.After(stopsWithin):
		t.Fatalf("it still runs %v after the signal; stderr %q", stopsWithin, r.said(t))
		return 0
	}
}

// moment is a place in a run at which it is stopped.
type moment struct {
	name string
	// begin starts a run and waits for the moment.
	begin func(w world, t *testing.T, s sandbox) running
}

var moments = []moment{
	{"the resolver is probed", func(w world, t *testing.T, s sandbox) running {
		resolver, reached := silentAfter(t, 0)
		r := w.start(t, s, "scan", demoList, "-o", s.path(csvReport), "--resolver", resolver)
		r.waitFor(t, reached)
		return r
	}},
	{"answers are waited for", func(w world, t *testing.T, s sandbox) running {
		resolver, reached := silentAfter(t, probeQueries)
		r := w.start(t, s, "scan", demoList, "-o", s.path(csvReport), "--resolver", resolver)
		r.waitFor(t, reached)
		return r
	}},
	{"more of standard input is waited for", func(w world, t *testing.T, s sandbox) running {
		r := w.start(t, s, "scan", "-", "-o", s.path(csvReport), "--zone", demoZone)
		if _, err := io.WriteString(r.stdin, "jane@listed.example\n"); err != nil {
			t.Fatal(err)
		}
		r.waitFor(t, func() bool { return grown(t, s.temp, "spool-") })
		return r
	}},
	{"rows are written to a workbook", func(w world, t *testing.T, s sandbox) running {
		r := w.start(t, s, "scan", w.bigList, "-o", s.path(csvReport), "-o", s.path(xlsxReport), "--zone", demoZone)
		r.waitFor(t, func() bool { return grown(t, s.temp, "") })
		return r
	}},
	{"the workbook is put together", func(w world, t *testing.T, s sandbox) running {
		r := w.start(t, s, "scan", w.bigList, "-o", s.path(xlsxReport), "--zone", demoZone)
		r.waitFor(t, func() bool { return grown(t, s.out, "."+xlsxReport) })
		return r
	}},
	{"nobody reads standard output", func(w world, t *testing.T, s sandbox) running {
		r := w.start(t, s, "scan", w.bigList, "-o", "-", "--zone", demoZone, "--progress", "always")
		// The pipe is full in some milliseconds, and the bar is first drawn after 100.
		r.waitFor(t, func() bool { return strings.Contains(r.said(t), "writing reports") })
		return r
	}},
}

// stop stops a run at the moment. One that was done before the signal came is
// tried again, because some moments are short.
func (m moment) stop(w world, t *testing.T, signal os.Signal) (s sandbox, r running, code int) {
	t.Helper()
	const tries = 3
	for range tries {
		s = newSandbox(t)
		r = m.begin(w, t, s)
		if code = r.stop(t, signal); code != exitDone {
			break
		}
	}
	return s, r, code
}

// signals stops runs at all kinds of moments. Each ends in under a second with
// the code of the signal, one line on stderr, and nothing touched.
func (w world) signals(t *testing.T) {
	for _, m := range moments {
		for _, signal := range []struct {
			sent os.Signal
			code int
			word string
		}{{os.Interrupt, exitInterrupted, "interrupt"}, {syscall.SIGTERM, exitTerminated, "terminated"}} {
			t.Run(signal.word+" while "+m.name, func(t *testing.T) {
				s, r, code := m.stop(w, t, signal.sent)
				if code != signal.code {
					t.Errorf("exit %d, want %d", code, signal.code)
				}
				want := "caascan: " + signal.word + ": stopped; no report was written\n"
				if said := r.said(t); !strings.HasSuffix(said, want) || strings.Count(said, "caascan:") != 1 {
					t.Errorf("stderr %q, want %q", said, want)
				}
				s.checkUntouched(t)
			})
		}
	}
}

// signalBetweenReports stops a run when the first of two reports is in its place.
// It must not end as if nothing had been written: either both reports are the old
// ones, or it is too late to stop.
func (w world) signalBetweenReports(t *testing.T) {
	s := newSandbox(t)
	r := w.start(t, s, "scan", w.bigList, "-o", s.path(csvReport), "-o", s.path(xlsxReport), "--zone", demoZone)
	r.waitFor(t, func() bool { return s.replaced(csvReport) })
	code := r.stop(t, os.Interrupt)
	if first, second := s.replaced(csvReport), s.replaced(xlsxReport); code != exitDone || !first || !second {
		t.Errorf("exit %d, stderr %q; %s replaced: %v, %s replaced: %v; want 0 and both",
			code, r.said(t), csvReport, first, xlsxReport, second)
	}
	if left := filesIn(t, s.temp); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

func (s sandbox) replaced(report string) bool {
	info, err := os.Stat(s.path(report))
	return err == nil && info.Size() != int64(len(oldReport))
}

// brokenPipe reads the beginning of a report on standard output and no more, as
// head does. The other report is finished, the run ends, and leaves nothing behind.
func (w world) brokenPipe(t *testing.T) {
	s := newSandbox(t)
	r := w.start(t, s, "scan", w.bigList, "-o", "-", "-o", s.path(xlsxReport), "--zone", demoZone)
	if _, err := r.stdout.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	r.stdout.Close()
	select {
	case <-r.ended:
	case <-time.After(patience):
		t.Fatal("it still runs though nobody reads its output")
	}
	if *r.code != exitReaderGone {
		t.Errorf("exit %d, want %d: the report was cut short", *r.code, exitReaderGone)
	}
	if !s.replaced(xlsxReport) {
		t.Error("the other report is not there, want it finished")
	}
	if left := filesIn(t, s.temp); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}

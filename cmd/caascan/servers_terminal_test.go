//go:build servers

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// columns is how wide the terminal is.
const columns = 80

// onTerminal starts the program under a pseudo-terminal, made by script(1) of
// util-linux. What is written to stdin is typed.
func (w world) onTerminal(t *testing.T, s sandbox, stdin io.Reader, args ...string) (*exec.Cmd, *screen) {
	t.Helper()
	script := find(t, "script")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	var line strings.Builder
	fmt.Fprintf(&line, "stty cols %d && exec ", columns)
	for _, word := range append([]string{w.program}, args...) {
		line.WriteString("'" + word + "' ") // no word of ours holds an apostrophe
	}
	// -e gives the exit code of the program, -q says nothing itself.
	cmd := exec.CommandContext(ctx, script, "-q", "-e", "-c", line.String(), "/dev/null")
	cmd.Env = append(os.Environ(), "TMPDIR="+s.temp, "TERM=xterm", "SHELL=/bin/sh")
	cmd.WaitDelay = time.Second
	shown := new(screen)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, shown, shown
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, shown
}

// screen is what a terminal has been sent.
type screen struct {
	mu   sync.Mutex
	sent bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent.String()
}

// slowDemo scans the demo so slowly, 36 queries at 20 a second, that a bar must be
// drawn: that happens every tenth of a second.
func slowDemo(resolver unbound, report string) []string {
	return []string{"scan", demoList, "--issuer", "ca.example", "--resolver", resolver.address, "--rate", "20", "--final-pass-after", "0s", "-o", report}
}

// terminal sees the bar and one summary line.
func (w world) terminal(t *testing.T) {
	s, report := newSandbox(t), filepath.Join(t.TempDir(), csvReport)
	cmd, shown := w.onTerminal(t, s, nil, slowDemo(w.startUnbound(t), report)...)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v; the terminal shows %q", err, shown)
	}
	const bar, summary = "looking up domains", "caascan: 41 rows, 27 distinct domains, 30 names asked, 36 queries (6 retries), "
	before, line, ok := strings.Cut(shown.String(), summary)
	if !ok || !strings.Contains(before, bar) || !strings.Contains(before, "/27") {
		t.Errorf("the terminal shows %q, want the bar %q over 27 domains, and then %q", shown, bar, summary)
	}
	if strings.Contains(before, "\n") || strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, " seconds\r\n") {
		t.Errorf("the terminal shows %q, want one line that stays, the summary", shown)
	}
	for frame := range strings.SplitSeq(before, "\r") {
		if text := escapeSequence.ReplaceAllString(frame, ""); utf8.RuneCountInString(text) > columns {
			t.Errorf("the bar is drawn over more than a line: %q", frame)
		}
	}
	if _, err := os.Stat(report); err != nil {
		t.Error(err)
	}
}

// escapeSequence erases a line or a part of it (ECMA-48, section 8.3.41).
var escapeSequence = regexp.MustCompile("\x1b\\[[0-9]*K")

// controlC types Ctrl-C while the bar is drawn.
func (w world) controlC(t *testing.T) {
	s := newSandbox(t)
	keys, keyboard := newPipe(t)
	cmd, shown := w.onTerminal(t, s, keys, slowDemo(w.startUnbound(t), s.path(csvReport))...)
	if !until(t, nil, func() bool { return strings.Contains(shown.String(), "looking up domains") }) {
		t.Fatalf("no bar is drawn; the terminal shows %q", shown)
	}
	const ctrlC = "\x03"
	start := time.Now()
	if _, err := io.WriteString(keyboard, ctrlC); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the code tells
	if took, code := time.Since(start), cmd.ProcessState.ExitCode(); code != exitInterrupted || took > stopsWithin {
		t.Errorf("exit %d after %v, want %d in under %v", code, took, exitInterrupted, stopsWithin)
	}
	const want = "caascan: interrupt: stopped; no report was written\r\n"
	if !strings.HasSuffix(shown.String(), want) || strings.Count(shown.String(), "caascan:") != 1 {
		t.Errorf("the terminal shows %q, want %q at the end", shown, want)
	}
	s.checkUntouched(t)
}

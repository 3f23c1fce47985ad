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

// terminal sees the bar, and then the end: a table, what denies rows, the files, and the
// figures of the DNS last.
func (w world) terminal(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	s, report := newSandbox(t), filepath.Join(t.TempDir(), csvReport)
	resolver := w.startUnbound(t)
	cmd, shown := w.onTerminal(t, s, nil, slowDemo(resolver, report)...)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v; the terminal shows %q", err, shown)
	}
	const bar, end = "looking up domains", "41 rows, 27 distinct domains\r\n"
	before, after, ok := strings.Cut(shown.String(), end)
	if !ok || !strings.Contains(before, bar) || !strings.Contains(before, "/27") {
		t.Errorf("the terminal shows %q, want the bar %q over 27 domains, and then %q", shown, bar, end)
	}
	if strings.Contains(before, "\n") {
		t.Errorf("the terminal shows %q, want nothing of the bar to stay", shown)
	}
	for frame := range strings.SplitSeq(before, "\r") {
		if text := escapeSequence.ReplaceAllString(frame, ""); utf8.RuneCountInString(text) > columns {
			t.Errorf("the bar is drawn over more than a line: %q", frame)
		}
	}
	checkEnd(t, after)
	if _, err := os.Stat(report); err != nil {
		t.Error(err)
	}
}

// checkEnd holds the end of a scan of the demo to what is expected of each of its mailboxes:
// see TestTheDemoShowsEveryReason.
func checkEnd(t *testing.T, text string) {
	t.Helper()
	if !strings.Contains(text, "\x1b[32m         16\x1b[0m\x1b[31m      13\x1b[0m") {
		t.Errorf("the end is %q, want 16 in green and 13 in red", text)
	}
	plain := escapeSequence.ReplaceAllString(strings.ReplaceAll(text, "\r\n", "\n"), "")
	for _, want := range []string{
		"            permitted  denied  not looked up  failed\nca.example         16      13              9       3\n",
		"\nDenied by the records at\n  2 rows  ",
		"\nWritten\n  ",
		"\n30 names asked, 36 queries (6 retries); ",
	} {
		if !strings.Contains(plain, want) {
			t.Errorf("the end is\n%s\nwant %q in it", plain, want)
		}
	}
	if !strings.HasSuffix(plain, " seconds.\n") {
		t.Errorf("the end is\n%s\nwant the figures of the DNS last", plain)
	}
	for line := range strings.SplitSeq(plain, "\n") {
		if utf8.RuneCountInString(line) > columns {
			t.Errorf("a line is wider than the terminal: %q", line)
		}
	}
}

// checkOnTerminal sees the verdict first and in colour, unless NO_COLOR is set, and sentences
// that are broken between words.
func (w world) checkOnTerminal(t *testing.T) {
	for _, test := range []struct{ noColour, want string }{
		{"", "ca.example: \x1b[31mdenied\x1b[0m (issuer-not-listed)\r\n"},
		{"1", "ca.example: denied (issuer-not-listed)\r\n"},
	} {
		t.Setenv("NO_COLOR", test.noColour)
		cmd, shown := w.onTerminal(t, newSandbox(t), nil, "check", "kira@other.example", "--zone", demoZone, "--issuer", "ca.example")
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v; the terminal shows %q", err, shown)
		}
		if !strings.HasPrefix(shown.String(), test.want) {
			t.Errorf("NO_COLOR=%q: the terminal shows %q, want %q first", test.noColour, shown, test.want)
		}
		for line := range strings.Lines(shown.String()) {
			if text := escapeSequence.ReplaceAllString(strings.TrimSpace(line), ""); utf8.RuneCountInString(text) > columns {
				t.Errorf("a line is wider than the terminal: %q", line)
			}
		}
	}
}

// escapeSequence erases a line or a part of it, or sets a colour (ECMA-48, sections 8.3.41
// and 8.3.117).
var escapeSequence = regexp.MustCompile("\x1b\\[[0-9]*[Km]")

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

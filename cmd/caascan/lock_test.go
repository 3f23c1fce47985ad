package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gofrs/flock"
)

// TestASnapshotIsWrittenByOneRun: another one says who writes it, leaves it as it is, and
// can have it afterwards.
func TestASnapshotIsWrittenByOneRun(t *testing.T) {
	dir := t.TempDir()
	answers, report := filepath.Join(dir, "answers.jsonl"), filepath.Join(dir, "report.csv")
	args := []string{"scan", demoList, "--zone", demoZone, "--issuer", "ca.example", "-o", report, "--snapshot", answers, "--resume"}
	held, err := takeLock(answers)
	if err != nil {
		t.Fatal(err)
	}
	got := runWith(t.Context(), "", args...)
	want := regexp.MustCompile(fmt.Sprintf(`^caascan: snapshot \S+answers\.jsonl is being written by process %d on \S+ since \S+Z: wait until it has ended, or give another name\n$`, os.Getpid()))
	if got.code != exitUnfinished || !want.MatchString(got.stderr) {
		t.Errorf("exit %d, stderr %q, want 1 and who holds it", got.code, got.stderr)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want the lock alone", entries, err)
	}
	if err := held.release(); err != nil {
		t.Error(err)
	}
	if got := runWith(t.Context(), "", args...); got.code != exitDone {
		t.Errorf("afterwards: %+v", got)
	}
	if _, err := os.Stat(answers + lockSuffix); err == nil {
		t.Error("the lock is left behind")
	}
}

// TestALockThatIsLeftBehindHarmsNobody: its process was killed.
func TestALockThatIsLeftBehindHarmsNobody(t *testing.T) {
	answers := filepath.Join(t.TempDir(), "answers.jsonl")
	for _, left := range []string{"\x00process 1 on elsewhere since 2026-11-27T22:00:00Z", string(make([]byte, 60))} { // the latter by a loss of power
		runBesideLock(t, answers, left)
	}
}

func runBesideLock(t *testing.T, answers, left string) {
	t.Helper()
	if err := os.RemoveAll(answers); err != nil {
		t.Fatal(err)
	}
	writeText(t, answers+lockSuffix, left)
	got := runWith(t.Context(), "", "scan", demoList, "--zone", demoZone, "--issuer", "ca.example", "-o", "-", "--snapshot", answers)
	if got.code != exitDone {
		t.Errorf("%+v", got)
	}
}

// TestWhoHoldsALockIsSaidSafely: its text is anybody's.
func TestWhoHoldsALockIsSaidSafely(t *testing.T) {
	for text, want := range map[string]string{
		"": "another process",
		"\x00process 1 on a\x1b[2J since 2026-11-27T22:00:00Z": `process 1 on a\x1b[2J since 2026-11-27T22:00:00Z`,
		"\x00process 1 on a since 2026 and more":               "another process",
		string(make([]byte, 301)):                              "another process",
	} {
		name := filepath.Join(t.TempDir(), "answers.jsonl")
		writeText(t, name+lockSuffix, text)
		l := lock{flock.New(name + lockSuffix)}
		if got := l.holder(); got != want {
			t.Errorf("holder = %q, want %q", got, want)
		}
	}
}

// TestALockThatIsSomethingElseStays, and so does what it says.
func TestALockThatIsSomethingElseStays(t *testing.T) {
	for _, text := range []string{"x", "process notes: mine", "\x00process 1 on elsewhere since now and then\n"} {
		answers := filepath.Join(t.TempDir(), "answers.jsonl")
		writeText(t, answers+lockSuffix, text)
		got := runWith(t.Context(), "", "scan", demoList, "--zone", demoZone, "--issuer", "ca.example", "-o", "-", "--snapshot", answers)
		left, err := os.ReadFile(answers + lockSuffix)
		if got.code != exitUnfinished || err != nil || string(left) != text || !strings.Contains(got.stderr, "exists and is not a lock file") {
			t.Errorf("%q: %+v; %q is left (%v)", text, got, left, err)
		}
	}
}

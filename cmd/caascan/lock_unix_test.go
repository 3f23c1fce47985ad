//go:build !windows

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOneFileHasOneLock, whichever link leads to it, also where it is not there yet.
func TestOneFileHasOneLock(t *testing.T) {
	dir := t.TempDir()
	answers, link := filepath.Join(dir, "answers.jsonl"), filepath.Join(dir, "today.jsonl")
	if err := os.Symlink("answers.jsonl", link); err != nil {
		t.Fatal(err)
	}
	held, err := takeLock(link)
	if err != nil {
		t.Fatal(err)
	}
	defer held.release()
	if again, err := takeLock(answers); err == nil {
		t.Error("it could be locked twice")
		again.release()
	}
}

// TestTheReportIsNotTheSnapshot, also where a link leads from one to the other before
// either is there.
func TestTheReportIsNotTheSnapshot(t *testing.T) {
	dir := t.TempDir()
	answers, link := filepath.Join(dir, "answers.jsonl"), filepath.Join(dir, "today.jsonl")
	if err := os.Symlink("answers.jsonl", link); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--snapshot", link, "-o", answers},
		{"--snapshot", link, "-o", answers + lockSuffix + ".csv", "--emit-fixes", answers + lockSuffix},
		{"--snapshot", link, "-o", "-", "--metrics", answers + lockSuffix},
	} {
		got := runWith(t.Context(), "", append([]string{"scan", demoList, "--zone", demoZone, "--issuer", "ca.example"}, args...)...)
		if entries, err := os.ReadDir(dir); got.code != exitUsage || !strings.Contains(got.stderr, "it would write over") || err != nil || len(entries) != 1 {
			t.Errorf("%v: %+v; the folder holds %v (%v)", args, got, entries, err)
		}
	}
}

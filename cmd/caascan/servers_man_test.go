//go:build servers

package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTheManPageIsCorrect as mandoc(1) sees it: no warning, but for the date that it has not.
func TestTheManPageIsCorrect(t *testing.T) {
	mandoc := find(t, "mandoc")
	page := writeText(t, filepath.Join(t.TempDir(), "caascan.1"), ranMan(t))
	said, err := exec.Command(mandoc, "-T", "lint", "-W", "warning", page).CombinedOutput()
	for line := range bytes.Lines(said) {
		if !bytes.Contains(line, []byte("missing date")) {
			t.Errorf("%s", line)
		}
	}
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		t.Fatal(err)
	}
}

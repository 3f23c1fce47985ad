//go:build servers

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestBuildsAreReproducible builds one revision in two folders, with two caches, and
// compares. The program says which revision that is, and where files have been changed.
func TestBuildsAreReproducible(t *testing.T) {
	first, second := cloned(t, "a"), cloned(t, filepath.Join("another", "folder"))
	program := reproducible(t, first, "")
	fresh := reproducible(t, second, t.TempDir())
	if !bytes.Equal(readAll(t, program), readAll(t, fresh)) {
		t.Errorf("%s and %s differ", program, fresh)
	}
	revision := strings.TrimSpace(said(t, first, "git", "rev-parse", "--short=12", "HEAD"))
	if text := said(t, first, program, "version"); !regexp.MustCompile(`^caascan v\S*` + revision + ` go\S+ \S+/\S+\n$`).MatchString(text) {
		t.Errorf("version %q, want one that ends in %s", text, revision)
	}
	writeFile(t, filepath.Join(first, "README.md"), "changed\n")
	if text := said(t, first, reproducible(t, first, ""), "version"); !strings.Contains(text, revision+"+dirty ") {
		t.Errorf("version %q, want %s+dirty", text, revision)
	}
}

// cloned returns a clone of this repository, in its present revision.
func cloned(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	said(t, "../..", find(t, "git"), "-c", "safe.directory=*", "clone", "--quiet", "--no-hardlinks", ".", dir)
	return dir
}

// reproducible builds as the README says. Without a cache that of the user serves.
func reproducible(t *testing.T, dir, cache string) string {
	t.Helper()
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=true", "./cmd/caascan")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if cache != "" {
		cmd.Env = append(cmd.Env, "GOCACHE="+cache)
	}
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	return filepath.Join(dir, "caascan")
}

func said(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, text)
	}
	return string(text)
}

func readAll(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

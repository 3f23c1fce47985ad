package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// walls says which packages each package may import besides the standard
// library: those of this module by their path, those of others by a prefix.
var walls = map[string][]string{
	"scan/domain":   {"golang.org/x/net/idna", "golang.org/x/net/publicsuffix", "golang.org/x/text"},
	"scan/caa":      {"caascan/scan/domain"},
	"scan/snapshot": {"caascan/scan/domain", "caascan/scan/caa"},
	"scan/zone":     {"caascan/scan/domain", "caascan/scan/caa", "github.com/miekg/dns"},
	"scan/lookup": {
		"caascan/scan/domain", "caascan/scan/caa", "caascan/scan/snapshot", "caascan/scan/zone",
		"caascan/scan/lookup/stream", "github.com/miekg/dns", "golang.org/x/net/ipv4", "golang.org/x/net/ipv6", "golang.org/x/time/rate",
		"golang.org/x/sync/errgroup", "golang.org/x/sync/singleflight",
	},
	"scan/lookup/stream":  {},
	"scan/lookup/dnstest": {"caascan/scan/zone", "github.com/miekg/dns", "golang.org/x/net/ipv4"},
	"scan": {
		"caascan/scan/domain", "caascan/scan/caa", "caascan/scan/snapshot", "caascan/scan/lookup",
		"golang.org/x/sync/errgroup",
	},
	"scan/input": {"caascan/scan", "golang.org/x/text", "github.com/xuri/excelize/v2"},
	"report":     {"caascan/scan", "caascan/scan/domain", "caascan/scan/caa"},
	"report/xlsx": {
		"caascan/report", "caascan/scan", "caascan/scan/domain", "caascan/scan/caa", "caascan/scan/snapshot",
		"github.com/xuri/excelize/v2", "github.com/klauspost/compress",
	},
	"report/html": {"caascan/report", "caascan/scan", "caascan/scan/domain"},
	"report/diff": {"caascan/report", "caascan/scan", "caascan/scan/caa"},
	"report/reporttest": {
		"caascan/report", "caascan/scan", "caascan/scan/domain", "caascan/scan/caa", "caascan/scan/snapshot",
		"github.com/google/go-cmp",
	},
	"cmd/caascan/help": {"github.com/yuin/goldmark"},
	"cmd/caascan": {
		"caascan/cmd/caascan/help", "caascan/report", "caascan/report/xlsx", "caascan/report/html", "caascan/report/diff",
		"caascan/scan", "caascan/scan/domain", "caascan/scan/caa", "caascan/scan/snapshot", "caascan/scan/zone",
		"caascan/scan/lookup", "caascan/scan/input",
		"github.com/spf13", "github.com/schollz/progressbar/v3", "golang.org/x/term", "golang.org/x/text/width",
		"github.com/google/renameio/v2", "github.com/gofrs/flock", "golang.org/x/crypto/x509roots/fallback",
	},
}

// standardOnly are packages of the standard library that stay out of a package:
// the decision is pure.
var standardOnly = map[string][]string{
	"scan/domain":   {"net", "os", "time"},
	"scan/caa":      {"net", "os", "time"},
	"scan/snapshot": {"net", "os"},
	"report":        {"net", "os"},
	"report/xlsx":   {"net"},
	"report/html":   {"net", "os"},
	"report/diff":   {"net", "os"},
}

// TestWalls holds the packages apart: what may import what is the design.
func TestWalls(t *testing.T) {
	const root = "../.."
	seen := make(map[string]bool)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && path != root) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		dir = filepath.ToSlash(dir)
		seen[dir] = true
		checkImports(t, dir, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir := range walls {
		if !seen[dir] {
			t.Errorf("%s has walls and no code", dir)
		}
	}
}

func checkImports(t *testing.T, dir, path string) {
	allowed, ok := walls[dir]
	if !ok {
		t.Errorf("%s: package %s has no walls: say here what it may import", path, dir)
		return
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if !mayImport(name, allowed, standardOnly[dir]) {
			t.Errorf("%s imports %s, which %s may not", path, name, dir)
		}
	}
}

func mayImport(name string, allowed, refused []string) bool {
	first, _, _ := strings.Cut(name, "/")
	if first != "caascan" && !strings.Contains(first, ".") {
		return !slices.Contains(refused, name)
	}
	return slices.ContainsFunc(allowed, func(prefix string) bool {
		if strings.HasPrefix(prefix, "caascan/") {
			return name == prefix // a package of ours does not open those below it
		}
		return name == prefix || strings.HasPrefix(name, prefix+"/")
	})
}

// TestTopLevel holds the folders to the plan. What git does not track is a user's own.
func TestTopLevel(t *testing.T) {
	planned := []string{"cmd", "scan", "report", "testdata", "go.mod", "go.sum", "README.md", "LICENSE"}
	seen := make(map[string]bool)
	for _, path := range tracked(t, "../..") {
		name, _, _ := strings.Cut(path, "/")
		if !strings.HasPrefix(name, ".") && !slices.Contains(planned, name) && !seen[name] {
			t.Errorf("%s does not belong at the top level", name)
		}
		seen[name] = true
	}
	if !seen["cmd"] {
		t.Error("cmd is not there: what was looked at?")
	}
}

// tracked returns the paths that git tracks below a folder; if there is no git, or this
// is no repository, those of the Go files.
func tracked(t *testing.T, root string) []string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", "-c", "safe.directory=*", "-c", "core.quotePath=false", "ls-files")
	command.Dir = root
	if output, err := command.Output(); err == nil {
		return strings.Split(strings.TrimSpace(string(output)), "\n")
	}
	var paths []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") {
			path, err = filepath.Rel(root, path)
			paths = append(paths, filepath.ToSlash(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

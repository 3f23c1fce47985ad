package input_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/input"
)

func TestStandardInput(t *testing.T) {
	temp := t.TempDir()
	in, err := input.Open(t.Context(), "-", strings.NewReader("domain\nx.example\n"), input.Options{TempDir: temp})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if diff := cmp.Diff([]string{`2 ["x.example"]`}, readAll(t, in)); diff != "" {
			t.Errorf("rows mismatch (-want +got):\n%s", diff)
		}
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	expectEmpty(t, temp)
}

func TestWorkbookFromStandardInput(t *testing.T) {
	file, err := os.Open(workbook(t, staff))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in, err := input.Open(t.Context(), "-", file, input.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	want := []string{`2 ["Käthe" "kaethe@x.example"]`, `3 ["Bob" "bob@x.example"]`}
	if diff := cmp.Diff(want, readAll(t, in)); diff != "" {
		t.Errorf("rows mismatch (-want +got):\n%s", diff)
	}
}

func TestStandardInputErrors(t *testing.T) {
	temp := t.TempDir()
	_, err := input.Open(t.Context(), "-", strings.NewReader("\n"), input.Options{TempDir: temp})
	if !errors.Is(err, input.ErrEmpty) || err.Error() != "standard input is empty: it holds no rows" {
		t.Errorf("a blank line: %v", err)
	}
	_, err = input.Open(t.Context(), "-", iotest.ErrReader(io.ErrUnexpectedEOF), input.Options{TempDir: temp})
	if !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != "read standard input: copy it to a temporary file: unexpected EOF" {
		t.Errorf("a stream that fails: %v", err)
	}
	expectEmpty(t, temp)
	_, err = input.Open(t.Context(), "-", strings.NewReader(""), input.Options{TempDir: temp + "/missing"})
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "make a directory for temporary files") {
		t.Errorf("no place for temporary files: %v", err)
	}
}

func TestCancelWhileStandardInputBlocks(t *testing.T) {
	stdin, writer := io.Pipe()
	defer writer.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		// Returns when the text has been read; the next Read blocks.
		if _, err := io.WriteString(writer, "domain\n"); err != nil {
			t.Error(err)
		}
		cancel()
	}()
	temp := t.TempDir()
	if _, err := input.Open(ctx, "-", stdin, input.Options{TempDir: temp}); !errors.Is(err, context.Canceled) {
		t.Errorf("Open() = %v, want %v", err, context.Canceled)
	}
	expectEmpty(t, temp)
}

// A pass that yields nothing ends too when nobody wants it any more.
func TestCancelAPassOverBlankLines(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	path := write(t, "list.csv", "email\na@x.example\n"+strings.Repeat("\n", 1<<20))
	in, err := input.Open(ctx, path, nil, input.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for _, err = range in.Rows() {
		cancel()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the pass ended with %v, want %v", err, context.Canceled)
	}
}

func TestPackedList(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, "domain\nx.example\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	in := open(t, write(t, "list.csv.gz", packed.String()), input.Options{})
	if diff := cmp.Diff([]string{`2 ["x.example"]`}, readAll(t, in)); diff != "" {
		t.Errorf("rows mismatch (-want +got):\n%s", diff)
	}
	_, err := input.Open(t.Context(), write(t, "list.csv.gz", packed.String()[:20]), nil, input.Options{})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file that is cut short: %v", err)
	}
}

func TestFilesOfOtherKinds(t *testing.T) {
	for file, kind := range map[string]string{
		"\n <!DOCTYPE html><html></html>":      "a web page (HTML)",
		"<table><tr><td>a@x.example</td>":      "a web page (HTML)",
		"<?xml version='1.0'?><Workbook/>":     "XML",
		`{"users": [{"mail": "a@x.example"}]}`: "JSON",
		`[{"mail": "a@x.example"}]`:            "JSON",
	} {
		if _, err := input.Open(t.Context(), write(t, "list.csv", file), nil, input.Options{}); !errors.Is(err, input.ErrKind) || !strings.Contains(err.Error(), kind) {
			t.Errorf("%s: %v, want ErrKind with %s", file, err, kind)
		}
	}
	for _, file := range []string{"{SMTP:a@x.example}\n", "[a@x.example]\n", "<a@x.example>\n", "{x\na@x.example\n"} {
		open(t, write(t, "list.csv", file), input.Options{})
	}
}

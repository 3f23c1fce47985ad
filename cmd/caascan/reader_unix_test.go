//go:build !windows

package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// manyRows is a list whose report is far larger than what a pipe holds (64 KiB on Linux), so
// that a reader who has gone away is noticed.
const manyRows = 5000

func writeManyRows(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(name, []byte("mail\n"+strings.Repeat("a@other.example\n", manyRows)), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// headOf runs the program in a process of its own, as in "caascan ... | head -1": the reader
// takes one line and goes away. It returns that line, the messages and the exit code.
func headOf(t *testing.T, args ...string) ran {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "caascan")
	if err := os.Symlink(self, program); err != nil { // TestMain goes by the name
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Dir(program))
	cmd.Stdout, cmd.Stderr = write, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close() // the process has its own
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	_ = read.Close()
	_ = cmd.Wait() // the code tells
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(program), "caascan-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	return ran{cmd.ProcessState.ExitCode(), line, stderr.String()}
}

// TestHeadEndsAReportQuietly: a reader who has had enough ends the program, as the signal
// would, and nothing is said.
func TestHeadEndsAReportQuietly(t *testing.T) {
	list := writeManyRows(t)
	got := headOf(t, "scan", list, "--zone", demoZone, "--issuer", "ca.example", "-o", "-", "--columns", "input,caa_status")
	if want := (ran{exitReaderGone, "mail,caa_status\n", ""}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestHeadLeavesOtherReportsWhole: what else is asked for is finished, to the last row.
func TestHeadLeavesOtherReportsWhole(t *testing.T) {
	list, dir := writeManyRows(t), t.TempDir()
	report, numbers := filepath.Join(dir, csvReportName), filepath.Join(dir, "caascan.prom")
	args := []string{"scan", list, "--zone", demoZone, "--issuer", "ca.example", "-o", "-", "-o", report, "--metrics", numbers, "--columns", "input,caa_status"}
	got := headOf(t, args...)
	if want := (ran{exitReaderGone, "mail,caa_status\n", ""}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	if rows := readReport(t, string(text)); len(rows) != 1+manyRows || rows[manyRows][1] != "denied" {
		t.Errorf("the other report has %d rows, want the header and %d that are denied", len(rows), manyRows)
	}
	if text, err := os.ReadFile(numbers); err != nil || !regexp.MustCompile(`(?m)^caascan_exit_status\b.* 141$`).Match(text) {
		t.Errorf("the metrics: %q, %v, want the exit status 141", text, err)
	}
	// What --fail-on asks for is known of every row, and says more.
	if got := headOf(t, append(args, "--fail-on", "denied")...); got.code != exitFailOn || got.stderr != "" {
		t.Errorf("with --fail-on: exit %d, stderr %q, want %d and nothing", got.code, got.stderr, exitFailOn)
	}
}

const csvReportName = "whole.csv"

// TestOtherCommandsEndQuietlyToo: nobody reads at all.
func TestOtherCommandsEndQuietlyToo(t *testing.T) {
	for _, args := range [][]string{
		{"check", "other.example", "--zone", demoZone, "--issuer", "ca.example"},
		{"check", "other.example", "--zone", demoZone, "--issuer", "ca.example", "--json"},
		{"issuers"},
		{"version"},
		{"completion", "bash"},
	} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = read.Close()
		var stderr bytes.Buffer
		if code := run(t.Context(), args, nil, write, &stderr); code != exitReaderGone || stderr.Len() > 0 {
			t.Errorf("%v: exit %d, stderr %q, want %d and nothing", args, code, &stderr, exitReaderGone)
		}
		_ = write.Close()
	}
}

// TestOtherTroubleIsTold: standard output that is closed is no reader who has gone away.
func TestOtherTroubleIsTold(t *testing.T) {
	_, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"version"}, nil, write, &stderr); code != exitUnfinished || stderr.Len() == 0 {
		t.Errorf("exit %d, stderr %q, want %d and what is wrong", code, &stderr, exitUnfinished)
	}
}

//go:build servers

package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// disk is a small file system of its own.
type disk struct{ dir string }

// mountDisk needs the rights of root, and fails without them: a test that is skipped shows
// nothing.
func mountDisk(t *testing.T, size string) disk {
	t.Helper()
	d := disk{t.TempDir()}
	d.mount(t, "-t", "tmpfs", "-o", "size="+size, "tmpfs", d.dir)
	t.Cleanup(func() {
		if output, err := exec.Command("umount", d.dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v\n%s", err, output)
		}
	})
	return d
}

// grow makes room.
func (d disk) grow(t *testing.T) {
	t.Helper()
	d.mount(t, "-o", "remount,size=256m", d.dir)
}

func (d disk) mount(t *testing.T, args ...string) {
	t.Helper()
	if output, err := exec.CommandContext(t.Context(), "mount", args...).CombinedOutput(); err != nil {
		t.Fatalf("mount %v: %v (this test needs root)\n%s", args, err, output)
	}
}

// full is a place that is too small for what a run puts there.
type full struct {
	name string
	size string // of the disk
	// on puts a part of what a run writes on the disk.
	on func(n *night, d disk)
	// said is what the run says of the file and why.
	said     func(n *night) string
	workbook bool // is wanted too
}

var fulls = []full{
	{
		name: "the snapshot", size: "256k",
		on: func(n *night, d disk) { n.out, n.snapshot = d.dir, filepath.Join(d.dir, "answers.jsonl") },
		said: func(n *night) string {
			return fmt.Sprintf("caascan: snapshot %s cannot be written: no space left on device", n.snapshot)
		},
	},
	{
		name: "the report", size: "4m",
		on: func(n *night, d disk) { n.out, n.snapshot = d.dir, filepath.Join(d.dir, "answers.jsonl") },
		said: func(n *night) string {
			return fmt.Sprintf("caascan: report %s: no space left on device", n.path(csvReport))
		},
	},
	{
		name: "the folder of temporary files", size: "4m",
		on: func(n *night, d disk) { n.temp = d.dir },
		said: func(n *night) string {
			return fmt.Sprintf("caascan: report %s: write %s/caascan-", n.path(xlsxReport), n.temp)
		},
		workbook: true,
	},
}

// TestFullDisk lets a run fill a disk. It ends with 1 and says which file there was no
// room for; the old reports are as they were, and nothing else is left but the snapshot.
// With more room the next run asks for nothing that this one has written down.
func TestFullDisk(t *testing.T) {
	program, list := build(t), writeNightList(t)
	for _, f := range fulls {
		t.Run(f.name, func(t *testing.T) { f.run(t, newNight(t, program, list, 1)) })
	}
}

func (f full) run(t *testing.T, n *night) {
	d := mountDisk(t, f.size)
	f.on(n, d)
	for _, report := range []string{csvReport, xlsxReport} {
		writeFile(t, n.path(report), oldReport)
	}
	var more []string
	if f.workbook {
		more = []string{"-o", n.path(xlsxReport)}
	}
	n.fill(t, f.said(n), more...)
	n.checkAsked(t, nil)
	known := n.known(t)
	if len(known) == 0 {
		t.Fatal("nothing is in the snapshot")
	}
	n.fill(t, f.said(n), more...) // there is no more room now
	n.checkAsked(t, known)
	known = n.known(t)
	d.grow(t)
	n.finish(t, n.begin(t, more...))
	n.checkAsked(t, known)
	if rows := n.report(t); len(rows) != 1+nightRows {
		t.Errorf("%d rows, want %d", len(rows)-1, nightRows)
	}
}

// fill lets a run fill the disk.
func (n *night) fill(t *testing.T, said string, more ...string) {
	t.Helper()
	r := n.begin(t, more...)
	select {
	case <-r.ended:
	case <-time.After(patience):
		t.Fatal("the run does not end")
	}
	got := r.said(t)
	if *r.code != exitUnfinished || !strings.Contains(got, n.advice()+said) {
		t.Errorf("exit %d, stderr %q, want %d, the advice and %q", *r.code, got, exitUnfinished, said)
	}
	for _, report := range []string{csvReport, xlsxReport} {
		if n.replaced(report) {
			t.Errorf("%s is not what it was", report)
		}
	}
	if left := n.leftovers(t); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// snapshotEnding is that of the files that a folder given with --from-snapshot stands for.
const snapshotEnding = ".jsonl"

// findSnapshots replaces folders and patterns among the snapshots by the files that they stand
// for, sorted by name. A file that is named twice is read once.
func (o *sourceOptions) findSnapshots() error {
	var files []string
	known := make(map[string]bool)
	for _, arg := range o.snapshots {
		found, err := snapshotFiles(arg)
		if err != nil {
			return err
		}
		for _, file := range found {
			if at := place(file); !known[at] {
				known[at] = true
				files = append(files, file)
			}
		}
	}
	o.snapshots = files
	return nil
}

// snapshotFiles are the files that an argument stands for.
func snapshotFiles(arg string) ([]string, error) {
	if info, err := os.Stat(arg); err == nil && info.IsDir() {
		return snapshotsIn(arg)
	}
	found := slices.DeleteFunc(matching(arg), func(file string) bool { return file != arg && strings.HasSuffix(file, lockSuffix) })
	if len(found) == 0 {
		return nil, usagef("--from-snapshot %q: no such file, and no file matches it as a pattern", arg)
	}
	return found, nil
}

// snapshotsIn are the snapshots in a folder.
func snapshotsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, usagef("--from-snapshot %q: the folder cannot be read: %w", dir, cause(err))
	}
	var files []string
	for _, entry := range entries {
		if !entry.IsDir() && strings.HasSuffix(entry.Name(), snapshotEnding) {
			files = append(files, filepath.Join(dir, entry.Name()))
		}
	}
	if len(files) == 0 {
		return nil, usagef("--from-snapshot %q: no file in this folder ends in %s", dir, snapshotEnding)
	}
	return files, nil
}

package main

import (
	"errors"
	"os"
	"path/filepath"
)

// replacement is a pendingFile that is synced and then renamed. The rename
// replaces an older file, but Windows does not promise that it is atomic.
type replacement struct {
	*os.File
	name string
	done bool
}

func newPendingFile(name string) (pendingFile, error) {
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return nil, err
	}
	return &replacement{File: file, name: name}, nil
}

func (r *replacement) commit() error {
	if err := errors.Join(r.Sync(), r.Close()); err != nil {
		return err
	}
	r.done = true
	return os.Rename(r.File.Name(), r.name)
}

func (r *replacement) abandon() error {
	if r.done {
		return nil
	}
	return errors.Join(r.Close(), os.Remove(r.File.Name()))
}

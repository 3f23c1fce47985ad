package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
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

// isReaderGone reports whether a write failed because nobody reads the pipe any more.
func isReaderGone(err error) bool {
	const noData = syscall.Errno(232) // ERROR_NO_DATA: the pipe is being closed
	return errors.Is(err, syscall.ERROR_BROKEN_PIPE) || errors.Is(err, noData)
}

//go:build !windows

package main

import (
	"errors"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// replacement is a pendingFile that is synced and then renamed.
type replacement struct{ *renameio.PendingFile }

func newPendingFile(name string) (pendingFile, error) {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target // replace what a link leads to, not the link
	}
	const everybodyReads = 0o644
	file, err := renameio.NewPendingFile(name,
		renameio.WithTempDir(filepath.Dir(name)), // a rename never leaves a file system
		renameio.WithPermissions(everybodyReads),
		renameio.WithExistingPermissions())
	if err != nil {
		return nil, err
	}
	return replacement{file}, nil
}

func (r replacement) commit() error { return r.CloseAtomicallyReplace() }

func (r replacement) abandon() error { return r.Cleanup() }

// isReaderGone reports whether a write failed because nobody reads the pipe any more.
func isReaderGone(err error) bool { return errors.Is(err, syscall.EPIPE) }

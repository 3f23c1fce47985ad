package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lockSuffix is added to the name of a file for that of its lock.
const lockSuffix = ".lock"

// lock keeps a file to one process. The lock is a file beside it, which says who holds it:
// a locked file itself could not be read by others everywhere.
type lock struct{ held *flock.Flock }

// takeLock locks the file of this name, or says who holds it.
func takeLock(name string) (*lock, error) {
	path := name
	if target, err := filepath.EvalSymlinks(name); err == nil {
		path = target // one file has one lock, whichever link leads to it
	}
	l := &lock{flock.New(path+lockSuffix, flock.SetFlag(os.O_CREATE|os.O_RDWR))}
	for {
		locked, err := l.held.TryLock()
		if err != nil {
			return nil, fmt.Errorf("%s cannot be locked: %w; give a folder that is there and may be written to", name, cause(err))
		}
		if !locked {
			return nil, fmt.Errorf("%s is being written by %s: wait until that has ended, or give another name", name, l.holder())
		}
		if !l.ours() {
			return nil, errors.Join(fmt.Errorf("%s cannot be locked: %s is there and is something else: give another name", name, l.held.Path()), l.held.Close())
		}
		if l.stands() {
			l.sign()
			return l, nil
		}
		// Who held it has removed it just now.
		if err := l.held.Close(); err != nil {
			return nil, err
		}
	}
}

// stands reports whether the file that is locked is the one that others will find.
func (l *lock) stands() bool {
	mine, err := l.held.Stat()
	if err != nil {
		return false
	}
	found, err := os.Stat(l.held.Path())
	return err == nil && os.SameFile(mine, found)
}

// signed begins what is in a lock.
const signed = "process "

// ours reports whether the file may be written over: it is new, or a lock.
func (l *lock) ours() bool {
	start, err := readStart(l.held.Path(), int64(len(signed)))
	return err != nil || len(start) == 0 || string(start) == signed // not every system lets a locked file be read
}

// sign says in the lock who holds it, where the system lets that be written into a locked
// file.
func (l *lock) sign() {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	text := fmt.Sprintf(signed+"%d on %s since %s", os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
	_ = os.WriteFile(l.held.Path(), []byte(text), 0o644) // it is held all the same
}

// holder is who has signed the lock.
func (l *lock) holder() string {
	const most = 300
	text, err := os.ReadFile(l.held.Path())
	if err != nil || len(text) == 0 || len(text) > most {
		return "another process"
	}
	return visible(strings.TrimSpace(string(text)))
}

// release removes the lock: while it is held, so that it is nobody else's, or, where a
// file that is open cannot be removed, afterwards, when that fails if it is.
func (l *lock) release() error {
	removed := os.Remove(l.held.Path()) == nil
	err := l.held.Close()
	if !removed {
		_ = os.Remove(l.held.Path()) // a file that is left harms nobody
	}
	return err
}

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lockSuffix is added to the name of a file for that of its lock.
const lockSuffix = ".lock"

// lock keeps a file to one process. The lock is a file beside it, which says who holds it:
// a locked file itself could not be read by others everywhere.
type lock struct{ held *flock.Flock }

// lockPlace is where the lock of a file stands: one file has one, whichever link leads to
// it.
func lockPlace(name string) string { return place(name) + lockSuffix }

// takeLock locks the file of this name, or says who holds it.
func takeLock(name string) (*lock, error) {
	const everybodyReads = 0o644 // so that all can see who holds it
	l := &lock{flock.New(lockPlace(name), flock.SetPermissions(everybodyReads))}
	if info, err := os.Stat(l.held.Path()); err == nil && !info.Mode().IsRegular() {
		return nil, l.foreign(name) // opening it might not end
	}
	for {
		locked, err := l.held.TryLock()
		if err != nil {
			return nil, fmt.Errorf("%s cannot be locked: %w; give a folder that exists and is writable", name, cause(err))
		}
		if !locked {
			return nil, fmt.Errorf("%s is being written by %s: wait until it has ended, or give another name", name, l.holder())
		}
		switch stands := l.stands(); {
		case stands && l.ours():
			l.sign()
			return l, nil
		case stands:
			return nil, errors.Join(l.foreign(name), l.held.Close())
		}
		// Who held it has removed it just now.
		if err := l.held.Close(); err != nil {
			return nil, err
		}
	}
}

func (l *lock) foreign(name string) error {
	return fmt.Errorf("%s cannot be locked: %s exists and is not a lock file: give another name", name, l.held.Path())
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

// signature is all that is in a lock, behind an octet that not every system lets others
// touch while it is locked.
var signature = regexp.MustCompile(`^process \d+ on \S{1,255} since \S{1,40}$`)

const signatureAt = 1

// text is what is in the file behind the first octet.
func (l *lock) text() (string, error) {
	file, err := os.Open(l.held.Path())
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // it was only read
	const most = 400
	text, err := io.ReadAll(io.NewSectionReader(file, signatureAt, most))
	return string(text), err
}

// ours reports whether the file may be written over: it is new, or a lock.
func (l *lock) ours() bool {
	info, err := os.Stat(l.held.Path())
	if err != nil || info.Size() == 0 {
		return err == nil
	}
	text, err := l.text()
	lost := text != "" && strings.Trim(text, "\x00") == "" // with the power
	return err == nil && (lost || signature.MatchString(text))
}

// sign says in the lock who holds it. It is held all the same if that fails.
func (l *lock) sign() {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	text := fmt.Sprintf("process %d on %s since %s", os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
	file, err := os.OpenFile(l.held.Path(), os.O_WRONLY, 0)
	if err != nil {
		return
	}
	if _, err := file.WriteAt([]byte(text), signatureAt); err == nil {
		_ = file.Truncate(signatureAt + int64(len(text)))
	}
	_ = file.Close()
}

// holder is who has signed the lock.
func (l *lock) holder() string {
	text, err := l.text()
	if err != nil || !signature.MatchString(text) {
		return "another process"
	}
	return visible(text)
}

// release removes the lock: while it is held, so that it is nobody else's, or, if a
// file that is open cannot be removed, afterwards, when that fails if it is.
func (l *lock) release() error {
	removed := os.Remove(l.held.Path()) == nil
	err := l.held.Close()
	if !removed {
		_ = os.Remove(l.held.Path()) // a file that is left harms nobody
	}
	return err
}

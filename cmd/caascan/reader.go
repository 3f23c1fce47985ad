package main

import (
	"errors"
	"io"
)

// errReaderGone says that whoever read standard output has gone away, as head does when it
// has its lines. Nobody has to be told.
var errReaderGone = errors.New("the reader of standard output has gone away")

// readerWatch is standard output. Its errors tell a reader that has gone away from trouble.
type readerWatch struct{ w io.Writer }

// Write writes to standard output. The error is errReaderGone if nobody reads it any more.
func (r *readerWatch) Write(octets []byte) (int, error) {
	n, err := r.w.Write(octets)
	if isReaderGone(err) {
		err = errReaderGone
	}
	return n, err
}

// untilGone writes as long as somebody reads and after that to nobody, so that other reports
// are finished.
type untilGone struct {
	w    io.Writer
	gone bool
}

// Write fails only for a reason other than that the reader has gone: then it takes all that
// comes and writes nothing.
func (u *untilGone) Write(octets []byte) (int, error) {
	if u.gone {
		return len(octets), nil
	}
	n, err := u.w.Write(octets)
	if errors.Is(err, errReaderGone) {
		u.gone = true
		return len(octets), nil
	}
	return n, err
}

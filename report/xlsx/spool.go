package xlsx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// spoolMemory is how much a spool keeps in memory. All parts of a workbook but
// the rows are far smaller.
const spoolMemory = 1 << 20

// spoolAtOnce is about how many octets go into the file at a time: a deflater writes a few
// hundred.
const spoolAtOnce = 64 << 10

// spool keeps what is written to it until it is read, in memory while that is
// little and in a temporary file beyond.
type spool struct {
	dir    string       // of the temporary file
	memory bytes.Buffer // with a file, what is not yet in it
	file   *os.File
	size   int64
}

// Write keeps p, in a file once all of it is too much for memory.
func (s *spool) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	if s.file == nil && s.size > spoolMemory {
		if err := s.openFile(); err != nil {
			return 0, fmt.Errorf("temporary file for the report: %w", err)
		}
	}
	n, err := s.memory.Write(p)
	if s.file != nil && s.memory.Len() >= spoolAtOnce {
		_, err = s.memory.WriteTo(s.file)
	}
	return n, err
}

func (s *spool) openFile() error {
	file, err := os.CreateTemp(s.dir, "caascan-report-")
	if err != nil {
		return err
	}
	s.file = file
	_, err = s.memory.WriteTo(file)
	s.memory = bytes.Buffer{}
	return err
}

// WriteTo writes all that was written to the spool, from its beginning.
func (s *spool) WriteTo(w io.Writer) (int64, error) {
	if s.file == nil {
		return s.memory.WriteTo(w)
	}
	if _, err := s.memory.WriteTo(s.file); err != nil {
		return 0, err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	return io.Copy(w, s.file)
}

// Close removes the temporary file. A second Close does nothing.
func (s *spool) Close() error {
	if s.file == nil {
		return nil
	}
	file := s.file
	s.file = nil
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"caascan/report"
	"caascan/scan/caa"
)

// lettersOutput is a folder of letters to whoever has to publish something.
type lettersOutput struct {
	*output
	issuers []int // their places
}

// planLetters reads --emit-letters, DIR or LABEL=DIR, and finds what is wrong with it before
// anything is done. Nothing in a folder is ever replaced: people write into letters.
func planLetters(texts []string, issuers []caa.Issuer, inputs []string, outputs []*output) ([]lettersOutput, error) {
	var letters []lettersOutput
	taken := append([]*output(nil), outputs...)
	for _, text := range texts {
		places, name, err := parseLabelled("--emit-letters", text, issuers)
		if err != nil {
			return nil, err
		}
		if name == "" || name == "-" {
			return nil, usagef("--emit-letters %q: it needs a folder, such as letters", text)
		}
		if err := checkPlace(name, inputs, taken); err != nil {
			return nil, err
		}
		if err := checkEmpty(name); err != nil {
			return nil, usagef("--emit-letters %s: %w: give another name, or empty it", name, err)
		}
		l := lettersOutput{&output{name: name, folder: true}, places}
		letters, taken = append(letters, l), append(taken, l.output)
	}
	return letters, nil
}

var (
	errNoFolder = errors.New("it is not a folder")
	errNotEmpty = errors.New("the folder is not empty")
)

// checkEmpty finds out whether a folder that exists holds anything.
func checkEmpty(name string) error {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !info.IsDir() {
		return errNoFolder
	}
	folder, err := os.Open(name)
	if err != nil {
		return cause(err)
	}
	defer func() { _ = folder.Close() }() // it was only read
	switch _, err := folder.ReadDir(1); {
	case err == nil:
		return errNotEmpty
	case errors.Is(err, io.EOF):
		return nil
	default:
		return cause(err)
	}
}

// pendingFolder is a folder whose files are not yet in their place: they are in another one
// inside of it or, if it does not exist, beside it. It is a pendingFile to which nothing is
// written.
type pendingFolder struct {
	name, temporary string
	exists          bool
	files           []string
}

func newPendingFolder(name string) (*pendingFolder, error) {
	f := &pendingFolder{name: name}
	within := filepath.Dir(filepath.Clean(name))
	if _, err := os.Stat(name); err == nil {
		f.exists, within = true, name
	}
	var err error
	if f.temporary, err = os.MkdirTemp(within, ".caascan-"); err != nil {
		return nil, err
	}
	const everybodyReads = 0o755
	if err := os.Chmod(f.temporary, everybodyReads); err != nil {
		return nil, errors.Join(err, f.abandon())
	}
	return f, nil
}

// create makes a file of the folder.
func (f *pendingFolder) create(name string) (io.WriteCloser, error) {
	const everybodyReads = 0o644
	file, err := os.OpenFile(filepath.Join(f.temporary, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, everybodyReads)
	if err != nil {
		return nil, fmt.Errorf("letter %s: %w", name, cause(err))
	}
	f.files = append(f.files, name)
	return file, nil
}

// Write always fails: a folder has files, which create makes.
func (f *pendingFolder) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }

// Sync does nothing: letters replace nothing, and can be written again.
func (f *pendingFolder) Sync() error { return nil }

// commit puts the files in their places, none of which may be taken by now.
func (f *pendingFolder) commit() error {
	if !f.exists {
		if err := checkAbsent(f.name); err != nil {
			return err
		}
		if err := os.Rename(f.temporary, f.name); err != nil {
			return err
		}
		f.temporary = ""
		return nil
	}
	for _, name := range f.files {
		if err := checkAbsent(filepath.Join(f.name, name)); err != nil {
			return err
		}
	}
	for _, name := range f.files {
		if err := os.Rename(filepath.Join(f.temporary, name), filepath.Join(f.name, name)); err != nil {
			return err
		}
	}
	return f.abandon()
}

func checkAbsent(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has come to be there", path)
	}
	return nil
}

// abandon removes what is not in its place.
func (f *pendingFolder) abandon() error {
	if f.temporary == "" {
		return nil
	}
	temporary := f.temporary
	f.temporary = ""
	return os.RemoveAll(temporary)
}

// writer returns the Writer of the letters.
func (l lettersOutput) writer() report.Writer {
	folder := l.file.(nameless).pendingFile.(*pendingFolder)
	return report.NewLetters(folder.create, l.issuers...)
}

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"caascan/report"
	"caascan/report/html"
	"caascan/report/xlsx"
)

// reportsStay ends what is said of a run that could not finish.
const reportsStay = "no report was written; the earlier ones are unchanged"

// output is a report that is being written. A file appears under its name only
// when it is committed; until then an older report stands there untouched.
type output struct {
	name   string
	format report.Format
	file   pendingFile // nil for standard output
	folder bool        // of letters
	to     io.Writer
}

// pendingFile is a file that is not yet in its place.
type pendingFile interface {
	io.Writer
	Sync() error    // what was written is on disk
	commit() error  // puts it there, complete and on disk
	abandon() error // removes it; nothing after commit
}

// planOutputs finds what is wrong with -o before anything is done. inputs are the
// files that must not be written over.
func planOutputs(names []string, stdout io.Writer, inputs []string) ([]*output, error) {
	var outputs []*output
	for _, name := range names {
		format, err := report.ParseFormat(name)
		if err != nil {
			return nil, outputMistake(name, err)
		}
		if err := checkPlace(name, inputs, outputs); err != nil {
			return nil, err
		}
		outputs = append(outputs, &output{name: name, format: format, to: stdout})
	}
	return outputs, nil
}

// newWriter returns a Writer of a report in a format.
func newWriter(format report.Format, to io.Writer, layout report.Layout) (report.Writer, error) {
	switch format {
	case report.CSV:
		return report.NewCSV(to, layout)
	case report.PlainCSV:
		return report.NewPlainCSV(to, layout)
	case report.XLSX:
		return xlsx.New(to, layout)
	case report.HTML:
		return html.New(to, layout)
	case report.JSONL:
		return report.NewJSONL(to, layout)
	}
	panic("unknown format " + string(format))
}

// checkPlace finds out whether an output would write over what is read, or over
// another one.
func checkPlace(name string, inputs []string, outputs []*output) error {
	for _, other := range outputs {
		if name == other.name || name != "-" && other.name != "-" && samePlace(name, other.name) {
			return usagef("output %q is given twice%s", name, spelt(name, other.name))
		}
	}
	for _, input := range inputs {
		if name != "-" && input != "-" && samePlace(name, input) {
			return usagef("output %q is also read: give it another name", name)
		}
	}
	return nil
}

// spelt says how the name of a file was spelt the other time, if not in the same way.
func spelt(name, other string) string {
	if name == other {
		return ": leave one out"
	}
	return fmt.Sprintf(", as %q too: give one of them another name", other)
}

// samePlace reports whether two names mean one file, which need not exist.
func samePlace(a, b string) bool {
	if place(a) == place(b) {
		return true
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// place returns the one path of a file, which need not be there, whatever links lead to
// it, as far as its folder is there.
func place(name string) string {
	if abs, err := filepath.Abs(name); err == nil {
		name = abs
	}
	const mostLinks = 40 // as many as systems follow
	for range mostLinks {
		if dir, err := filepath.EvalSymlinks(filepath.Dir(name)); err == nil {
			name = filepath.Join(dir, filepath.Base(name))
		}
		target, err := os.Readlink(name)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(name), target)
		}
		name = target
	}
	return name
}

// readStart returns at most limit octets of a file, and nothing if there is none.
func readStart(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(file, limit))
}

// openOutputs makes the files that will become the reports, so that a folder that
// cannot be written to is known before the DNS is asked.
func openOutputs(outputs []*output) error {
	for _, o := range outputs {
		if o.name == "-" {
			continue
		}
		file, err := o.open()
		if err != nil {
			return err
		}
		o.file = nameless{file}
		o.to = o.file
	}
	return nil
}

// open makes what will become the report.
func (o *output) open() (file pendingFile, err error) {
	info, err := os.Stat(o.name)
	switch {
	case o.folder:
		file, err = newPendingFolder(o.name)
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("report %s cannot be written: it is not a regular file", o.name)
	default:
		file, err = newPendingFile(o.name)
	}
	if err != nil {
		return nil, fmt.Errorf("report %s cannot be written: %w; give a folder that exists and is writable", o.name, cause(err))
	}
	return file, nil
}

// nameless is a pendingFile whose errors say only what went wrong: the file's place is what
// people know it by.
type nameless struct{ pendingFile }

// Write writes to the file.
func (n nameless) Write(octets []byte) (int, error) {
	written, err := n.pendingFile.Write(octets)
	return written, cause(err)
}

// Sync returns once the disk has what was written.
func (n nameless) Sync() error { return cause(n.pendingFile.Sync()) }

// cause drops the name of a temporary file from an error, which nobody has given.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// commitOutputs puts all reports in their places. They are brought to disk first,
// which is what takes time and fails; if a rename fails all the same, the error
// names the reports that have been replaced before it.
func commitOutputs(outputs []*output) error {
	for _, o := range outputs {
		if o.file == nil {
			continue
		}
		if err := o.file.Sync(); err != nil {
			return fmt.Errorf("report %s cannot be written: %w; %s", o.name, err, reportsStay)
		}
	}
	var replaced []string
	for _, o := range outputs {
		if o.file == nil {
			continue
		}
		if err := o.file.commit(); err != nil {
			err = fmt.Errorf("report %s cannot be put in place: %w", o.name, err)
			if len(replaced) > 0 {
				err = fmt.Errorf("%w (already replaced: %s)", err, strings.Join(replaced, ", "))
			}
			return err
		}
		replaced = append(replaced, o.name)
	}
	return nil
}

// abandonOutputs removes what has not been committed.
func abandonOutputs(outputs []*output) error {
	var errs []error
	for _, o := range outputs {
		if o.file != nil {
			errs = append(errs, o.file.abandon())
		}
	}
	return errors.Join(errs...)
}

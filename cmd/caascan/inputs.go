package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"caascan/scan"
	"caascan/scan/input"
)

// lists are the inputs of a scan, read one behind the other as if they were one.
type lists struct {
	inputs []*input.Input
	names  []string // as reports show them
}

// findInputs returns the inputs that the arguments name, patterns with all that they match.
// Without any it is standard input, if somebody has put something there.
func findInputs(args []string, stdin io.Reader) ([]string, error) {
	if len(args) == 0 && isPiped(stdin) {
		return []string{"-"}, nil
	}
	if len(args) == 0 {
		return nil, usagef("no list: name the list to read, or - for standard input: caascan scan staff.csv --issuer DigiCert -o report.xlsx")
	}
	var names []string
	for _, arg := range args {
		found := matching(arg)
		if len(found) == 0 {
			return nil, usagef("input %q: no such file, and no file matches it as a pattern", arg)
		}
		names = append(names, found...)
	}
	if i := slices.Index(names, "-"); i >= 0 && slices.Contains(names[i+1:], "-") {
		return nil, usagef("standard input can be read only once: leave out one -")
	}
	return names, nil
}

// matching returns the file of this name, be it there or not, or if it is a pattern all files
// that match it, sorted.
func matching(arg string) []string {
	if _, err := os.Stat(arg); err == nil || !strings.ContainsAny(arg, "*?[") {
		return []string{arg}
	}
	found, _ := filepath.Glob(arg) // fails only for what is no pattern
	if len(found) == 0 && !strings.ContainsAny(arg, "*?") {
		return []string{arg}
	}
	return found
}

// shownNames are the names of inputs in what goes to others: as they were given, but of an
// absolute path only what follows the folder that all absolute ones have in common. Where a
// list lies on this machine is nobody's business.
func shownNames(paths []string) []string {
	shown := slices.Clone(paths)
	var folder []string
	first := true
	for _, path := range paths {
		if !filepath.IsAbs(path) {
			continue
		}
		parts := strings.Split(filepath.ToSlash(filepath.Dir(path)), "/")
		if first {
			folder, first = parts, false
			continue
		}
		same := 0
		for same < min(len(folder), len(parts)) && folder[same] == parts[same] {
			same++
		}
		folder = folder[:same]
	}
	for i, path := range paths {
		if filepath.IsAbs(path) {
			parts := strings.Split(filepath.ToSlash(filepath.Clean(path)), "/")
			shown[i] = strings.Join(parts[min(len(folder), len(parts)-1):], "/")
		}
	}
	return shown
}

// isPiped reports whether standard input is a pipe or a file.
func isPiped(stdin io.Reader) bool {
	file, ok := stdin.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice == 0
}

// openLists opens every input. The error of one closes the others.
func openLists(ctx context.Context, names []string, stdin io.Reader, opts input.Options) (*lists, error) {
	l := &lists{names: shownNames(names)}
	for _, name := range names {
		in, err := input.Open(ctx, name, stdin, opts)
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		l.inputs = append(l.inputs, in)
	}
	return l, nil
}

func (l *lists) close() error {
	if l == nil {
		return nil
	}
	var err error
	for _, in := range l.inputs {
		err = errors.Join(err, in.Close())
	}
	return err
}

func (l *lists) several() bool { return len(l.inputs) > 1 }

// layout is that of the first.
func (l *lists) layout() input.Layout { return l.inputs[0].Layout() }

// header names the columns of the first, and those that only others have.
func (l *lists) header() []string {
	header, _ := l.columns()
	return header
}

// columns returns the header and, for each input, the place in it of each of its columns.
// The columns that are scanned are one; the others are one if their names are equal.
func (l *lists) columns() (header []string, places [][]int) {
	scanned := l.layout().Column - 1
	for k, in := range l.inputs {
		own, taken := in.Header(), make(map[int]bool)
		place := make([]int, len(own))
		if k > 0 {
			place[in.Layout().Column-1], taken[scanned] = scanned, true
		}
		for i, name := range own {
			if k > 0 && i == in.Layout().Column-1 {
				continue
			}
			at := 0
			for at < len(header) && (k == 0 || header[at] != name || taken[at]) {
				at++
			}
			if at == len(header) {
				header = append(header, name)
			}
			place[i], taken[at] = at, true
		}
		places = append(places, place)
	}
	return header, places
}

// extra is how many names at the end of the header are for cells that only some rows have.
func (l *lists) extra() int {
	if l.several() {
		return 0
	}
	return l.inputs[0].Extra()
}

// rows yields those of every input, in the columns of all.
func (l *lists) rows() iter.Seq2[scan.Row, error] {
	if !l.several() {
		return l.inputs[0].Rows()
	}
	return func(yield func(scan.Row, error) bool) {
		header, places := l.columns()
		for k, in := range l.inputs {
			for row, err := range in.Rows() {
				row.Input = l.names[k]
				if !row.Broken {
					row.Cells = moved(row.Cells, places[k], len(header))
					if row.Values != nil {
						row.Values = moved(row.Values, places[k], len(header))
					}
				}
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}
}

// moved puts cells, or their values, in their places. Those that have none yet, in the pass that finds out
// how wide the inputs are, are left out: nothing but the scanned cell is read of it.
func moved[T any](cells []T, places []int, width int) []T {
	row := make([]T, width)
	for i, cell := range cells[:min(len(cells), len(places))] {
		row[places[i]] = cell
	}
	return row
}

// tally is that of all inputs; its checksum is that of each, in order.
func (l *lists) tally() input.Tally {
	sum, _ := l.inputs[0].Tally()
	for _, in := range l.inputs[1:] {
		tally, _ := in.Tally()
		sum.Rows += tally.Rows
		sum.Blank += tally.Blank
		sum.Broken += tally.Broken
		sum.Windows1252 += tally.Windows1252
		sum.SHA256 += ", " + tally.SHA256
	}
	return sum
}

// each collects what is said of every input, with its name if there are several.
func (l *lists) each(say func(*input.Input) []string) []string {
	var all []string
	for k, in := range l.inputs {
		for _, text := range say(in) {
			if l.several() {
				text = fmt.Sprintf("%s: %s", l.names[k], text)
			}
			all = append(all, text)
		}
	}
	return all
}

func (l *lists) notes() []string { return l.each((*input.Input).Notes) }

func (l *lists) facts() []string { return l.each((*input.Input).Facts) }

func (l *lists) strays() []string {
	var all []string
	for k, in := range l.inputs {
		name := l.names[k]
		if name == "-" {
			name = "standard input"
		}
		if stray := in.Stray(name); stray != "" {
			all = append(all, stray)
		}
	}
	return all
}

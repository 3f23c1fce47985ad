package report

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"caascan/scan"
)

// ErrColumns is wrapped if Layout.Columns cannot be had.
var ErrColumns = errors.New("the report cannot have these columns")

// allInputs means all columns of the input, if none has this name.
const allInputs = "input"

// choose leaves the chosen columns, in their order.
func (t *Table) choose(names []string) error {
	inputs := t.inputFields()
	var chosen []TableColumn
	if slices.ContainsFunc(names, t.meansAll) && slices.ContainsFunc(names, isExtra) {
		return fmt.Errorf("%w: %s includes the extra cells: leave out one of the two", ErrColumns, QuoteName(allInputs))
	}
	for _, name := range names {
		fields, err := t.named(inputs, name)
		if err != nil {
			return err
		}
		for _, f := range fields {
			if slices.ContainsFunc(chosen, func(other TableColumn) bool { return sameColumn(f, other) }) {
				return fmt.Errorf("%w: %s is chosen twice", ErrColumns, QuoteName(f.Name))
			}
			chosen = append(chosen, f)
		}
	}
	t.Columns = chosen
	if n := len(inputs); len(chosen) > n && slices.EqualFunc(chosen[:n], inputs, sameColumn) {
		t.Columns = chosen[n:] // all of them first, as ever, and so as quick
		return nil
	}
	t.Inputs = nil
	return nil
}

func sameColumn(a, b TableColumn) bool { return a.Name == b.Name && a.input == b.input }

// inputFields are the columns of the input.
func (t *Table) inputFields() []TableColumn {
	fields := make([]TableColumn, len(t.Inputs))
	for i, name := range t.Inputs {
		fields[i] = inputField(name, i+1)
	}
	return fields
}

// inputField is a column of the input by its place, from 1.
func inputField(name string, place int) TableColumn {
	return TableColumn{input: place, Column: Column{Name: name, Width: InputWidth, row: func(r scan.Result) string {
		if place > len(r.Row.Cells) {
			return ""
		}
		return r.Row.Cells[place-1]
	}}}
}

// named returns the columns that are meant by a name: exactly that one, or else the
// one that differs in case and in spaces around it only.
func (t *Table) named(inputs []TableColumn, name string) ([]TableColumn, error) {
	if found := t.find(inputs, func(other string) bool { return other == name }); found != nil {
		return found, nil
	}
	if isExtra(name) {
		return []TableColumn{inputField(name, len(inputs)+1)}, nil
	}
	if found := t.find(inputs, func(other string) bool { return Alike(other, name) }); found != nil {
		return found, nil
	}
	if Alike(allInputs, name) {
		return inputs, nil
	}
	return nil, t.unknown(name)
}

func (t *Table) find(inputs []TableColumn, meant func(name string) bool) []TableColumn {
	if i := slices.IndexFunc(t.names, meant); i >= 0 {
		return inputs[i : i+1]
	}
	if i := slices.IndexFunc(t.Columns, func(f TableColumn) bool { return meant(f.Name) }); i >= 0 {
		return t.Columns[i : i+1]
	}
	return nil
}

// meansAll reports whether a name means all columns of the input.
func (t *Table) meansAll(name string) bool {
	return Alike(allInputs, name) && !slices.ContainsFunc(t.names, func(other string) bool { return Alike(other, name) })
}

// isExtra reports whether a column has the name of one that extra cells make. Whether
// there are such cells is known only when all rows have been read, and may be otherwise
// in tomorrow's list: if there are none, the column is empty.
func isExtra(name string) bool {
	number, ok := strings.CutPrefix(name, "extra")
	n, err := strconv.Atoi(number)
	return ok && err == nil && n > 0 && strconv.Itoa(n) == number
}

func (t *Table) unknown(name string) error {
	if Alike(name, changeColumn) {
		return fmt.Errorf("%w: %s exists only with --baseline", ErrColumns, changeColumn)
	}
	known := append(QuoteNames(t.names), allInputs+" for all of the input's")
	var own []string
	for _, f := range t.Columns {
		own = append(own, f.Name)
	}
	return fmt.Errorf("%w: no column is called %s; there are %s, and %s", ErrColumns, QuoteName(name),
		strings.Join(known, ", "), strings.Join(QuoteNames(own), ", "))
}

package report

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"caascan/scan"
)

// ErrColumns is wrapped where Layout.Columns cannot be had.
var ErrColumns = errors.New("the columns cannot be had as chosen")

// allInputs stands for all columns of the input, where none has this name.
const allInputs = "input"

// choose leaves the chosen columns, in their order.
func (t *table) choose(names []string) error {
	inputs := t.inputFields()
	var chosen []field
	if slices.ContainsFunc(names, t.meansAll) && slices.ContainsFunc(names, isExtra) {
		return fmt.Errorf("%w: %s has the extra cells too: leave out one of both", ErrColumns, quoteName(allInputs))
	}
	for _, name := range names {
		fields, err := t.named(inputs, name)
		if err != nil {
			return err
		}
		for _, f := range fields {
			if slices.ContainsFunc(chosen, f.same) {
				return fmt.Errorf("%w: %s is chosen twice", ErrColumns, quoteName(f.Name))
			}
			chosen = append(chosen, f)
		}
	}
	t.fields = chosen
	if n := len(inputs); len(chosen) > n && slices.EqualFunc(chosen[:n], inputs, field.same) {
		t.fields = chosen[n:] // all of them first, as ever, and so as quick
		return nil
	}
	t.inputs = nil
	return nil
}

func (f field) same(other field) bool { return f.Name == other.Name && f.input == other.input }

// inputFields are the columns of the input.
func (t *table) inputFields() []field {
	fields := make([]field, len(t.inputs))
	for i, name := range t.inputs {
		fields[i] = inputField(name, i+1)
	}
	return fields
}

// inputField is a column of the input by its place, from 1.
func inputField(name string, place int) field {
	return field{input: place, Column: Column{Name: name, Width: inputWidth, row: func(r scan.Result) string {
		if place > len(r.Row.Cells) {
			return ""
		}
		return r.Row.Cells[place-1]
	}}}
}

// named returns the columns that are meant by a name: exactly that one, or else the
// one that differs in case and in spaces around it only.
func (t *table) named(inputs []field, name string) ([]field, error) {
	if found := t.find(inputs, func(other string) bool { return other == name }); found != nil {
		return found, nil
	}
	if isExtra(name) {
		return []field{inputField(name, len(inputs)+1)}, nil
	}
	if found := t.find(inputs, func(other string) bool { return alike(other, name) }); found != nil {
		return found, nil
	}
	if alike(allInputs, name) {
		return inputs, nil
	}
	return nil, t.unknown(name)
}

func (t *table) find(inputs []field, meant func(name string) bool) []field {
	if i := slices.IndexFunc(t.names, meant); i >= 0 {
		return inputs[i : i+1]
	}
	if i := slices.IndexFunc(t.fields, func(f field) bool { return meant(f.Name) }); i >= 0 {
		return t.fields[i : i+1]
	}
	return nil
}

// meansAll reports whether a name stands for all columns of the input.
func (t *table) meansAll(name string) bool {
	return alike(allInputs, name) && !slices.ContainsFunc(t.names, func(other string) bool { return alike(other, name) })
}

// isExtra reports whether a column has the name of one that extra cells make. Whether
// there are such cells is known only when all rows have been read, and may be otherwise
// in tomorrow's list: where there are none, the column is empty.
func isExtra(name string) bool {
	number, ok := strings.CutPrefix(name, "extra")
	n, err := strconv.Atoi(number)
	return ok && err == nil && n > 0 && strconv.Itoa(n) == number
}

func (t *table) unknown(name string) error {
	if alike(name, changeColumn) {
		return fmt.Errorf("%w: %s is there only with --baseline", ErrColumns, changeColumn)
	}
	known := append(quoteNames(t.names), allInputs+" for all of the input's")
	var own []string
	for _, f := range t.fields {
		own = append(own, f.Name)
	}
	return fmt.Errorf("%w: there is no column %s; there are %s, and %s", ErrColumns, quoteName(name),
		strings.Join(known, ", "), strings.Join(quoteNames(own), ", "))
}

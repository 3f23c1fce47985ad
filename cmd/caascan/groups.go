package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"caascan/report"
)

// groupOptions say by which columns of the list rows are counted, and where to.
type groupOptions struct {
	columns []string
	file    string
}

func (o *groupOptions) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.columns, "group-by", nil, "`NAME|N`: count the rows for each value of this column, such as the customer (repeatable)")
	flags.StringVar(&o.file, "emit-groups", "", "`FILE.csv`: write the counts of --group-by, a line for each value")
}

// plan finds what is wrong with the options before anything is done. taken are the other
// outputs.
func (o *groupOptions) plan(inputs []string, taken []*output) (*output, error) {
	if slices.ContainsFunc(o.columns, func(name string) bool { return strings.TrimSpace(name) == "" }) {
		return nil, usagef("--group-by is empty: give it the name or number of a column")
	}
	switch {
	case o.file == "":
		return nil, nil
	case len(o.columns) == 0:
		return nil, usagef("--emit-groups needs --group-by, the column to count by")
	case !strings.EqualFold(filepath.Ext(o.file), ".csv"):
		return nil, usagef("--emit-groups %q: it needs a CSV file, such as customers.csv", o.file)
	}
	return &output{name: o.file}, checkPlace(o.file, inputs, taken)
}

// openGroups finds the columns in the list.
func (j *job) openGroups() error {
	layout := j.layout()
	for _, asked := range j.groupBy {
		g, err := report.NewGroups(layout, asked)
		if err != nil {
			return nearColumn("--group-by", "the list", asked, layout.Header, fmt.Errorf("--group-by: %w", err))
		}
		if slices.ContainsFunc(j.tally.Groups, g.Same) {
			return usagef("--group-by: the column %s is given twice", report.QuoteName(asked))
		}
		j.tally.Groups = append(j.tally.Groups, g)
	}
	return nil
}

// fullGroups says which columns have more values than are told apart.
func (j *job) fullGroups() []string {
	var full []string
	for _, g := range j.tally.Groups {
		if text := g.Full(); text != "" {
			full = append(full, text)
		}
	}
	return full
}

// groupsWriter is that of --emit-groups.
func (j *job) groupsWriter() []report.Writer {
	if j.groups == nil {
		return nil
	}
	return []report.Writer{namedWriter{report.NewGroupsCSV(j.groups.to, j.layout()), j.groups.name}}
}

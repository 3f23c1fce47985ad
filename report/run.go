package report

import (
	"slices"
	"time"

	"caascan/scan/caa"
)

// Run is what a report says of the run it comes from. What is zero is left out.
type Run struct {
	Version           string // of the program
	Started, Finished time.Time
	InputName         string
	InputSHA256       string // in hexadecimal
	Shard             string // of the input, if the rows are those of one
	InputColumn       string // the name or number of the column that was taken
	Rows              int
	BlankLines        int // lines without any character, which are no rows
	BrokenRows        int // rows that could not be split into cells
	Domains           int // distinct ones
	Names             int // names asked in the DNS, parents included
	Queries           int // queries sent, retries included
	Reused            int // answers of earlier runs, from the snapshot that is written
	Recovered         int // names that failed and were answered in the final pass
	Resolvers         []string
	ZoneFiles         []string // if given, no resolver was asked
	Snapshots         []string // that hold the answers
	Perspectives      []string // the other places, and the snapshot of each
	Corroboration     []string // the rule for them, and what came of it
	Baseline          string   // the earlier report that the rows were compared with
	Issuers           []caa.Issuer
	MovedTo           string   // the label of the CA that is moved to; the last one if empty
	Settings          string   // the flags that were given, as text
	Notes             []string // what makes the report weaker than asked, a sentence each
}

// Fact is a line of the run facts: a name and a string or an int.
type Fact struct {
	Name  string
	Value any
}

// facts returns what there is to say, in order.
func (r Run) facts() []Fact {
	all := []Fact{
		{"Input", r.InputName},
		{"SHA-256 of the input", r.InputSHA256},
		{"Column", r.InputColumn},
		{"Shard of the input", r.Shard},
		{"Rows", r.Rows},
		{"Distinct domains", r.Domains},
		{"Blank lines, not counted as rows", r.BlankLines},
		{"Rows that could not be read", r.BrokenRows},
		{"Started", timeText(r.Started)},
		{"Finished", timeText(r.Finished)},
	}
	for _, resolver := range r.Resolvers {
		all = append(all, Fact{"Resolver", resolver})
	}
	for _, zone := range r.ZoneFiles {
		all = append(all, Fact{"Zone file", zone})
	}
	for _, snapshot := range r.Snapshots {
		all = append(all, Fact{"Snapshot", snapshot})
	}
	for _, perspective := range r.Perspectives {
		all = append(all, Fact{"Perspective", perspective})
	}
	for _, words := range r.Corroboration {
		all = append(all, Fact{"Corroboration", words})
	}
	all = append(all,
		Fact{"Baseline", r.Baseline},
		Fact{"Answers of earlier runs", r.Reused},
		Fact{"Names asked", r.Names},
		Fact{"Queries sent", r.Queries},
		Fact{"Names that failed and recovered", r.Recovered},
		Fact{"Settings", r.Settings},
		Fact{"Version of caascan", r.Version},
	)
	return slices.DeleteFunc(all, func(f Fact) bool { return f.Value == "" || f.Value == 0 })
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

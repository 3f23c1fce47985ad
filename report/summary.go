package report

import (
	"slices"
	"time"

	"caascan/scan"
	"caascan/scan/caa"
)

// Count is a number of rows, and of the distinct domains in them. Rows without a
// domain count as rows only.
type Count struct {
	Rows    int `json:"rows"`
	Domains int `json:"domains"`
}

func (c Count) plus(d Count) Count { return Count{c.Rows + d.Rows, c.Domains + d.Domains} }

// Counts says how many rows and domains have each reason, for each CA. The zero
// Counts is empty and ready.
type Counts struct {
	total   Count
	reasons []map[scan.Reason]*Count // one for each CA
}

// Add counts a result. The results must be those of one Scanner, in its order: a
// domain's Number tells whether it is met for the first time.
func (c *Counts) Add(r scan.Result) {
	for range len(r.Verdict.Decisions) - len(c.reasons) {
		c.reasons = append(c.reasons, make(map[scan.Reason]*Count))
	}
	one := Count{Rows: 1}
	if r.Verdict.Number > c.total.Domains {
		one.Domains = 1
	}
	c.total = c.total.plus(one)
	for i, d := range r.Verdict.Decisions {
		c.count(i, d.Reason, one)
	}
}

func (c *Counts) count(issuer int, reason scan.Reason, one Count) {
	count := c.reasons[issuer][reason]
	if count == nil {
		count = new(Count)
		c.reasons[issuer][reason] = count
	}
	*count = count.plus(one)
}

// Total returns the count of all results.
func (c *Counts) Total() Count { return c.total }

// Reason returns the count of a reason for a CA, given by its place among the
// decisions.
func (c *Counts) Reason(issuer int, reason scan.Reason) Count {
	if issuer >= len(c.reasons) || c.reasons[issuer][reason] == nil {
		return Count{}
	}
	return *c.reasons[issuer][reason]
}

// Status returns the count of a status for a CA, given by its place among the
// decisions.
func (c *Counts) Status(issuer int, status scan.Status) Count {
	var sum Count
	for _, reason := range scan.Reasons() {
		if reason.Status() == status {
			sum = sum.plus(c.Reason(issuer, reason))
		}
	}
	return sum
}

// found returns the reasons that a CA's decisions have, those of one status
// together, the most frequent first.
func (c *Counts) found(issuer int) []scan.Reason {
	var found []scan.Reason
	for _, status := range scan.Statuses() {
		start := len(found)
		for _, reason := range scan.Reasons() {
			if reason.Status() == status && c.Reason(issuer, reason).Rows > 0 {
				found = append(found, reason)
			}
		}
		slices.SortStableFunc(found[start:], func(a, b scan.Reason) int {
			return c.Reason(issuer, b).Rows - c.Reason(issuer, a).Rows
		})
	}
	return found
}

// Run is what a report says of the run it comes from. What is zero is left out.
type Run struct {
	Version           string // of the program
	Started, Finished time.Time
	InputName         string
	InputSHA256       string // in hexadecimal
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
	ZoneFiles         []string // where given, no resolver was asked
	Snapshots         []string // that hold the answers
	Baseline          string   // the earlier report that the rows were compared with
	Issuers           []caa.Issuer
	Settings          string   // the flags that were given, as text
	Notes             []string // what makes the report weaker than asked, a sentence each
}

// fact is a line of the run facts: a name and a string or an int.
type fact struct {
	name  string
	value any
}

// facts returns what there is to say, in order.
func (r Run) facts() []fact {
	all := []fact{
		{"Input", r.InputName},
		{"SHA-256 of the input", r.InputSHA256},
		{"Column", r.InputColumn},
		{"Rows", r.Rows},
		{"Distinct domains", r.Domains},
		{"Blank lines, not counted as rows", r.BlankLines},
		{"Rows that could not be read", r.BrokenRows},
		{"Started", timeText(r.Started)},
		{"Finished", timeText(r.Finished)},
	}
	for _, resolver := range r.Resolvers {
		all = append(all, fact{"Resolver", resolver})
	}
	for _, zone := range r.ZoneFiles {
		all = append(all, fact{"Zone file", zone})
	}
	for _, snapshot := range r.Snapshots {
		all = append(all, fact{"Snapshot", snapshot})
	}
	all = append(all,
		fact{"Baseline", r.Baseline},
		fact{"Answers of earlier runs", r.Reused},
		fact{"Names asked", r.Names},
		fact{"Queries sent", r.Queries},
		fact{"Names that failed and recovered", r.Recovered},
		fact{"Settings", r.Settings},
		fact{"Version of caascan", r.Version},
	)
	return slices.DeleteFunc(all, func(f fact) bool { return f.value == "" || f.value == 0 })
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

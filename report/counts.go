package report

import (
	"slices"

	"caascan/scan"
)

// Count is a number of rows, and of the distinct domains in them. Rows without a
// domain count as rows only.
type Count struct {
	Rows    int `json:"rows"`
	Domains int `json:"domains"`
}

// Plus returns the sum of two counts.
func (c Count) Plus(d Count) Count { return Count{c.Rows + d.Rows, c.Domains + d.Domains} }

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
	c.total = c.total.Plus(one)
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
	*count = count.Plus(one)
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
			sum = sum.Plus(c.Reason(issuer, reason))
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

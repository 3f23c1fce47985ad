package main

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"caascan/report"
	"caascan/scan"
	"caascan/scan/input"
)

// finishRun fills in the run facts, which come last.
func (j *job) finishRun(tally input.Tally) {
	layout, stats := j.in.layout(), j.source.stats()
	j.run.Finished, j.decided = time.Now(), true
	j.run.Names = stats.Names
	j.run.InputSHA256 = tally.SHA256
	j.run.InputColumn = fmt.Sprintf("%d (%s)", layout.Column, layout.ColumnName)
	j.run.Rows, j.run.BlankLines, j.run.BrokenRows = j.rowsIn, tally.Blank, tally.Broken
	j.run.Domains, j.run.Queries = j.tally.Total().Domains, stats.Queries
	j.run.Recovered = stats.Recovered
	j.run.Resolvers, j.run.ZoneFiles = j.source.resolvers, j.source.zoneFiles
	j.run.Issuers, j.run.MovedTo = j.issuers, j.movedTo()
	j.describeShard()
	j.describePlaces()
	if e := j.source.evidence; e != nil {
		// What is not in the evidence, the present time first of all, is not in the report.
		j.run.Started, j.run.Finished, j.run.Snapshots = e.started(), e.answered(), e.facts()
	}
	if r := j.record; r != nil {
		j.run.Snapshots, j.run.Reused = []string{r.snapshot}, r.reused()
	}
	if doubt := j.source.control(&j.tally); doubt != "" {
		j.console.warn(doubt)
		j.run.Notes = append(j.run.Notes, doubt)
	}
	notes := j.in.notes()
	if len(j.only) > 0 {
		notes = append(notes, fmt.Sprintf("Only the rows that are %s for any CA are written (--only): %d of %d. CSV, JSON Lines and the sheets Results and Failed hold only these; all else is of all rows.",
			orWords(j.only), j.rowsIn-j.left, j.rowsIn))
	}
	for _, doubt := range slices.Concat(j.missing.words(), j.doubts(), j.fullGroups()) {
		j.console.warn(doubt)
		j.run.Notes = append(j.run.Notes, doubt)
	}
	for _, note := range notes {
		if !slices.Contains(j.run.Notes, note) {
			j.console.note(note)
			j.run.Notes = append(j.run.Notes, note)
		}
	}
}

// doubts are what makes the reports worth less than they look: a row that makes them wide,
// or next to nothing that could be decided.
func (j *job) doubts() []string {
	doubts := j.in.strays()
	failed := 0
	for _, n := range j.undecided {
		failed += n
	}
	const nearlyAll = 20 // one of so many may have been decided
	if failed == 0 || (j.run.Rows-failed)*nearlyAll > j.run.Rows {
		return doubts
	}
	var why []string
	for _, reason := range scan.Reasons() {
		if n := j.undecided[reason]; n > 0 {
			why = append(why, fmt.Sprintf("%d %s", n, reason))
		}
	}
	return append(doubts, fmt.Sprintf("%d of %d rows could not be decided: %s", failed, j.run.Rows, strings.Join(why, ", ")))
}

// summary is the one line for whoever watches, with the numbers of each CA.
func (j *job) summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows, %d distinct domains, %d names asked, %d queries (%d retries)",
		j.run.Rows, j.run.Domains, j.run.Names, j.run.Queries, j.source.stats().Retries)
	if j.run.Reused > 0 {
		fmt.Fprintf(&b, ", %d answers used again", j.run.Reused)
	}
	for i, issuer := range j.issuers {
		if len(j.issuers) > 1 {
			fmt.Fprintf(&b, "; %s:", issuer.Label)
		} else {
			b.WriteByte(',')
		}
		for k, status := range scan.Statuses() {
			if k > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, " %d %s", j.tally.Status(i, status).Rows, status)
		}
	}
	b.WriteString(j.matrix(strconv.Itoa))
	b.WriteString(j.changes(strconv.Itoa))
	if j.run.Recovered > 0 {
		fmt.Fprintf(&b, "; %d names failed and recovered in the final pass", j.run.Recovered)
	}
	if n := j.source.stats().Unanswered; n > 0 {
		fmt.Fprintf(&b, "; %s did not answer in any try", counted(n, "name"))
	}
	fmt.Fprintf(&b, "; %.1f seconds", time.Since(j.began).Seconds())
	return b.String()
}

// figures are the numbers of the summary, for a log that programs read.
func (j *job) figures() []slog.Attr {
	type count struct {
		Issuer  string              `json:"issuer"`
		Rows    map[scan.Status]int `json:"rows"`
		Domains map[scan.Status]int `json:"domains"`
	}
	var counts []count
	for i, issuer := range j.issuers {
		c := count{issuer.Label, make(map[scan.Status]int), make(map[scan.Status]int)}
		for _, status := range scan.Statuses() {
			n := j.tally.Status(i, status)
			c.Rows[status], c.Domains[status] = n.Rows, n.Domains
		}
		counts = append(counts, c)
	}
	numbers := []slog.Attr{
		slog.Int("rows", j.run.Rows), slog.Int("domains", j.run.Domains), slog.Int("names", j.run.Names),
		slog.Int("queries", j.run.Queries), slog.Int("retries", j.source.stats().Retries),
		slog.Int("reused", j.run.Reused), slog.Int("recovered", j.run.Recovered), slog.Any("issuers", counts),
		slog.Float64("seconds", time.Since(j.began).Seconds()),
	}
	if j.tally.Changes != nil {
		numbers = append(numbers, slog.Any("changes", j.changeFigures()))
	}
	return numbers
}

// changeFigures are the numbers of what is different from the earlier report.
func (j *job) changeFigures() map[scan.Change]report.Count {
	counts := make(map[scan.Change]report.Count)
	for _, change := range scan.Changes() {
		counts[change] = j.tally.Changes.Count(change)
	}
	return counts
}

// matrix says for how many rows which of two CAs may issue. Of more CAs a line could
// not hold it; the reports do.
func (j *job) matrix(number func(int) string) string {
	if len(j.issuers) != 2 {
		return ""
	}
	var words []string
	for _, p := range j.tally.Permissions() {
		switch {
		case p.Failed: // which the numbers of each CA say
		case p.Permitted[0] && p.Permitted[1]:
			words = append(words, "both "+number(p.Rows))
		case p.Permitted[0]:
			words = append(words, "only "+j.issuers[0].Label+" "+number(p.Rows))
		case p.Permitted[1]:
			words = append(words, "only "+j.issuers[1].Label+" "+number(p.Rows))
		default:
			words = append(words, "neither "+number(p.Rows))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return "; permitted: " + strings.Join(words, ", ")
}

// changes says how many rows are different from those of the earlier report, if there
// is one.
func (j *job) changes(number func(int) string) string {
	if j.tally.Changes == nil {
		return ""
	}
	var words []string
	for _, change := range scan.Changes() {
		if rows := j.tally.Changes.Count(change).Rows; rows > 0 {
			words = append(words, number(rows)+" "+string(change))
		}
	}
	// If all rows of such a domain are new, no row tells of it, but --fail-on changed does.
	if policy := j.tally.Changes.Kind(scan.PolicyChange); policy.Rows == 0 && policy.Domains > 0 {
		words = append(words, "policy of "+counted(policy.Domains, "domain")+" changed")
	}
	if len(words) == 0 {
		words = []string{"nothing"}
	}
	return "; changed since " + j.compared + ": " + strings.Join(words, ", ")
}

// verdict makes the exit code say what --fail-on asks for.
func (j *job) verdict() error {
	for _, c := range j.failOn {
		if j.met(c) {
			return errFailOn
		}
	}
	return nil
}

func (j *job) met(c condition) bool {
	if slices.Contains(comparing(), c) {
		return c.met(j.tally.Changes)
	}
	for i := range j.issuers {
		if j.tally.Status(i, scan.Status(c)).Rows > 0 {
			return true
		}
	}
	return false
}

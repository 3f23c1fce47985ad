package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"caascan/scan/lookup"
	"caascan/scan/snapshot"
	"caascan/scan/zone"
)

// evidence is what snapshots hold, where they answer instead of the DNS.
type evidence struct {
	files    []string // their names and what is in them, a line each
	headers  []*snapshot.Header
	answered time.Time // when the last answer came
}

// openEvidence reads the snapshots. Of a name that stands in several the last one counts,
// as within one, as far as the arbiter takes it.
func (o *sourceOptions) openEvidence(overlay *zone.Overlay) (source, error) {
	src := source{overlay: overlay, evidence: new(evidence)}
	var err error
	src.store = lookup.Replay(overlay, func(yield func(*snapshot.Header, snapshot.Observation) bool) {
		for _, path := range o.snapshots {
			if err = src.addEvidence(path, yield); err != nil {
				return
			}
		}
	})
	if err != nil {
		return src, err
	}
	src.describe()
	return src, nil
}

// addEvidence reads a snapshot and yields all answers in it.
func (src *source) addEvidence(path string, yield func(*snapshot.Header, snapshot.Observation) bool) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("snapshot %s cannot be read: %w", path, cause(err))
	}
	defer func() { _ = file.Close() }() // it was only read
	sum, lines := sha256.New(), 0
	reader := snapshot.NewReader(io.TeeReader(file, sum), path)
	e := src.evidence
	for o, err := range reader.All() {
		if err != nil {
			return fmt.Errorf("snapshot %w", err)
		}
		if o.Time.After(e.answered) {
			e.answered = o.Time
		}
		lines++
		if !yield(reader.Header(), o) {
			return nil
		}
	}
	e.headers = append(e.headers, reader.Headers()...)
	if reader.Header() == nil {
		return fmt.Errorf("snapshot %s: %w: it is empty", path, snapshot.ErrNoSnapshot)
	}
	if reader.Torn() > 0 {
		src.warnings = append(src.warnings, fmt.Sprintf("the last line of %s is incomplete and was skipped: one answer or more may be missing", path))
	}
	e.files = append(e.files, fmt.Sprintf("%s (%s, SHA-256 %x)", path, counted(lines, "answer"), sum.Sum(nil)))
	return nil
}

// describe says whom the snapshots' runs have asked, once each, in the order of the runs.
func (src *source) describe() {
	add := func(list *[]string, words string) {
		if !slices.Contains(*list, words) {
			*list = append(*list, words)
		}
	}
	for _, h := range src.evidence.headers {
		for _, a := range h.Resolvers {
			add(&src.resolvers, a.Resolver+" ("+validationWords(a)+")")
		}
		for _, name := range h.Zones {
			add(&src.zoneFiles, name)
		}
		for _, note := range h.Notes {
			add(&src.warnings, note)
		}
	}
}

// started is when the first of the runs began.
func (e *evidence) started() (first time.Time) {
	for _, h := range e.headers {
		if first.IsZero() || h.Started.Before(first) {
			first = h.Started
		}
	}
	return first
}

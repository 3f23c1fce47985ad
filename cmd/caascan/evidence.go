package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"caascan/scan/lookup"
	"caascan/scan/snapshot"
	"caascan/scan/zone"
)

// evidence is what snapshots hold, if they answer instead of the DNS.
type evidence struct {
	files []evidenceFile
}

// evidenceFile is a snapshot and what is in it.
type evidenceFile struct {
	path        string
	answers     int
	sha256      string // in hexadecimal
	headers     []*snapshot.Header
	first, last time.Time // when answers came; zero of zone files
	proofs      *lookup.Again
}

// facts says what each file holds, a line each; of several also when, and of which shard.
func (e *evidence) facts() []string {
	var lines []string
	for _, f := range e.files {
		line := fmt.Sprintf("%s (%s, SHA-256 %s)", f.path, counted(f.answers, "answer"), f.sha256)
		if len(e.files) > 1 {
			line += f.times()
		}
		if shards := f.shards(); len(e.files) > 1 && len(shards) > 0 {
			line += ", shard " + strings.Join(shards, " and ")
		}
		lines = append(lines, line)
	}
	return lines
}

// times says when the answers came, after a comma; zone files have no times.
func (f *evidenceFile) times() string {
	if f.first.IsZero() {
		return ""
	}
	return fmt.Sprintf(", from %s to %s", f.first.UTC().Format(time.RFC3339), f.last.UTC().Format(time.RFC3339))
}

// answered is when the last answer came.
func (e *evidence) answered() (last time.Time) {
	for _, f := range e.files {
		if f.last.After(last) {
			last = f.last
		}
	}
	return last
}

// openEvidence reads the snapshots and joins them.
func (o *sourceOptions) openEvidence(overlay *zone.Overlay) (source, error) {
	src := source{overlay: overlay, evidence: new(evidence)}
	var err error
	if src.anchors, err = o.anchors(); err != nil {
		return src, err
	}
	var union snapshot.Union
	for _, path := range o.snapshots {
		if err := src.addFile(&union, path); err != nil {
			return src, err
		}
	}
	src.store = union.Store()
	lookup.Replay(overlay, src.store)
	src.describe()
	src.tellUnproven()
	src.compare(&union)
	return src, nil
}

// addFile adds a snapshot to a union.
func (src *source) addFile(union *snapshot.Union, path string) (err error) {
	union.Add(func(yield func(*snapshot.Header, snapshot.Observation) bool) { err = src.addEvidence(path, yield) })
	return err
}

// addEvidence reads a snapshot and yields all answers in it.
func (src *source) addEvidence(path string, yield func(*snapshot.Header, snapshot.Observation) bool) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("snapshot %s cannot be read: %w", path, cause(err))
	}
	defer func() { _ = file.Close() }() // it was only read
	sum, read := sha256.New(), evidenceFile{path: path, proofs: lookup.NewAgain(src.anchors)}
	reader := snapshot.NewReader(io.TeeReader(file, sum), path)
	reader.KeepProof(read.proofs.Learn)
	for o, err := range reader.All() {
		if err != nil {
			return fmt.Errorf("snapshot %w", err)
		}
		read.add(&o)
		read.proofs.Check(reader.Header(), &o)
		if !yield(reader.Header(), o) {
			return nil
		}
	}
	read.headers = reader.Headers()
	if reader.Header() == nil {
		return fmt.Errorf("snapshot %s: %w: it is empty", path, snapshot.ErrNoSnapshot)
	}
	if reader.Torn() > 0 {
		src.warnings = append(src.warnings, fmt.Sprintf("the last line of %s is incomplete and was skipped: one answer or more may be missing", path))
	}
	src.tellProofs(&read)
	read.sha256 = hex.EncodeToString(sum.Sum(nil))
	src.evidence.files = append(src.evidence.files, read)
	return nil
}

// keepsProof reports whether the file has the proof of some answers.
func (f *evidenceFile) keepsProof() bool {
	return slices.ContainsFunc(f.headers, func(h *snapshot.Header) bool { return h.Flags.Proof })
}

// tellProofs says what has come of validating the answers of a file again.
func (src *source) tellProofs(f *evidenceFile) {
	if !f.keepsProof() {
		return
	}
	p := f.proofs
	fact := fmt.Sprintf("%s: %s validated again by the signed records in it, %d do not hold", f.path, counted(p.Held+len(p.Broken), "answer"), len(p.Broken))
	if p.Bare > 0 {
		fact += fmt.Sprintf("; %s there without a proof", counted(p.Bare, "answer"))
	}
	src.facts = append(src.facts, fact+".")
	if len(p.Broken) > 0 {
		src.warnings = append(src.warnings, fmt.Sprintf("%s: the signed records in it do not prove %s, which therefore do not count: it was changed, or parts of it are missing, or it rests on other trust anchors (--trust-anchor): %s",
			f.path, counted(len(p.Broken), "answer"), namesOrSo(p.Broken)))
	}
}

// tellUnproven names the files that have no proof at all, so that one from which somebody has
// taken it is told from one that is proven.
func (src *source) tellUnproven() {
	var files []string
	for _, f := range src.evidence.files {
		if !f.keepsProof() {
			files = append(files, f.path)
		}
	}
	if len(files) > 0 {
		src.facts = append(src.facts, fmt.Sprintf("No answer was validated again of %s: there are no signed records (--snapshot-proof).", orSo(files)))
	}
}

// add takes in when an answer came.
func (f *evidenceFile) add(o *snapshot.Observation) {
	f.answers++
	if f.first.IsZero() || !o.Time.IsZero() && o.Time.Before(f.first) {
		f.first = o.Time
	}
	if o.Time.After(f.last) {
		f.last = o.Time
	}
}

// headers are those of all runs.
func (e *evidence) headers() []*snapshot.Header {
	var all []*snapshot.Header
	for _, f := range e.files {
		all = append(all, f.headers...)
	}
	return all
}

// describe says whom the snapshots' runs have asked, once each, in the order of the runs.
func (src *source) describe() {
	add := func(list *[]string, words string) {
		if !slices.Contains(*list, words) {
			*list = append(*list, words)
		}
	}
	for _, h := range src.evidence.headers() {
		for _, a := range h.Resolvers {
			add(&src.resolvers, a.Resolver+" ("+validationWords(a, h.Flags.DNSSEC)+")")
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
	for _, h := range e.headers() {
		if first.IsZero() || h.Started.Before(first) {
			first = h.Started
		}
	}
	return first
}

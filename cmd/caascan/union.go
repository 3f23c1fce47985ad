package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// snapshotEnding is that of the files that a folder given with --from-snapshot stands for.
const snapshotEnding = ".jsonl"

// findSnapshots replaces folders and patterns among the snapshots by the files that they stand
// for, sorted by name. A file that is named twice is read once.
func (o *sourceOptions) findSnapshots() error {
	var files []string
	known := make(map[string]bool)
	for _, arg := range o.snapshots {
		found, err := snapshotFiles(arg)
		if err != nil {
			return err
		}
		for _, file := range found {
			if at := place(file); !known[at] {
				known[at] = true
				files = append(files, file)
			}
		}
	}
	o.snapshots = files
	return nil
}

// snapshotFiles are the files that an argument stands for.
func snapshotFiles(arg string) ([]string, error) {
	if info, err := os.Stat(arg); err == nil && info.IsDir() {
		return snapshotsIn(arg)
	}
	found := slices.DeleteFunc(matching(arg), func(file string) bool { return file != arg && strings.HasSuffix(file, lockSuffix) })
	if len(found) == 0 {
		return nil, usagef("--from-snapshot %q: no such file, and no file matches it as a pattern", arg)
	}
	return found, nil
}

// snapshotsIn are the snapshots in a folder.
func snapshotsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, usagef("--from-snapshot %q: the folder cannot be read: %w", dir, cause(err))
	}
	var files []string
	for _, entry := range entries {
		if !entry.IsDir() && strings.HasSuffix(entry.Name(), snapshotEnding) {
			files = append(files, filepath.Join(dir, entry.Name()))
		}
	}
	if len(files) == 0 {
		return nil, usagef("--from-snapshot %q: no file in this folder ends in %s", dir, snapshotEnding)
	}
	return files, nil
}

// shards are the parts of the list of which a file has the answers.
func (f *evidenceFile) shards() []string {
	var list []string
	for _, h := range f.headers {
		if h.Shard != "" && !slices.Contains(list, h.Shard) {
			list = append(list, h.Shard)
		}
	}
	return list
}

// Answers that are further apart than a CA may use its own (SBR 4.2.2.1: 8 hours, or the TTL)
// are named; a day is more than the parts of one scan should take.
const (
	farApart     = 8 * time.Hour
	veryFarApart = 24 * time.Hour
)

// compare says in what the snapshots of a union are not alike. What may permit too much is a
// warning, and all else a fact.
func (src *source) compare(union *snapshot.Union) {
	e := src.evidence
	if len(e.files) < 2 {
		return
	}
	src.facts = append(src.facts, e.unlike("The snapshots were taken from different resolvers", resolversOf)...)
	src.warnings = append(src.warnings, e.unlike("The answers of the snapshots come from resolvers that differ in DNSSEC", worthOf)...)
	for _, setting := range comparedSettings() {
		src.facts = append(src.facts, e.unlike("The snapshots were taken with other values of "+setting.name, setting.of)...)
	}
	src.warnings = append(src.warnings, e.unlike("The shards were divided by different public suffix lists, so that a name may be in none", func(h *snapshot.Header) string { return h.Suffixes })...)
	src.compareAges()
	if overtaken := union.Overtaken(); len(overtaken) > 0 {
		src.warnings = append(src.warnings, fmt.Sprintf("of %s the snapshots have a validated answer, which counts, and a later one with other records that nobody validated: %s", counted(len(overtaken), "name"), namesOrSo(overtaken)))
	}
	if differ := union.Differ(); len(differ) > 0 {
		src.warnings = append(src.warnings, fmt.Sprintf("the snapshots have different records for %s, which nobody validated; the later ones count: %s", counted(len(differ), "name"), namesOrSo(differ)))
	}
}

// setting is a flag of a run that can change an answer.
type setting struct {
	name string
	of   func(*snapshot.Header) string
}

func comparedSettings() []setting {
	return []setting{
		{"--trust-ad", func(h *snapshot.Header) string { return strconv.FormatBool(h.Flags.TrustAD) }},
		{"--allow-mixed", func(h *snapshot.Header) string { return strconv.FormatBool(h.Flags.AllowMixed) }},
		{"--probe-bogus", func(h *snapshot.Header) string { return "\"" + h.Flags.ProbeBogus + "\"" }},
		{"--timeout", func(h *snapshot.Header) string { return "\"" + h.Flags.Timeout + "\"" }},
		{"--attempts", func(h *snapshot.Header) string { return strconv.Itoa(h.Flags.Attempts) }},
		{"--final-pass-after", func(h *snapshot.Header) string { return "\"" + h.Flags.FinalPass + "\"" }},
		{"--overlay", func(h *snapshot.Header) string { return strings.Join(h.Flags.Overlays, ", ") }},
		{"the program's version", func(h *snapshot.Header) string { return h.Program }},
	}
}

func resolversOf(h *snapshot.Header) string {
	names := slices.Clone(h.Zones)
	for _, a := range h.Resolvers {
		names = append(names, a.Resolver)
	}
	return strings.Join(sortedOnce(names), ", ")
}

// worthOf says what the answers of a run are worth.
func worthOf(h *snapshot.Header) string {
	var words []string
	for _, a := range h.Resolvers {
		words = append(words, validationWords(a))
	}
	if len(h.Zones) > 0 {
		words = append(words, "zone files, which are not the DNS")
	}
	return strings.Join(sortedOnce(words), ", ")
}

func sortedOnce(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// unlike returns a sentence if a runs' value is not that of all others, with the files that
// have each.
func (e *evidence) unlike(what string, of func(*snapshot.Header) string) []string {
	var values []string
	files := make(map[string][]string)
	for _, f := range e.files {
		for _, h := range f.headers {
			value := of(h)
			if !slices.Contains(values, value) {
				values = append(values, value)
			}
			if !slices.Contains(files[value], f.path) {
				files[value] = append(files[value], f.path)
			}
		}
	}
	if len(values) < 2 {
		return nil
	}
	var words []string
	for _, value := range values {
		if value == "" {
			value = "none"
		}
		words = append(words, value+" ("+orSo(files[value])+")")
	}
	return []string{what + ": " + orSo(words) + "."}
}

// compareAges says how far the answers are apart in time.
func (src *source) compareAges() {
	var oldest, newest evidenceFile
	for _, f := range src.evidence.files {
		if f.first.IsZero() {
			continue
		}
		if oldest.first.IsZero() || f.first.Before(oldest.first) {
			oldest = f
		}
		if f.last.After(newest.last) {
			newest = f
		}
	}
	apart := newest.last.Sub(oldest.first)
	if apart <= farApart {
		return
	}
	words := fmt.Sprintf("The answers of the snapshots are %.0f hours apart: from %s (%s) to %s (%s).", apart.Hours(),
		oldest.first.UTC().Format(time.RFC3339), oldest.path, newest.last.UTC().Format(time.RFC3339), newest.path)
	if apart > veryFarApart {
		src.warnings = append(src.warnings, words)
		return
	}
	src.facts = append(src.facts, words)
}

// mostNamed is how many things a sentence lists.
const mostNamed = 10

// orSo lists some things, and says how many there are besides.
func orSo(list []string) string {
	if more := len(list) - mostNamed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:mostNamed], ", "), more)
	}
	return strings.Join(list, ", ")
}

func namesOrSo(names []domain.Name) string {
	var list []string
	for _, name := range names {
		list = append(list, name.String())
	}
	return orSo(list)
}

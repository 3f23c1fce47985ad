package main

import (
	"fmt"
	"log/slog"
	"time"

	"caascan/scan"
)

// parseShard reads --shard. A shard has no report by default: all would have the same name.
func (o *scanOptions) parseShard() (scan.Shard, error) {
	if o.shard == "" {
		return scan.Shard{}, nil
	}
	shard, err := scan.ParseShard(o.shard)
	if err != nil {
		return scan.Shard{}, usagef("--shard %q: %w", o.shard, err)
	}
	if len(o.outputs)+len(o.fixes)+len(o.letters) == 0 && o.groups.file == "" && o.record.snapshot == "" {
		return scan.Shard{}, usagef("--shard %s: give --snapshot, such as --snapshot shard-%d.jsonl, for the answers of this shard, or -o for a report of its rows", o.shard, shard.Index)
	}
	return shard, nil
}

// asksOnly reports whether the answers are all that is wanted: no CA is to be decided for, or
// nothing is to be written of a shard but its snapshot.
func (o *scanOptions) asksOnly() bool {
	report := len(o.outputs)+len(o.fixes)+len(o.letters)+len(o.columns)+len(o.only)+len(o.failOn)+len(o.perspectives)+len(o.groups.columns) > 0 || o.groups.file != "" || o.baseline != ""
	return o.record.snapshot != "" && !report && (len(o.source.issuers) == 0 || o.shard != "")
}

// describeShard says in the run facts of which rows the report is.
func (j *job) describeShard() {
	if j.shard.Count == 0 {
		return
	}
	j.run.Shard = fmt.Sprintf("%s, which has %d of the %d rows of the list", j.shard, j.rowsIn, j.listed)
	if j.shard.Index > 0 {
		j.run.BrokenRows = 0 // they are in shard 0
	}
}

// askedFigures are the numbers of the summary, for a log that programs read.
func (j *job) askedFigures() []slog.Attr {
	stats := j.source.stats()
	return []slog.Attr{
		slog.Int("rows", j.rowsIn), slog.Int("domains", stats.Domains), slog.Int("names", stats.Names), slog.Int("queries", stats.Queries),
		slog.Int("retries", stats.Retries), slog.Int("reused", j.record.reused()), slog.String("snapshot", j.record.snapshot),
		slog.Float64("seconds", time.Since(j.began).Seconds()),
	}
}

// askedSummary is the one line of a run that has only asked.
func (j *job) askedSummary() string {
	stats, part := j.source.stats(), ""
	if j.shard.Count > 0 {
		part = fmt.Sprintf(" of %d in shard %s", j.listed, j.shard)
	}
	return fmt.Sprintf("%d rows%s, %d distinct domains, %d names asked, %d queries (%d retries), %d answers used again; the answers are in %s, and no report was asked for; %.1f seconds",
		j.rowsIn, part, stats.Domains, stats.Names, stats.Queries, stats.Retries, j.record.reused(), j.record.snapshot, time.Since(j.began).Seconds())
}

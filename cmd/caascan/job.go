package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"caascan/report"
	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/input"
	"caascan/scan/lookup"
)

// job is one scan, from its options to its reports.
type job struct {
	console       console
	issuers       []caa.Issuer
	outputs       []*output
	fixes         []fixesOutput
	letters       []lettersOutput
	groupBy       []string
	groups        *output // nil for none
	metrics       metricsFile
	piped         *untilGone // the report on standard output, if there are other files too
	failOn        []condition
	only          []scan.Status // of the rows that are written; none: all
	columns       []string
	cells         report.Cells
	tempDir       string
	reading       input.Options
	addresses     scan.Addresses
	shard         scan.Shard
	collected     input.Tally // of the first pass
	listed        int         // the rows of all shards
	asksOnly      bool        // the answers are written down and no report
	in            *lists
	beside        string // the report that nobody asked for by name, or ""
	rowsIn        int    // that the first pass read
	international bool   // there is an international domain among them
	csvSeparator  byte
	missing       missingNames
	undecided     map[scan.Reason]int // rows, by why nothing was found out for the first CA
	began         time.Time
	source        source
	record        *recorder
	run           report.Run

	compared string // the name of the earlier report, if there is one
	baseline earlierBaseline

	perspectives []perspective
	scanner      *scan.Scanner
	places       *scan.Places // nil without perspectives

	tally   report.Tally
	left    int  // rows that --only leaves out
	decided bool // the tally is of all rows
}

func runScan(ctx context.Context, o scanOptions, args []string, settings string, io streams) error {
	now := time.Now()
	paths, err := findInputs(args, io.in)
	if err != nil {
		return err
	}
	if err := o.source.findSnapshots(); err != nil {
		return err
	}
	j := &job{began: now, run: report.Run{Version: version(), Started: now, InputName: strings.Join(shownNames(paths), ", "), Settings: settings}}
	j.metrics.list = listName(args)
	if err := j.plan(o, paths, io); err != nil {
		return err
	}
	return j.measured(ctx, func() error { return j.work(ctx, o, paths, io) })
}

// work does what is planned, up to the exit code.
func (j *job) work(ctx context.Context, o scanOptions, paths []string, io streams) (err error) {
	if j.tempDir, err = os.MkdirTemp("", "caascan-"); err != nil {
		return fmt.Errorf("cannot create a temporary directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(j.tempDir)) }()
	j.tellIssuers()
	if err := j.openInput(ctx, paths, io); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.in.close()) }()
	if err := cmp.Or(j.checkColumns(), j.openGroups()); err != nil && !j.asksOnly {
		return err
	}
	if err := j.openBaseline(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.baseline.close()) }()
	defer func() { err = errors.Join(err, abandonOutputs(j.files())) }()
	if err := openOutputs(j.files()); err != nil {
		return err
	}
	if j.record, err = openRecorder(o.record); err != nil {
		return err
	}
	defer func() { err = j.endRecord(err) }()
	if err := j.openSource(ctx, o.source); err != nil {
		return err
	}
	if err := j.collect(ctx, o.source); err != nil {
		return err
	}
	if j.asksOnly {
		j.console.note(j.askedSummary(), j.askedFigures()...)
		return nil
	}
	j.collected = j.in.tally()
	if err := interruptible(ctx, func() error { return j.comparePlaces(ctx, o) }); err != nil {
		return err
	}
	if err := j.report(ctx); err != nil {
		return err
	}
	if j.beside != "" && !j.console.table { // which has it
		j.console.warn("the report is " + j.beside + "; use -o to give it another name")
	}
	j.tellEnd(o.source)
	return cmp.Or(j.verdict(), j.readerGone())
}

// plan finds what is wrong with the command line before anything is done.
func (j *job) plan(o scanOptions, paths []string, io streams) (err error) {
	if j.shard, err = o.parseShard(); err != nil {
		return err
	}
	j.asksOnly = o.asksOnly()
	if len(o.source.issuers) == 0 && !j.asksOnly {
		return usagef("no CA to decide for: name it with --issuer, as in --issuer DigiCert; caascan issuers lists those that it knows")
	}
	if j.issuers, err = o.source.parseIssuers(); err != nil {
		return err
	}
	if err := cmp.Or(o.source.validate(), o.record.validate(&o.source)); err != nil {
		return err
	}
	if j.reading, j.addresses, err = o.list.parse(); err != nil {
		return err
	}
	if j.csvSeparator, err = parseSeparator("--csv-separator", o.csvSeparator); err != nil {
		return err
	}
	if err := j.planOutputs(o, paths, io); err != nil {
		return err
	}
	if j.failOn, err = parseWords("--fail-on", o.failOn, conditions()...); err != nil {
		return err
	}
	if j.only, err = parseWords("--only", o.only, scan.Statuses()...); err != nil {
		return err
	}
	if err := j.planBaseline(o.baseline); err != nil {
		return err
	}
	if j.perspectives, err = o.parsePerspectives(); err != nil {
		return err
	}
	if j.columns = o.columns; o.columns != nil && len(o.columns) == 0 {
		return usagef("--columns is empty: name the columns, such as --columns input,caa_status")
	}
	if o.rawCells {
		j.cells = report.RawCells
	}
	j.console, err = newConsole(io.err, o.console)
	return err
}

// tellIssuers says what --issuer stands for, and what looks like a slip or a gap in it: the
// plan that is made with it would hold that too.
func (j *job) tellIssuers() {
	for _, issuer := range j.issuers {
		if taken := issuer.Taken(); taken != "" {
			j.console.note(taken)
			j.run.Notes = append(j.run.Notes, taken)
		}
		for _, doubt := range issuer.Doubts() {
			j.console.warn(doubt)
			j.run.Notes = append(j.run.Notes, doubt)
		}
	}
}

// planBaseline finds what is wrong with --baseline and what needs it.
func (j *job) planBaseline(name string) error {
	j.compared = name
	replaced := func(o *output) bool { return o.name != "-" && samePlace(o.name, name) }
	for _, c := range j.failOn {
		if name == "" && slices.Contains(comparing(), c) {
			return usagef("--fail-on %s needs --baseline, the earlier report to compare with", c)
		}
	}
	switch {
	case name == "-":
		return usagef("--baseline -: give a file, because it is read twice")
	case name != "" && len(j.only) > 0 && slices.ContainsFunc(j.outputs, replaced):
		return usagef("--only would leave rows out of %s, and the next run would call them new: give -o or --baseline another name", name)
	}
	return nil
}

// planOutputs finds what is to be written, and that it is nothing that is read.
func (j *job) planOutputs(o scanOptions, paths []string, io streams) (err error) {
	outputs := o.outputs
	if len(o.outputs)+len(o.fixes)+len(o.letters) == 0 && o.groups.file == "" && !j.asksOnly {
		if paths[0] == "-" || len(paths) > 1 {
			return usagef("no report asked for: give -o report.csv, -o report.xlsx, or -o - for CSV on standard output")
		}
		j.beside = besideInput(paths[0])
		outputs = []string{j.beside}
	}
	inputs := slices.Concat(paths, o.source.files(), perspectiveFiles(o.perspectives))
	if j.outputs, err = planOutputs(outputs, io.out, inputs); err != nil {
		return err
	}
	if j.fixes, err = planFixes(o.fixes, j.issuers, inputs, j.outputs); err != nil {
		return err
	}
	if j.letters, err = planLetters(o.letters, j.issuers, inputs, j.files()); err != nil {
		return err
	}
	j.groupBy = o.groups.columns
	if j.groups, err = o.groups.plan(inputs, j.files()); err != nil {
		return err
	}
	if j.metrics, err = planMetrics(metricsFile{name: o.metrics, list: j.metrics.list}, inputs, j.files(), j.began); err != nil {
		return err
	}
	j.finishOthers()
	taken := append(inputs, o.metrics)
	for _, f := range j.files() {
		taken = append(taken, f.name)
	}
	return o.record.checkPlace(taken)
}

// finishOthers makes other files independent of the reader of standard output. If there are
// none, the scan ends with that reader.
func (j *job) finishOthers() {
	if len(j.files()) < 2 && j.metrics.name == "" {
		return
	}
	for _, o := range j.files() {
		if o.name == "-" {
			j.piped = &untilGone{w: o.to}
			o.to = j.piped
		}
	}
}

// readerGone is the error of a run whose reports are complete but for that on standard output.
func (j *job) readerGone() error {
	if j.piped != nil && j.piped.gone {
		return errReaderGone
	}
	return nil
}

// besideInput is the report of a list if none is asked for: staff-caa.xlsx of staff.csv.
func besideInput(path string) string {
	return strings.TrimSuffix(strings.TrimSuffix(path, ".gz"), filepath.Ext(strings.TrimSuffix(path, ".gz"))) + "-caa.xlsx"
}

func (j *job) openInput(ctx context.Context, paths []string, io streams) (err error) {
	opts := j.reading
	opts.TempDir = j.tempDir
	stop := j.console.saying(ctx, "reading "+strings.Join(paths, ", "))
	j.in, err = openLists(ctx, paths, io.in, opts)
	stop()
	if e, ok := errors.AsType[*input.ColumnError](err); ok {
		return nearColumn("--column", e.Input, e.Asked, e.Header, err)
	}
	for _, asked := range []error{input.ErrNoDomains, input.ErrSheet, input.ErrHeader, input.ErrKind} {
		if errors.Is(err, asked) {
			return usageError{err}
		}
	}
	if err != nil {
		return err
	}
	for _, note := range j.in.notes() { // so far they are about what was guessed
		j.console.warn(note)
		j.run.Notes = append(j.run.Notes, note)
	}
	for _, fact := range j.in.facts() {
		j.console.detail(fact)
		j.run.Notes = append(j.run.Notes, fact)
	}
	return nil
}

// rows are those of the list, or of the shard of it, with its cells of several addresses as
// they are asked for.
func (j *job) rows() iter.Seq2[scan.Row, error] {
	return j.shard.Of(counting(j.addresses.Of(j.in.rows(), j.in.layout().Column-1), &j.listed))
}

// counting counts rows as they pass.
func counting(rows iter.Seq2[scan.Row, error], count *int) iter.Seq2[scan.Row, error] {
	return func(yield func(scan.Row, error) bool) {
		*count = 0
		for row, err := range rows {
			if err == nil {
				*count++
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// firstPass is the rows of the first pass. They are counted, and it is seen whether one has an
// international domain.
func (j *job) firstPass() iter.Seq2[scan.Row, error] {
	rows := counting(j.rows(), &j.rowsIn)
	return func(yield func(scan.Row, error) bool) {
		for row, err := range rows {
			if err == nil && !j.international && mayBeInternational(row.Cell) {
				_, j.international = scan.DomainOf(row).Unicode()
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// mayBeInternational reports whether it is worth the while to parse a cell for that.
func mayBeInternational(cell string) bool {
	return strings.Contains(cell, "--") || strings.ContainsFunc(cell, func(r rune) bool { return r >= utf8.RuneSelf })
}

// checkColumns finds out whether --columns can be had before the DNS is asked.
func (j *job) checkColumns() error {
	err := j.layout().Check()
	if errors.Is(err, report.ErrColumns) {
		return columnMistake(j.layout(), j.columns, err)
	}
	return err
}

func (j *job) openSource(ctx context.Context, o sourceOptions) (err error) {
	var opened source // not read where the work may still go on
	stop := j.console.saying(ctx, "trying the resolvers")
	err = interruptible(ctx, func() (err error) {
		opened, err = o.open(ctx, j.console.happened)
		return err
	})
	stop()
	if errors.Is(err, context.Canceled) {
		return err
	}
	j.source = opened
	for _, warning := range j.source.warnings {
		j.console.warn(warning)
		j.run.Notes = append(j.run.Notes, warning)
	}
	if e := j.source.evidence; e != nil && err == nil {
		j.missing = e.missing(j.source.store)
	}
	for _, fact := range j.source.facts {
		j.console.detail(fact)
		j.run.Notes = append(j.run.Notes, fact)
	}
	if len(o.overlays) > 0 && err == nil {
		note := fmt.Sprintf("This is a plan: the CAA records of %s come from --overlay, as if they were published.", many(j.source.overlay.Len(), "name"))
		j.console.note(note)
		j.run.Notes = append(j.run.Notes, note)
	}
	return err
}

// collect is the first pass: every name is asked whose answer is not there, and nothing
// is written but the snapshot.
func (j *job) collect(ctx context.Context, o sourceOptions) error {
	if j.source.evidence != nil {
		return readThrough(ctx, j.firstPass())
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	header := o.header(j.source, j.run.Started)
	if header.Shard = j.shard.String(); header.Shard != "" {
		header.Suffixes = domain.PublicSuffixes()
	}
	header.Flags.Proof = j.record.keepsProof()
	if header.Flags.Proof && header.Flags.DNSSEC != dnssecOwn {
		j.warn("caascan validates no more than what the resolvers leave in doubt, so --snapshot-proof keeps the proof of hardly anything: use --dnssec own")
	}
	notes, err := j.record.begin(ctx, j.source, header, cancel)
	if err != nil {
		return err
	}
	for _, note := range notes {
		j.console.note(note)
	}
	stop := j.console.watch(ctx, func() progress {
		return lookupProgress(j.source.stats())
	})
	err = scan.Collect(ctx, j.source.resolver, j.firstPass(), j.record.put())
	stop()
	if err := cmp.Or(j.record.finish(), err); err != nil { // the first one has caused the other
		return err
	}
	for _, warning := range j.source.illness(j.record.reused()) {
		j.warn(warning)
	}
	if words := j.record.proofWords(); words != "" {
		j.console.note(words)
		j.run.Notes = append(j.run.Notes, words)
	}
	for _, s := range j.source.resolver.Servers() {
		j.console.detail(fmt.Sprintf("resolver %s: %d queries; %s", s.Server, s.Queries, paceWords(s)),
			slog.String("resolver", s.Server), slog.Int("queries", s.Queries))
	}
	return nil
}

// warn says what makes the report weaker than asked for, here and in the report.
func (j *job) warn(words string) {
	j.console.warn(words)
	j.run.Notes = append(j.run.Notes, words)
}

// lookupProgress says what the lookups do. If all else is done, they ask the names again that
// do not answer; after that they prove, of names that failed, that nobody signs them.
func lookupProgress(stats lookup.Stats) progress {
	// Without those known, or the time left would be guessed from what took none.
	p := progress{what: "looking up domains", done: stats.Done - stats.Known, total: stats.Domains - stats.Known}
	switch {
	case stats.Proving > 0:
		return progress{what: fmt.Sprintf("checking DNSSEC for %s", many(stats.Proving, "failed name"))}
	case stats.Domains == 0:
		return progress{what: "reading the list"}
	case stats.Silent > 0 && stats.Asking == 0:
		p.ends = fmt.Sprintf("asking %s again until %s; %s of %s done", many(stats.Silent, "name"), stats.Until.Local().Format(time.TimeOnly),
			thousands(p.done), many(p.total, "domain"))
	}
	return p
}

// paceWords says how often a resolver was slowed down, and how far.
func paceWords(s lookup.ServerState) string {
	if s.Slowdowns == 0 {
		return "it was never slowed down"
	}
	return fmt.Sprintf("it was slowed down %s, to %.0f queries a second at the slowest", counted(s.Slowdowns, "time"), s.Lowest)
}

// readThrough reads all rows, of which nothing has to be asked.
func readThrough(ctx context.Context, rows iter.Seq2[scan.Row, error]) error {
	for _, err := range rows {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
	}
	return nil
}

// report is the second pass: the rows are read again, joined with the answers and
// written. The reports are put in place only if every row has been written, or been
// left out because --only says so.
func (j *job) report(ctx context.Context) error {
	writers, err := j.newWriters()
	if err != nil {
		return err
	}
	written := 0
	err = interruptible(ctx, func() (err error) {
		written, err = j.writeRows(ctx, writers, j.rowsIn)
		return err
	})
	if err != nil {
		return err
	}
	if reported := j.in.tally(); reported.SHA256 != j.collected.SHA256 {
		return j.inputChanged()
	}
	if accounted := written + j.left; accounted != j.rowsIn {
		return fmt.Errorf("%d rows were read and %d accounted for: no report was written; this is a bug in caascan", j.rowsIn, accounted)
	}
	if j.baseline.Baseline != nil {
		var changes *report.Changes // not read where the work may still go on
		err := interruptible(ctx, func() (err error) {
			changes, err = j.baseline.Changes(ctx)
			return err
		})
		if err != nil {
			return err
		}
		j.tally.Changes = changes
	}
	j.finishRun(j.collected)
	stop := j.console.saying(ctx, "writing the overviews of the reports")
	err = interruptible(ctx, func() error { return j.closeWriters(writers) })
	stop()
	if err != nil {
		return err
	}
	return commitOutputs(j.files()) // once begun, to its end: all reports are of one run
}

// endRecord lets go of the snapshot. If the run ends with err before its time, it says
// that nothing is lost.
func (j *job) endRecord(err error) error {
	err = errors.Join(err, j.record.close())
	if advice := j.record.advice(); err != nil && !errors.Is(err, errFailOn) && !errors.Is(err, errReaderGone) && advice != "" {
		j.console.warn(advice)
	}
	return err
}

func (j *job) inputChanged() error {
	return fmt.Errorf("%s changed while it was read: no report was written; scan a copy that does not change", j.run.InputName)
}

func (j *job) closeWriters(writers []report.Writer) error {
	overview := report.NewOverview(j.layout().Issuers, j.run, &j.tally)
	for _, w := range writers {
		if err := w.Close(overview); err != nil {
			return err
		}
	}
	return nil
}

// layout is that of all reports, with as many columns as the rows so far have.
func (j *job) layout() report.Layout {
	layout := report.Layout{Header: j.in.header(), Extra: j.in.extra(), Scanned: j.in.layout().Column, Inputs: j.in.several(), Separator: j.csvSeparator, Columns: j.columns, Compared: j.compared, Cells: j.cells, TempDir: j.tempDir}
	for _, p := range j.perspectives {
		layout.Perspectives = append(layout.Perspectives, p.Name)
	}
	for _, issuer := range j.issuers {
		layout.Issuers = append(layout.Issuers, issuer.Label)
	}
	return layout
}

func (j *job) newWriters() ([]report.Writer, error) {
	layout := j.layout()
	var writers []report.Writer
	for _, o := range j.outputs {
		layout.International = j.international && o.format == report.XLSX // other formats are for programs
		w, err := newWriter(o.format, o.to, layout)
		if err != nil {
			return nil, err
		}
		writers = append(writers, namedWriter{w, o.name})
	}
	for _, f := range j.fixes {
		writers = append(writers, namedWriter{report.NewFixes(f.to, f.form, f.issuers...), f.name})
	}
	for _, l := range j.letters {
		writers = append(writers, namedWriter{l.writer(), l.name})
	}
	return append(writers, j.groupsWriter()...), nil
}

// namedWriter says in its errors which report they are about.
type namedWriter struct {
	report.Writer
	name string
}

// Write writes a row; an error names the report.
func (w namedWriter) Write(r scan.Result) error { return w.named(w.Writer.Write(r)) }

// Close ends the report; an error names it.
func (w namedWriter) Close(o *report.Overview) error { return w.named(w.Writer.Close(o)) }

func (w namedWriter) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("report %s: %w; %s", w.name, err, reportsStay)
}

// writeRows returns how many rows every writer has taken.
func (j *job) writeRows(ctx context.Context, writers []report.Writer, rows int) (int, error) {
	var done atomic.Int64 // for the bar
	stop := j.console.watch(ctx, func() progress { return progress{what: "writing reports", done: int(done.Load()), total: rows} })
	defer stop()
	j.tally.Outcome = j.scanner.Outcome
	width := len(j.in.header())
	results := func(yield func(scan.Result, error) bool) {
		for result, err := range j.scanner.Results(ctx, j.rows()) {
			if len(result.Row.Cells) > width { // the first pass has seen them all
				err = j.inputChanged()
			}
			if err == nil && j.baseline.Baseline != nil {
				result.Change = j.baseline.Compare(result)
			}
			if err == nil && j.places != nil {
				result.Places = j.places.Of(result.Verdict)
			}
			if err == nil {
				j.tally.Add(result)
				j.undecide(result)
				j.missing.add(result)
				done.Add(1)
			}
			if err == nil && !j.wants(result) {
				j.left++
				continue
			}
			j.tally.Wrote()
			if !yield(result, err) {
				return
			}
		}
	}
	return report.WriteAll(ctx, results, writers...)
}

// undecide counts a result that says nothing.
func (j *job) undecide(r scan.Result) {
	if d := r.Verdict.Decisions[0]; d.Status == scan.LookupFailed {
		if j.undecided == nil {
			j.undecided = make(map[scan.Reason]int)
		}
		j.undecided[d.Reason]++
	}
}

// wants reports whether a result is to be written: by default each, else those that
// have one of the statuses for any CA.
func (j *job) wants(r scan.Result) bool {
	return len(j.only) == 0 || slices.ContainsFunc(r.Verdict.Decisions, func(d scan.Decision) bool {
		return slices.Contains(j.only, d.Status)
	})
}

// grace is how long work may take to end by itself once it has been interrupted.
const grace = 300 * time.Millisecond

// interruptible does work that may not look at ctx for long: it writes to a pipe
// that nobody reads, or puts a workbook together. Soon after ctx ends it returns
// without it; the process is about to end, and nothing has been put in place.
func interruptible(ctx context.Context, work func() error) error {
	done := make(chan error, 1)
	go func() { done <- work() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case <-done:
	case <-time.After(grace):
	}
	return ctx.Err()
}

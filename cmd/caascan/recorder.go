package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// recordOptions say where a scan writes down what it learns, and what of it stands from
// earlier runs.
type recordOptions struct {
	snapshot string
	proof    bool
	resume   bool
	maxAge   age
}

func (o *recordOptions) add(flags *pflag.FlagSet) {
	flags.StringVar(&o.snapshot, "snapshot", "", "`FILE`: write every answer to this file as soon as it comes, as JSON Lines")
	flags.BoolVar(&o.proof, "snapshot-proof", false, "keep the signed DNS records in the file of --snapshot too, so that --from-snapshot validates each answer again")
	flags.BoolVar(&o.resume, "resume", false, "continue the file of --snapshot: names that it answers are not asked again")
	flags.Var(&o.maxAge, "max-age", "`TIME`: how old an answer may be that --resume uses again (default: 8h; with CAA records their TTL, from 8h to 24h)")
}

// age is a flag that says how old something may be. 0 is none: nothing is so young, and
// who gives it wants something else.
type age time.Duration

// Set takes a duration as time.ParseDuration does, of more than 0.
func (a *age) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		return err
	}
	if d <= 0 {
		return errors.New("it must be more than 0, such as 12h")
	}
	*a = age(d)
	return nil
}

// String is the duration as Set takes it; "" if there is none.
func (a *age) String() string {
	if *a == 0 {
		return ""
	}
	return time.Duration(*a).String()
}

// Type is what the help calls the value.
func (a *age) Type() string { return "duration" }

// validate finds what no snapshot could be written with. The answers come from the source.
func (o *recordOptions) validate(src *sourceOptions) error {
	switch {
	case o.snapshot != "" && len(src.snapshots) > 0:
		return usagef("--from-snapshot asks nobody, so --snapshot has nothing to write: leave one out")
	case o.resume && o.snapshot == "":
		return usagef("--resume continues the file given with --snapshot: give that too")
	case o.proof && o.snapshot == "":
		return usagef("--snapshot-proof keeps the signed records in the file given with --snapshot: give that too")
	case o.proof && len(src.zones) > 0:
		return usagef("--snapshot-proof keeps what is signed in the DNS, and --zone answers from files: leave one out")
	case o.proof && (src.dnssec == dnssecResolver || src.dnssec == dnssecOff):
		return usagef("--snapshot-proof keeps what caascan itself has validated, and with --dnssec %s it validates nothing: use --dnssec own", src.dnssec)
	case o.maxAge != 0 && !o.resume:
		return usagef("--max-age says which answers --resume uses again: give that too")
	case o.snapshot == "-":
		return usagef("--snapshot -: it needs a file, such as answers.jsonl")
	}
	return nil
}

// checkPlace finds out whether the snapshot, or its lock, would stand where one of these
// files does.
func (o *recordOptions) checkPlace(files []string) error {
	if o.snapshot == "" {
		return nil
	}
	for _, own := range [...]string{o.snapshot, lockPlace(o.snapshot)} {
		for _, file := range files {
			if file != "" && file != "-" && samePlace(own, file) {
				return usagef("--snapshot %s: it would write over %s: give it another name", o.snapshot, file)
			}
		}
	}
	return nil
}

// recorder writes the snapshot of a scan. The nil recorder writes none.
type recorder struct {
	recordOptions
	file   *os.File
	made   bool // the file was not there
	lock   *lock
	writer *snapshot.Writer // nil until it is begun
	used   int              // answers that were there and are used again
	proven int              // new answers with their proof
	new    int              // new answers
	sound  bool             // the file can be gone on with
}

// openRecord takes the snapshot for this process, before anything is asked; nil if none
// is wanted.
func openRecorder(o recordOptions) (*recorder, error) {
	if o.snapshot == "" {
		return nil, nil
	}
	if info, err := os.Stat(o.snapshot); err == nil && !info.Mode().IsRegular() {
		return nil, usagef("--snapshot %s: it is not a regular file", o.snapshot)
	}
	held, err := takeLock(o.snapshot)
	if err != nil {
		return nil, fmt.Errorf("snapshot %w", err)
	}
	r := &recorder{recordOptions: o, lock: held}
	if err := r.open(); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *recorder) open() (err error) {
	_, err = os.Stat(r.snapshot)
	r.made = errors.Is(err, fs.ErrNotExist)
	if r.file, err = os.OpenFile(r.snapshot, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return fmt.Errorf("snapshot %s cannot be written: %w", r.snapshot, cause(err))
	}
	info, err := r.file.Stat()
	if err != nil {
		return fmt.Errorf("snapshot %s: %w", r.snapshot, cause(err))
	}
	if info.Size() > 0 && !r.resume {
		return usagef("snapshot %s is not empty: continue it with --resume, or give another name", r.snapshot)
	}
	// That the file is there has to outlive a loss of power too, where a folder can be synced.
	if dir, err := os.Open(filepath.Dir(place(r.snapshot))); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
	return nil
}

// begin takes what is in the file and still good into the source's store, and begins the
// part of this run behind it. fail is called should something not be written later.
func (r *recorder) begin(ctx context.Context, src source, run snapshot.Header, fail func(error)) (notes []string, err error) {
	if r == nil {
		return nil, nil
	}
	reader := snapshot.NewReader(r.file, r.snapshot)
	reuse := snapshot.Reuse{Run: run, Now: time.Now(), MaxAge: time.Duration(r.maxAge)}
	used, refused, err := src.resolver.Resume(ctx, reader, reuse)
	if err != nil {
		return nil, fmt.Errorf("snapshot %w", err)
	}
	r.used, r.sound = used, true
	if reader.Torn() > 0 {
		notes = append(notes, fmt.Sprintf("the last line of %s was incomplete and has been removed: %d octets", r.snapshot, reader.Torn()))
	}
	if r.used+len(refused) > 0 {
		notes = append(notes, fmt.Sprintf("%s: answers used again: %d%s", r.snapshot, r.used, refusalWords(refused)))
	}
	if err := r.file.Truncate(reader.End()); err != nil {
		return nil, r.failed(err)
	}
	if _, err := r.file.Seek(reader.End(), io.SeekStart); err != nil {
		return nil, r.failed(err)
	}
	if r.writer, err = snapshot.NewWriter(r.file, run, fail); err != nil {
		return nil, r.failed(err)
	}
	if r.proof {
		src.resolver.KeepProof(r.writer.PutLink)
	}
	return notes, nil
}

// keepsProof reports whether what is signed is written too.
func (r *recorder) keepsProof() bool { return r != nil && r.proof }

// proofWords say how many answers have their proof.
func (r *recorder) proofWords() string {
	if !r.keepsProof() {
		return ""
	}
	return fmt.Sprintf("%s: the proof of %d of %s is kept", r.snapshot, r.proven, counted(r.new, "new answer"))
}

// refusalWords says how many are asked again, and why.
func refusalWords(refused map[domain.Name]snapshot.Refusal) string {
	counts := make(map[snapshot.Refusal]int)
	for _, why := range refused {
		counts[why]++
	}
	var words []string
	for _, why := range snapshot.Refusals() {
		if counts[why] > 0 {
			words = append(words, fmt.Sprintf("%s %d", why, counts[why]))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return "; asked again: " + strings.Join(words, ", ")
}

// reused is how many answers were there and are used again.
func (r *recorder) reused() int {
	if r == nil {
		return 0
	}
	return r.used
}

// put is nil if there is nothing to write to.
func (r *recorder) put() func([]snapshot.Observation) {
	if r == nil {
		return nil
	}
	return r.writer.Put
}

// finish brings all that was learnt to disk.
func (r *recorder) finish() error {
	if r == nil || r.writer == nil {
		return nil
	}
	w := r.writer
	r.writer = nil
	if err := w.Close(); err != nil {
		return r.failed(err)
	}
	r.proven, r.new = w.Proven()
	return nil
}

func (r *recorder) failed(err error) error {
	return fmt.Errorf("snapshot %s cannot be written: %w; %s", r.snapshot, cause(err), reportsStay)
}

// advice says, of a run that ended before its time, how to go on; "" if there is
// nothing to go on with.
func (r *recorder) advice() string {
	if r == nil || !r.sound {
		return ""
	}
	return fmt.Sprintf("the answers so far are in %s: run the same command line with --resume to continue", r.snapshot)
}

// close ends the writing, also after an error, and lets others at the file. One that it has
// made and written nothing to is removed.
func (r *recorder) close() error {
	if r == nil {
		return nil
	}
	err := r.finish()
	if r.file != nil {
		err = errors.Join(err, r.file.Close())
	}
	if r.made && !r.sound {
		_ = os.Remove(place(r.snapshot)) // an empty file harms nobody
	}
	return errors.Join(err, r.lock.release())
}

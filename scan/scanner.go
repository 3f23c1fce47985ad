package scan

import (
	"context"
	"iter"
	"maps"
	"slices"

	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/lookup"
	"caascan/scan/snapshot"
)

// Config says whom to ask about and where the answers are.
type Config struct {
	// Issuers are the CAs to decide for, at least one, in the order of reports.
	Issuers []caa.Issuer
	// Store holds the answers; Results reads nothing else.
	Store *snapshot.Store
}

// Scanner joins rows with answers.
type Scanner struct {
	cfg      Config
	verdicts []cachedVerdict                // by the Store's places
	absent   map[domain.Name]*absentVerdict // of the domains that the Store does not have
	met      uint32                         // domains; a list with more of them has no room in memory
	outcomes *outcomes
	refusals map[Reason]*Outcome    // of cells that hold no domain
	steps    []snapshot.Observation // of the last climb
}

// New returns a Scanner. A Scanner is for one scan and one goroutine.
func New(cfg Config) *Scanner {
	return &Scanner{
		cfg: cfg, absent: make(map[domain.Name]*absentVerdict), outcomes: newOutcomes(),
		refusals: make(map[Reason]*Outcome),
	}
}

// namesAtOnce is how many names Collect hands to the lookups at a time.
const namesAtOnce = 256

// Collect looks up the domain of every row, each distinct one once, and proves
// what the failures need, until the Client's Store holds what Results needs. Every
// answer is handed to done, which may be nil, as by lookup.Client. The error is the
// first of rows, or that of ctx; lookups that fail are no errors.
func Collect(ctx context.Context, client *lookup.Client, rows iter.Seq2[Row, error], done func([]snapshot.Observation)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var broken error
	seen := make(map[domain.Name]struct{})
	names := distinctNames(ctx, rows, seen, func(err error) {
		broken = err
		cancel()
	})
	err := client.Lookup(ctx, names, done)
	if broken != nil {
		return broken
	}
	if err != nil {
		return err
	}
	return client.Prove(ctx, maps.Keys(seen), done)
}

// distinctNames yields the domains of rows in batches, each domain once, and puts
// them into seen. It ends with ctx, and at an error, which it hands to fail.
func distinctNames(ctx context.Context, rows iter.Seq2[Row, error], seen map[domain.Name]struct{}, fail func(error)) iter.Seq[[]domain.Name] {
	return func(yield func([]domain.Name) bool) {
		var batch []domain.Name
		for row, err := range rows {
			if err != nil {
				fail(err)
				return
			}
			if ctx.Err() != nil {
				return
			}
			name := row.target().Domain
			if _, again := seen[name]; again || name.IsZero() {
				continue
			}
			name = name.Clone() // not the whole row with it
			seen[name] = struct{}{}
			if batch = append(batch, name); len(batch) < namesAtOnce {
				continue
			}
			if !yield(batch) {
				return
			}
			batch = nil // the other side keeps it
		}
		yield(batch)
	}
}

// Results yields a Result for every row, in order, from the Store alone. It stops
// at the first error of rows and when ctx ends, and yields that error.
func (s *Scanner) Results(ctx context.Context, rows iter.Seq2[Row, error]) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		for row, err := range rows {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(Result{}, err)
				return
			}
			if !yield(s.result(row), nil) {
				return
			}
		}
	}
}

func (s *Scanner) result(row Row) Result {
	target := row.target()
	if target.Reason != "" {
		return Result{Row: row, Verdict: s.refusal(target.Reason), Warnings: row.Warnings}
	}
	return Result{Row: row, Verdict: s.Verdict(target.Domain), Warnings: slices.Concat(target.Warnings, row.Warnings)}
}

// DomainOf returns the domain that a row speaks of; zero if there is none.
func DomainOf(row Row) domain.Name { return row.target().Domain }

func (r Row) target() Target {
	if r.Broken {
		return Target{Reason: BrokenRow}
	}
	if r.Address != "" {
		return ParseTarget(r.Address)
	}
	return ParseTarget(r.Cell)
}

package snapshot

import (
	"iter"
	"slices"
	"strings"

	"caascan/scan/caa"
	"caascan/scan/domain"
)

// Union joins the answers of several snapshots, in whatever order they are added. Within one,
// a later answer of a name replaces an earlier one, as far as the Arbiter takes it. Of a name
// that several have, an answer that is validated counts before one that is not, and that
// before a failure; of two that are alike the later one counts. The exceptions are for
// answers that would permit too much:
//
//   - An answer that is not validated never takes the place of a failure of a resolver that
//     validates, unless it is that of another resolver that validates, and then it must have
//     the AD bit if SERVFAIL was said: what is behind it may be bogus (RFC 4035, section 5.5).
//   - Validated answers with different records are all kept, the later ones as
//     Store.Others. So is a validation error that is later than a validated answer: it is
//     no failure to find out, and must not be taken for permission (SBR 4.2.2.1).
//
// Who decides takes the stricter of what is kept. The zero Union is empty and ready. It is
// for one goroutine, and never for what different places have seen: that is to be compared
// and not joined.
type Union struct {
	store      *Store
	failures   map[domain.Name]Observation // the last one of each name with an answer that is not validated
	bogus      map[domain.Name]Observation // the last validation error that a validator found
	refused    map[domain.Name]bool        // see Arbiter.failed
	validators map[string]bool             // by Observation.Server: whether it could validate, and its AD bit is not believed
	differ     map[domain.Name]struct{}    // see Differ
	overtaken  map[domain.Name]struct{}    // see Overtaken
}

// Add takes in the answers of one snapshot, each with the Header of its run, in the order of
// its lines.
func (u *Union) Add(answers iter.Seq2[*Header, Observation]) {
	var arbiter Arbiter
	store := new(Store)
	var last *Header
	for header, o := range answers {
		if header != last {
			u.meet(header)
			last = header
		}
		if arbiter.Takes(header, &o) {
			store.Put(o)
		}
		if o.Failure == DNSSECBogus && header.Validates(&o) {
			u.noteBogus(o)
		}
	}
	for name, servFail := range arbiter.failed {
		if u.refused == nil {
			u.refused = make(map[domain.Name]bool)
		}
		u.refused[name] = u.refused[name] || servFail
	}
	if u.store == nil {
		u.store = store // nearly always the only one, or one of many
		return
	}
	for o := range store.All() {
		u.merge(o)
	}
}

// meet takes in whom a run has asked. A resolver that did not validate in one of the runs
// counts as one that does not.
func (u *Union) meet(h *Header) {
	if u.validators == nil {
		u.validators = make(map[string]bool)
	}
	for _, a := range h.Resolvers {
		before, met := u.validators[a.Resolver]
		u.validators[a.Resolver] = a.Validates && !a.Believed && (before || !met)
	}
}

func (u *Union) noteBogus(o Observation) {
	if u.bogus == nil {
		u.bogus = make(map[domain.Name]Observation)
	}
	if before, met := u.bogus[o.Name]; !met || !before.Time.After(o.Time) {
		u.bogus[o.Name] = o
	}
}

// rank orders what is known of a name in one snapshot.
func (o *Observation) rank() int {
	switch {
	case o.Failure != "":
		return 0
	case !o.Validated:
		return 1
	}
	return 2
}

// merge takes in what a further snapshot has of a name.
func (u *Union) merge(o Observation) {
	had, found := u.store.Find(o.Name)
	if !found {
		u.store.Put(o)
		return
	}
	better, worse := o, had
	if a, b := o.rank(), had.rank(); a < b || a == b && had.Time.After(o.Time) {
		better, worse = had, o
	}
	u.store.Put(better)
	switch {
	case better.rank() == 2 && worse.rank() == 2:
		u.keepOther(better, worse)
	case better.rank() == 1 && worse.rank() == 1 && !sameRecords(&better, &worse):
		u.differ = with(u.differ, o.Name)
	case better.rank() == 2 && worse.rank() == 1 && worse.Time.After(better.Time) && !sameRecords(&better, &worse):
		u.overtaken = with(u.overtaken, o.Name)
	case better.rank() == 1 && worse.rank() == 0:
		u.keepFailure(worse)
	}
}

func with(set map[domain.Name]struct{}, name domain.Name) map[domain.Name]struct{} {
	if set == nil {
		set = make(map[domain.Name]struct{})
	}
	set[name] = struct{}{}
	return set
}

// keepFailure keeps the last failure of a name whose answer may turn out not to count.
func (u *Union) keepFailure(o Observation) {
	if u.failures == nil {
		u.failures = make(map[domain.Name]Observation)
	}
	if before, met := u.failures[o.Name]; !met || !before.Time.After(o.Time) {
		u.failures[o.Name] = o
	}
}

// keepOther keeps a validated answer beside a later one, and each set of records once.
func (u *Union) keepOther(chosen, other Observation) {
	kept := slices.DeleteFunc(slices.Clone(u.store.Others(chosen.Name)), func(k Observation) bool { return sameRecords(&k, &chosen) })
	u.store.dropOthers(chosen.Name)
	if !sameRecords(&chosen, &other) && !slices.ContainsFunc(kept, func(k Observation) bool { return sameRecords(&k, &other) }) {
		kept = append(kept, other)
	}
	for _, k := range kept {
		u.store.PutOther(k)
	}
}

func sameRecords(a, b *Observation) bool {
	return SameRecords(a.Records.Properties, b.Records.Properties)
}

// SameRecords reports whether two sets hold the same CAA records, in whatever order: then no
// CA can tell them apart.
func SameRecords(x, y []caa.Property) bool {
	return slices.Equal(x, y) || slices.Equal(sortedOnce(x), sortedOnce(y))
}

func sortedOnce(set []caa.Property) []caa.Property {
	sorted := slices.Clone(set)
	slices.SortFunc(sorted, func(a, b caa.Property) int { return strings.Compare(a.RDATA(), b.RDATA()) })
	return slices.Compact(sorted)
}

// Store returns what all snapshots come to. Nothing may be added afterwards.
func (u *Union) Store() *Store {
	if u.store == nil {
		u.store = new(Store)
	}
	for name := range u.refused {
		failure, failed := u.failures[name]
		if o, _ := u.store.Find(name); failed && o.rank() == 1 && !u.lifts(&o) {
			u.store.Put(failure)
		}
	}
	for name, bogus := range u.bogus {
		if o, _ := u.store.Find(name); o.rank() > 0 && bogus.Time.After(o.Time) {
			u.store.PutOther(bogus)
		}
	}
	return u.store
}

// lifts reports whether an answer that is not validated counts although a resolver that
// validates has failed.
func (u *Union) lifts(o *Observation) bool {
	return u.validators[o.Server] && (o.AD || !u.refused[o.Name])
}

// Differ returns the names of which snapshots have different records that nobody has
// validated, sorted: the later ones count.
func (u *Union) Differ() []domain.Name { return u.ranked(u.differ, 1) }

// Overtaken returns the names of which a validated answer counts although a later one, which
// nobody has validated, has different records, sorted.
func (u *Union) Overtaken() []domain.Name { return u.ranked(u.overtaken, 2) }

// ranked returns those names of a set whose answer has a rank.
func (u *Union) ranked(set map[domain.Name]struct{}, rank int) []domain.Name {
	var names []domain.Name
	for name := range set {
		if o, _ := u.store.Find(name); o.rank() == rank {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b domain.Name) int { return strings.Compare(a.String(), b.String()) })
	return names
}

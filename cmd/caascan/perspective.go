package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"caascan/scan"
	"caascan/scan/lookup"
	"caascan/scan/snapshot"
)

// perspective is another place, and the snapshot of what was seen from it.
type perspective struct {
	scan.Perspective
	file string
}

// parsePerspectives reads --perspective. Each place has one snapshot: several are never joined
// to one, and none is that of another place.
func (o *scanOptions) parsePerspectives() ([]perspective, error) {
	if o.accept && len(o.perspectives) == 0 {
		return nil, usagef("--accept-failures is about what --perspective compares: give that too")
	}
	if len(o.perspectives) > scan.MostPerspectives {
		return nil, usagef("--perspective is given %d times: at most %d can be compared", len(o.perspectives), scan.MostPerspectives)
	}
	var all []perspective
	for _, text := range o.perspectives {
		before, file, ok := strings.Cut(text, "=")
		parsed, err := scan.ParsePerspective(before)
		if err != nil || !ok || file == "" {
			return nil, usagef("--perspective %q: it is NAME[@RIR]=SNAPSHOT, such as fra@ripe=fra.jsonl: %w", text, scan.ErrPerspective)
		}
		p := perspective{parsed, file}
		if slices.ContainsFunc(all, func(other perspective) bool { return other.Name == p.Name }) {
			return nil, usagef("--perspective %s: the name is given twice; a place has one snapshot, and several are not joined to one", p.Name)
		}
		for _, other := range append(perspectiveFiles(o.perspectives[:len(all)]), append(o.source.snapshots, o.record.snapshot)...) {
			if other != "" && samePlace(file, other) {
				return nil, usagef("--perspective %s: %s is used already: what was seen from one place is not what was seen from another", p.Name, file)
			}
		}
		all = append(all, p)
	}
	return all, nil
}

// perspectiveFiles are the snapshots that --perspective names.
func perspectiveFiles(texts []string) []string {
	var files []string
	for _, text := range texts {
		_, file, _ := strings.Cut(text, "=")
		files = append(files, file)
	}
	return files
}

// comparePlaces reads the snapshots of the perspectives, one after the other so that only one
// has to be kept, and compares them with what was seen here.
func (j *job) comparePlaces(ctx context.Context, o scanOptions) error {
	j.scanner = scan.New(scan.Config{Issuers: j.issuers, Store: j.source.store})
	if len(j.perspectives) == 0 {
		return nil
	}
	rule := scan.CorroborationRule{Date: j.started()}
	if o.accept {
		rule.Accepted = scan.AcceptMayIssue
	}
	j.places = scan.NewPlaces(rule)
	read := j.primaryEvidence()
	for _, p := range j.perspectives {
		src, err := j.openPerspective(ctx, p, read)
		if err != nil {
			return err
		}
		read = append(read, placeEvidence{p.String(), src.evidence.files[0]})
	}
	for _, doubt := range placeDoubts(read, j.perspectives, rule) {
		j.console.warn(doubt)
		j.run.Notes = append(j.run.Notes, doubt)
	}
	j.run.Notes = append(j.run.Notes, uncheckable)
	j.run.Corroboration = append(j.run.Corroboration, ruleWords(rule))
	return nil
}

// started is the date that the rule for perspectives goes by.
func (j *job) started() time.Time {
	if e := j.source.evidence; e != nil {
		return e.started()
	}
	return j.run.Started
}

// openPerspective compares what was seen from one place.
func (j *job) openPerspective(ctx context.Context, p perspective, read []placeEvidence) (source, error) {
	stop := j.console.saying(ctx, "comparing with the perspective "+p.Name)
	defer stop()
	src := source{overlay: j.source.overlay, anchors: j.source.anchors, evidence: new(evidence)}
	var union snapshot.Union // of the runs of one place, one behind the other
	if err := src.addFile(&union, p.file); err != nil {
		return src, fmt.Errorf("--perspective %s: %w", p.Name, err)
	}
	file := src.evidence.files[0]
	for _, other := range read {
		if other.file.sha256 == file.sha256 {
			return src, usagef("--perspective %s: %s holds the same as %s: what was seen from one place is not what was seen from another", p.Name, p.file, other.file.path)
		}
	}
	src.store = union.Store()
	lookup.Replay(src.overlay, src.store)
	src.describe()
	for _, warning := range src.warnings {
		warning = "perspective " + p.Name + ": " + warning
		j.console.warn(warning)
		j.run.Notes = append(j.run.Notes, warning)
	}
	j.run.Perspectives = append(j.run.Perspectives, fmt.Sprintf("%s: %s%s; asked: %s", p, src.evidence.facts()[0], file.times(), orSo(slices.Concat(src.resolvers, src.zoneFiles))))
	there := scan.New(scan.Config{Issuers: j.issuers, Store: src.store})
	return src, j.places.Compare(ctx, p.Perspective, j.scanner, there, j.rows())
}

// placeEvidence is a snapshot and of which place it is.
type placeEvidence struct {
	place string
	file  evidenceFile
}

// primaryEvidence is that of this place: its snapshots, or the run itself.
func (j *job) primaryEvidence() []placeEvidence {
	const primary = "the primary"
	var list []placeEvidence
	if e := j.source.evidence; e != nil {
		for _, file := range e.files {
			list = append(list, placeEvidence{primary, file})
		}
		return list
	}
	header := &snapshot.Header{Resolvers: askedOf(j.source.resolver), Zones: j.source.zoneFiles}
	return []placeEvidence{{primary, evidenceFile{headers: []*snapshot.Header{header}, first: j.run.Started, last: time.Now()}}}
}

// uncheckable is what no file can show.
const uncheckable = "What the snapshots of the perspectives cannot show: that the places are at least 500 km apart and in the regions given (TLS BR 3.2.2.9), " +
	"that each has a resolver of its own and shares no cache with another, and that nobody has changed the files."

func ruleWords(rule scan.CorroborationRule) string {
	words := fmt.Sprintf("On %s at least %d remote perspectives; of up to 5 one need not corroborate, of 6 or more two; those that do in at least two RIR regions (SBR 4.2.2.2, TLS BR 3.2.2.9).",
		rule.Date.UTC().Format(time.DateOnly), rule.Required())
	if rule.Accepted == scan.AcceptMayIssue {
		return words + " Failures with ca-may-issue count as permission (--accept-failures)."
	}
	return words + " No failure counts as permission."
}

// placeDoubts are what speaks against the places, as far as their snapshots show it.
func placeDoubts(read []placeEvidence, perspectives []perspective, rule scan.CorroborationRule) []string {
	var doubts []string
	if n := len(perspectives); n < rule.Required() {
		doubts = append(doubts, fmt.Sprintf("%s given, and %d are required on %s (TLS BR 3.2.2.9): caa_corroborated is unknown if the CA is permitted",
			counted(n, "perspective"), rule.Required(), rule.Date.UTC().Format(time.DateOnly)))
	}
	doubts = append(doubts, sharedResolvers(read)...)
	for _, p := range read {
		for _, h := range p.file.headers {
			if len(h.Zones) > 0 && p.place != read[0].place {
				doubts = append(doubts, fmt.Sprintf("the snapshot of the perspective %s is made of zone files, and not of what was seen from a place", p.place))
				break
			}
		}
	}
	return append(doubts, timesApart(read)...)
}

// sharedResolvers names a resolver that two places have asked. An address of a network of its
// own, such as 127.0.0.1, is another machine at each place.
func sharedResolvers(read []placeEvidence) []string {
	var doubts []string
	by := make(map[string]string)
	for _, p := range read {
		for _, h := range p.file.headers {
			for _, a := range h.Resolvers {
				other, asked := by[a.Resolver]
				switch {
				case isLocal(a.Resolver):
				case !asked:
					by[a.Resolver] = p.place
				case other != p.place:
					doubts = append(doubts, fmt.Sprintf("%s and %s have asked the same resolver, %s: perspectives must not share one (TLS BR 3.2.2.9)", other, p.place, a.Resolver))
				}
			}
		}
	}
	return sortedOnce(doubts)
}

func isLocal(resolver string) bool {
	at, err := netip.ParseAddrPort(resolver)
	return err == nil && (at.Addr().IsLoopback() || at.Addr().IsPrivate() || at.Addr().IsLinkLocalUnicast())
}

// timesApart names places that were asked long before or after the primary one.
func timesApart(read []placeEvidence) []string {
	var first, last time.Time // of the primary
	var doubts []string
	for _, p := range read {
		if p.place == read[0].place {
			if first.IsZero() || p.file.first.Before(first) {
				first = p.file.first
			}
			if p.file.last.After(last) {
				last = p.file.last
			}
			continue
		}
		if apart := max(last.Sub(p.file.first), p.file.last.Sub(first)); !first.IsZero() && !p.file.first.IsZero() && apart > farApart {
			doubts = append(doubts, fmt.Sprintf("the answers of the perspective %s are up to %.0f hours older or younger than those here: what differs may have changed meanwhile", p.place, apart.Hours()))
		}
	}
	return doubts
}

// describePlaces says in the run facts how much is corroborated.
func (j *job) describePlaces() {
	if j.places == nil {
		return
	}
	for i, issuer := range j.issuers {
		var words []string
		for _, c := range scan.Corroborations() {
			count := j.tally.Corroborated(i, c)
			words = append(words, fmt.Sprintf("%s %s (%s)", c, counted(count.Domains, "domain"), counted(count.Rows, "row")))
		}
		j.run.Corroboration = append(j.run.Corroboration, issuer.Label+": "+strings.Join(words, ", "))
	}
}

package scan

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// RIR is the region of a Regional Internet Registry. The set is closed; the empty RIR is not
// known.
type RIR string

// The regions.
const (
	RIRUnknown RIR = ""
	AFRINIC    RIR = "afrinic"
	APNIC      RIR = "apnic"
	ARIN       RIR = "arin"
	LACNIC     RIR = "lacnic"
	RIPE       RIR = "ripe"
)

// RIRs returns every RIR that says something, in the order of the constants.
func RIRs() []RIR { return []RIR{AFRINIC, APNIC, ARIN, LACNIC, RIPE} }

// Perspective is a place from which the domains of a list were asked too.
type Perspective struct {
	Name string // letters, digits, "-", "_" and "."
	RIR  RIR
}

// MostPerspectives is how many may be compared.
const MostPerspectives = 64

// ErrPerspective says that a text is no perspective.
var ErrPerspective = errors.New("it is NAME or NAME@RIR: a name of at most 63 letters, digits, -, _ and ., and one of afrinic, apnic, arin, lacnic, ripe")

// ParsePerspective reads NAME or NAME@RIR. The error is ErrPerspective.
func ParsePerspective(text string) (Perspective, error) {
	name, region, given := strings.Cut(text, "@")
	p := Perspective{name, RIR(strings.ToLower(region))}
	const longest = 63
	foreign := func(r rune) bool {
		return !strings.ContainsRune("-_.", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	if name == "" || len(name) > longest || strings.ContainsFunc(name, foreign) || given && !slices.Contains(RIRs(), p.RIR) {
		return Perspective{}, ErrPerspective
	}
	return p, nil
}

// String returns NAME or NAME@RIR.
func (p Perspective) String() string {
	if p.RIR == RIRUnknown {
		return p.Name
	}
	return p.Name + "@" + string(p.RIR)
}

// Sight is what was seen of a domain from one place, for one CA.
type Sight string

// The values of Sight.
const (
	SightNone     Sight = "not asked"    // it says nothing
	SightPermits  Sight = "permits"      // an answer that permits the CA
	SightMayIssue Sight = "ca-may-issue" // a failure that a CA may accept (SBR 4.2.2.1)
	SightForbids  Sight = "forbids"      // an answer that denies, or a failure that nobody may accept
)

// Corroborated says whether what was seen from several places is enough for a CA that has
// validated the domain (SBR 4.2.2.2; TLS BR 3.2.2.9).
type Corroborated string

// The values of Corroborated.
const (
	CorroboratedYes           Corroborated = "yes"
	CorroboratedNo            Corroborated = "no"
	CorroboratedNotApplicable Corroborated = "not-applicable"
	CorroboratedUnknown       Corroborated = "unknown"
)

// Corroborations returns every Corroborated, in the order of the constants.
func Corroborations() []Corroborated {
	return []Corroborated{CorroboratedYes, CorroboratedNo, CorroboratedNotApplicable, CorroboratedUnknown}
}

// Meaning returns what the value says, in sentences for people who have never read an RFC.
func (c Corroborated) Meaning() string {
	switch c {
	case CorroboratedYes:
		return "Enough of the other places, in at least two regions, have seen that this CA is permitted."
	case CorroboratedNo:
		return "Too many of the other places have seen something else, or those that have seen the same are all in one region. A CA that validates the domain must not issue."
	case CorroboratedNotApplicable:
		return "There is nothing to corroborate, because the CA is not permitted here already."
	case CorroboratedUnknown:
		return "The domain was asked from fewer places than the rules ask for, or it is not known in which regions they are. Never take this for yes."
	}
	panic("scan: unknown value " + string(c))
}

// AcceptedFailures says whether the CA counts a failed lookup for which it may issue (SBR
// 4.2.2.1) as if it permitted. It need not.
type AcceptedFailures string

// The values of AcceptedFailures.
const (
	AcceptNone     AcceptedFailures = ""
	AcceptMayIssue AcceptedFailures = "ca-may-issue"
)

// CorroborationRule is TLS BR 3.2.2.9 as SBR 4.2.2.2 takes it over.
type CorroborationRule struct {
	Date     time.Time // of the run
	Accepted AcceptedFailures
}

// Required returns how many remote perspectives there must be at the date (TLS BR 3.2.2.9).
// Before the first date of the table its number is asked for too: what is assessed now is
// held to no less.
func (r CorroborationRule) Required() int {
	required := 3 // since 2026-03-15
	for _, step := range [...]struct {
		from   time.Time
		number int
	}{
		{time.Date(2026, 6, 15, 0, 0, 0, 0, time.UTC), 4},
		{time.Date(2026, 12, 15, 0, 0, 0, 0, time.UTC), 5},
	} {
		if !r.Date.Before(step.from) {
			required = step.number
		}
	}
	return required
}

// mayDiffer is how many of so many remote perspectives need not corroborate (TLS BR 3.2.2.9,
// table of quorums): 1 of 2 to 5, 2 of 6 or more.
func mayDiffer(perspectives int) int {
	if perspectives >= 6 {
		return 2
	}
	return 1
}

// regionsRequired is in how many RIR regions the corroborating perspectives must be (TLS BR
// 3.2.2.9).
const regionsRequired = 2

// Corroborates reports whether what was seen at one place counts as permission.
func (r CorroborationRule) Corroborates(s Sight) bool {
	switch s {
	case SightPermits:
		return true
	case SightMayIssue:
		return r.Accepted == AcceptMayIssue
	case SightNone, SightForbids:
		return false
	}
	panic("scan: unknown sight " + string(s))
}

// Decide says whether the remote perspectives corroborate what the primary one has seen;
// sights are theirs, in the order of remotes. One that has not asked for the domain is none
// of them. What cannot be known is CorroboratedUnknown, and never taken for yes.
func (r CorroborationRule) Decide(primary Sight, remotes []Perspective, sights []Sight) Corroborated {
	if !r.Corroborates(primary) {
		return CorroboratedNotApplicable
	}
	asked, differ := 0, 0
	var regions [numRegions]bool
	for i, s := range sights {
		switch {
		case s == SightNone:
		case r.Corroborates(s):
			asked++
			regions[slices.Index(RIRs(), remotes[i].RIR)+1] = true // the first is for those not known
		default:
			asked++
			differ++
		}
	}
	switch {
	case asked < r.Required():
		return CorroboratedUnknown
	case differ > mayDiffer(asked):
		return CorroboratedNo
	}
	return inRegions(regions)
}

// numRegions are those of RIRs, and one for what is not known.
const numRegions = 6

// inRegions decides by where those are that corroborate.
func inRegions(regions [numRegions]bool) Corroborated {
	known := 0
	for _, met := range regions[1:] {
		if met {
			known++
		}
	}
	switch {
	case known >= regionsRequired:
		return CorroboratedYes
	case regions[0]:
		return CorroboratedUnknown
	}
	return CorroboratedNo
}

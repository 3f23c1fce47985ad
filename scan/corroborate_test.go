package scan_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"caascan/scan"
)

func TestParsePerspective(t *testing.T) {
	for text, want := range map[string]scan.Perspective{
		"fra": {Name: "fra"}, "fra-1.eu_x@ripe": {Name: "fra-1.eu_x", RIR: scan.RIPE}, "S@LACNIC": {Name: "S", RIR: scan.LACNIC},
		"a@afrinic": {Name: "a", RIR: scan.AFRINIC}, "b@apnic": {Name: "b", RIR: scan.APNIC}, "c@arin": {Name: "c", RIR: scan.ARIN},
	} {
		if got, err := scan.ParsePerspective(text); err != nil || got != want {
			t.Errorf("ParsePerspective(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "@ripe", "a@", "a@iana", "a b", "a@ripe@ripe", "a=b", "ä", "a|b", strings.Repeat("a", 64)} {
		if got, err := scan.ParsePerspective(text); !errors.Is(err, scan.ErrPerspective) || got != (scan.Perspective{}) {
			t.Errorf("ParsePerspective(%q) = %v, %v, want an ErrPerspective", text, got, err)
		}
	}
}

// sightOf are the letters of the table below: what was seen at a place.
var sightOf = map[byte]scan.Sight{'P': scan.SightPermits, 'F': scan.SightMayIssue, 'D': scan.SightForbids, '-': scan.SightNone}

// regionOf are the letters of the regions there.
var regionOf = map[byte]scan.RIR{'f': scan.AFRINIC, 'p': scan.APNIC, 'a': scan.ARIN, 'l': scan.LACNIC, 'r': scan.RIPE, '?': scan.RIRUnknown}

// TestCorroboration is the rule at every boundary. The remotes are pairs of letters: what
// was seen (P permits, F failed and proven insecure, D denied or failed otherwise, - not
// asked) and the region (f AFRINIC, p APNIC, a ARIN, l LACNIC, r RIPE, ? not given).
func TestCorroboration(t *testing.T) {
	const (
		yes, no, none, unknown = scan.CorroboratedYes, scan.CorroboratedNo, scan.CorroboratedNotApplicable, scan.CorroboratedUnknown
		never, may             = scan.AcceptNone, scan.AcceptMayIssue
		number                 = "TLS BR 3.2.2.9, number of perspectives by date"
		quorum                 = "TLS BR 3.2.2.9, quorum"
		region                 = "TLS BR 3.2.2.9, two RIR regions"
		failure                = "SBR 4.2.2.1, failed lookups"
		primary                = "SBR 4.2.2.2, corroborate the primary perspective"
	)
	for _, test := range []struct {
		clause, sentence string
		date             string
		accepted         scan.AcceptedFailures
		primary          byte
		remotes          string
		want             scan.Corroborated
	}{
		// The number by date: 3 since 2026-03-15, 4 since 2026-06-15, 5 from 2026-12-15.
		{number, "three on the first day", "2026-03-15T00:00:00Z", never, 'P', "Pr Pa Pp", yes},
		{number, "two are too few", "2026-03-15T00:00:00Z", never, 'P', "Pr Pa", unknown},
		{number, "before the first date no fewer", "2026-03-14T23:59:59Z", never, 'P', "Pr Pa", unknown},
		{number, "before the first date three", "2026-01-01T00:00:00Z", never, 'P', "Pr Pa Pp", yes},
		{number, "three in the last second", "2026-06-14T23:59:59Z", never, 'P', "Pr Pa Pp", yes},
		{number, "three are too few from the next one", "2026-06-15T00:00:00Z", never, 'P', "Pr Pa Pp", unknown},
		{number, "four", "2026-06-15T00:00:00Z", never, 'P', "Pr Pa Pp Pl", yes},
		{number, "four in the last second", "2026-12-14T23:59:59Z", never, 'P', "Pr Pa Pp Pl", yes},
		{number, "the same second, west of Greenwich", "2026-12-14T18:59:59-05:00", never, 'P', "Pr Pa Pp Pl", yes},
		{number, "four are too few from the next one", "2026-12-15T00:00:00Z", never, 'P', "Pr Pa Pp Pl", unknown},
		{number, "though all of them deny", "2026-12-15T00:00:00Z", never, 'P', "Dr Da Dp Dl", unknown},
		{number, "five", "2026-12-15T00:00:00Z", never, 'P', "Pr Pa Pp Pl Pf", yes},
		{number, "years later", "2030-01-01T00:00:00Z", never, 'P', "Pr Pa Pp Pl Pf", yes},
		{number, "none at all", "2026-12-15T00:00:00Z", never, 'P', "", unknown},
		{number, "one that was not asked is none of them", "2026-12-15T00:00:00Z", never, 'P', "Pr Pa Pp Pl -f", unknown},
		{number, "but five others are enough", "2026-12-15T00:00:00Z", never, 'P', "Pr Pa Pp Pl -f Pf", yes},

		// The quorum: at most 1 of 2 to 5 may not corroborate, at most 2 of 6 or more.
		{quorum, "one of three", "2026-03-15T00:00:00Z", never, 'P', "Pr Pa Dp", yes},
		{quorum, "two of three", "2026-03-15T00:00:00Z", never, 'P', "Pr Da Dp", no},
		{quorum, "one of four", "2026-06-15T00:00:00Z", never, 'P', "Pr Pa Pp Dl", yes},
		{quorum, "two of four", "2026-06-15T00:00:00Z", never, 'P', "Pr Pa Dp Dl", no},
		{quorum, "one of five", "2026-12-15T00:00:00Z", never, 'P', "Pr Pa Pp Pl Df", yes},
		{quorum, "two of five", "2026-12-15T00:00:00Z", never, 'P', "Pr Pa Pp Dl Df", no},
		{quorum, "two of six", "2026-12-15T00:00:00Z", never, 'P', "Pr Pa Pp Pl Df Df", yes},
		{quorum, "three of six", "2026-12-15T00:00:00Z", never, 'P', "Pr Pa Pp Dl Df Df", no},
		{quorum, "two of ten", "2026-12-15T00:00:00Z", never, 'P', "Pr Pa Pp Pl Pf Pr Pa Pp Dl Df", yes},
		{quorum, "three of ten", "2026-12-15T00:00:00Z", never, 'P', "Pr Pa Pp Pl Pf Pr Pa Dp Dl Df", no},
		{quorum, "of six one was not asked: two of five", "2026-12-15T00:00:00Z", never, 'P', "Pr Pa Pp -l Df Df", no},
		{quorum, "all deny", "2026-12-15T00:00:00Z", never, 'P', "Dr Da Dp Dl Df", no},

		// The regions of those that corroborate.
		{region, "all in one", "2026-12-15T00:00:00Z", never, 'P', "Pr Pr Pr Pr Pr", no},
		{region, "one in another", "2026-12-15T00:00:00Z", never, 'P', "Pr Pr Pr Pr Pa", yes},
		{region, "the only one in another does not corroborate", "2026-12-15T00:00:00Z", never, 'P', "Pr Pr Pr Pr Da", no},
		{region, "the only one in another was not asked", "2026-12-15T00:00:00Z", never, 'P', "Pr Pr Pr Pr Pr -a", no},
		{region, "none is given", "2026-12-15T00:00:00Z", never, 'P', "P? P? P? P? P?", unknown},
		{region, "one is not given, the others are in one", "2026-12-15T00:00:00Z", never, 'P', "Pr Pr Pr Pr P?", unknown},
		{region, "some are not given, the others are in two", "2026-12-15T00:00:00Z", never, 'P', "Pr Pa P? P? P?", yes},
		{region, "one that denies is not given", "2026-12-15T00:00:00Z", never, 'P', "Pr Pr Pr Pr D?", no},
		{region, "too many deny, wherever they are", "2026-12-15T00:00:00Z", never, 'P', "P? P? P? D? D?", no},

		// Failures: ca-may-issue counts where the CA chooses, all others never.
		{failure, "an acceptable failure is not accepted by itself", "2026-12-15T00:00:00Z", never, 'P', "Pr Pa Pp Fl Ff", no},
		{failure, "one may be there all the same", "2026-12-15T00:00:00Z", never, 'P', "Pr Pa Pp Pl Ff", yes},
		{failure, "accepted", "2026-12-15T00:00:00Z", may, 'P', "Pr Pa Pp Fl Ff", yes},
		{failure, "all of them, accepted", "2026-12-15T00:00:00Z", may, 'P', "Fr Fa Fp Fl Ff", yes},
		{failure, "what denies, or failed where it may be signed, never", "2026-12-15T00:00:00Z", may, 'P', "Pr Pa Fp Dl Df", no},
		{failure, "accepted ones count for the regions", "2026-12-15T00:00:00Z", may, 'P', "Pr Pr Pr Pr Fa", yes},
		{failure, "not accepted they do not", "2026-12-15T00:00:00Z", never, 'P', "Pr Pr Pr Pr Fa", no},
		{failure, "and are too few with two that deny of six", "2026-12-15T00:00:00Z", never, 'P', "Pr Pa Pp Dl Df Ff", no},
		{failure, "accepted, two that deny of six are not too many", "2026-12-15T00:00:00Z", may, 'P', "Pr Pa Pp Dl Df Ff", yes},

		// The primary perspective.
		{primary, "it denies", "2026-12-15T00:00:00Z", may, 'D', "Pr Pa Pp Pl Pf", none},
		{primary, "it denies, and too few were asked", "2026-12-15T00:00:00Z", never, 'D', "", none},
		{primary, "its failure is not accepted", "2026-12-15T00:00:00Z", never, 'F', "Pr Pa Pp Pl Pf", none},
		{primary, "its failure is accepted", "2026-12-15T00:00:00Z", may, 'F', "Pr Pa Pp Pl Pf", yes},
		{primary, "its failure is accepted, and two deny", "2026-12-15T00:00:00Z", may, 'F', "Pr Pa Pp Dl Df", no},
	} {
		date, err := time.Parse(time.RFC3339, test.date)
		if err != nil {
			t.Fatal(err)
		}
		var remotes []scan.Perspective
		var sights []scan.Sight
		for pair := range strings.FieldsSeq(test.remotes) {
			remotes = append(remotes, scan.Perspective{Name: "p", RIR: regionOf[pair[1]]})
			sights = append(sights, sightOf[pair[0]])
		}
		rule := scan.CorroborationRule{Date: date, Accepted: test.accepted}
		if got := rule.Decide(sightOf[test.primary], remotes, sights); got != test.want {
			t.Errorf("%s: %s: %s, %q on %s: %s, want %s", test.clause, test.sentence, string(test.primary), test.remotes, test.date, got, test.want)
		}
	}
}

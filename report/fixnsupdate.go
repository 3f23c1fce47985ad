package report

import (
	"fmt"

	"caascan/scan"
	"caascan/scan/domain"
)

// fixTTL is the TTL of new records in seconds, in the forms that have to give one: short,
// so that a slip is soon mended.
const fixTTL = 300

func nsupdateText() fixText {
	return fixText{
		mark: ";", marks: "semicolons",
		head: []string{
			wholeSet,
			"To use it: nsupdate -k KEY-FILE THIS-FILE. A server refuses (NXRRSET) what is for a name that has other records by now",
			"than those that were seen, or has them from a wildcard.",
		},
		set: func(fix FixTotal) ([]string, string) { return nsupdateLines(fix), "" },
	}
}

// nsupdateLines are the commands for a name. They are one message, so the name has either
// the old set or the new one at any time (RFC 2136, section 3.7), and the old one has to be
// what was seen (section 2.4.2); records of an overlay nobody has published. Without a
// command "zone" nsupdate finds the zone by itself, for each message.
func nsupdateLines(fix FixTotal) []string {
	owner := domain.Owner(fix.Name()).DecimalText()
	var lines []string
	if !fix.Has(scan.NoteOverlay) {
		for _, p := range fix.Present.Properties {
			lines = append(lines, "prereq yxrrset "+owner+" IN CAA "+p.ZoneText())
		}
	}
	lines = append(lines, "update delete "+owner+" IN CAA")
	for _, p := range fix.Set {
		lines = append(lines, fmt.Sprintf("update add %s %d IN CAA %s", owner, fixTTL, p.ZoneText()))
	}
	return append(lines, "send")
}

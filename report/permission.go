package report

import (
	"caascan/scan"
)

// PermissionLine is a line of the matrix of several CAs: a Permission in words.
type PermissionLine struct {
	Name, Meaning string
	Kind          PermissionKind
	Count
}

// PermissionKind tells the lines of the matrix apart, whatever CAs they name.
type PermissionKind string

// The kinds of lines.
const (
	AllPermitted      PermissionKind = "all-permitted"
	SomePermitted     PermissionKind = "some-permitted"
	NonePermitted     PermissionKind = "none-permitted"
	PermissionUnknown PermissionKind = "permission-unknown" // the lookup failed, for all CAs alike
)

// permissionLines puts Permissions into words. Of two CAs all lines there can be
// are there, even if nothing has them; of more, those that occur.
func permissionLines(labels []string, permissions []Permission) []PermissionLine {
	if len(labels) == 2 {
		permissions = allOfTwo(permissions)
	}
	lines := make([]PermissionLine, len(permissions))
	for i, p := range permissions {
		lines[i] = p.line(labels)
	}
	return lines
}

// allOfTwo are the five Permissions of two CAs, in the order of Tally.Permissions.
func allOfTwo(found []Permission) []Permission {
	all := []Permission{
		{Permitted: []bool{true, true}},
		{Permitted: []bool{true, false}},
		{Permitted: []bool{false, true}},
		{Permitted: []bool{false, false}},
		{Permitted: []bool{false, false}, Failed: true},
	}
	for i := range all {
		for _, p := range found {
			if string(p.key()) == string(all[i].key()) {
				all[i] = p
			}
		}
	}
	return all
}

func (p Permission) line(labels []string) PermissionLine {
	may, mayNot := p.split(labels)
	l := PermissionLine{Count: p.Count}
	switch {
	case p.Failed:
		l.Name, l.Kind = string(scan.LookupFailed), PermissionUnknown
		l.Meaning = "Whether any of these CAs may issue could not be found out. Never take this for permitted."
	case len(mayNot) == 0:
		l.Name, l.Kind = everyOf(labels), AllPermitted
		l.Meaning = "CAA stops none of these CAs: nothing has to be changed."
	case len(may) == 0:
		l.Name, l.Kind = noneOf(labels), NonePermitted
		l.Meaning = "CAA stops all of these CAs. The fix list has a line for each of them."
	default:
		l.Name, l.Kind = "only "+Joined(may), SomePermitted
		l.Meaning = "CAA stops " + Joined(mayNot) + " until the sets in the fix list are published."
	}
	return l
}

// split returns the labels of the CAs that may issue, and of those that may not.
func (p Permission) split(labels []string) (may, mayNot []string) {
	for i, permitted := range p.Permitted {
		if permitted {
			may = append(may, labels[i])
			continue
		}
		mayNot = append(mayNot, labels[i])
	}
	return may, mayNot
}

func everyOf(labels []string) string {
	if len(labels) == 2 {
		return "both " + Joined(labels)
	}
	return "all of them"
}

func noneOf(labels []string) string {
	if len(labels) == 2 {
		return "neither " + labels[0] + " nor " + labels[1]
	}
	return "none of them"
}

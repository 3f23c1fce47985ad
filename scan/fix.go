package scan

import (
	"caascan/scan/caa"
)

// Fix is what to publish at the deciding name so that a CA may issue. Nothing is ever
// to be published at the owner of an alias, or at a name without CAA records: a set
// there would hide what its parents' records say of web servers.
type Fix struct {
	// Present is the set that decides now. Its owner is the deciding name: where the
	// records really stand, at the end of the aliases.
	Present caa.RRset
	// TTL is how many seconds a resolver may keep the present set, so a change may
	// not be seen before; 0 where it is not known.
	TTL uint32
	// Set is the whole set to publish in place of Present (caa.RRset.Fix).
	Set []caa.Property
	// Notes say what is to be known before that is done, a sentence each.
	Notes []string
	// Ask is the registrable domain of the deciding name where that is not the domain's
	// own, so that it is somebody else's to publish; else it is empty.
	Ask string
	// Contacts are the URLs of the set's iodef properties (RFC 8659, section 4.4).
	Contacts []string
}

// Name returns the deciding name without a trailing dot.
func (f *Fix) Name() string { return f.Present.Owner }

// Lines returns Set as the lines of a zone file.
func (f *Fix) Lines() []string {
	if f == nil {
		return nil
	}
	return zoneLines(f.Name(), f.Set)
}

// PresentLines returns Present as the lines of a zone file.
func (f *Fix) PresentLines() []string { return zoneLines(f.Name(), f.Present.Properties) }

func zoneLines(owner string, set []caa.Property) []string {
	lines := make([]string, len(set))
	for i, p := range set {
		lines[i] = fqdn(owner) + " IN CAA " + p.ZoneText()
	}
	return lines
}

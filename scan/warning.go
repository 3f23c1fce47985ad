package scan

// Warning is a code for what does not change the status but should be known. The
// set is closed.
type Warning string

// The warnings.
const (
	// IDNMapped: the cell's spelling was mapped by UTS 46 beyond case, width and
	// full stops.
	IDNMapped Warning = "idn-mapped"
	// BadALabel: a label beginning with xn-- is no A-label; it was asked as it is.
	BadALabel Warning = "bad-a-label"
	// DomainNotFound: the DNS says that the domain itself does not exist.
	DomainNotFound Warning = "domain-not-found"
	// Inherited: the policy stands at a parent of the domain.
	Inherited Warning = "inherited"
)

// warnings is the one table of what each Warning means.
var warnings = [...]struct {
	Code    Warning
	Meaning string
}{
	{IDNMapped, "The international domain name was typed with characters that the standard replaces or drops. Check that the domain in the report is the one that is meant."},
	{BadALabel, "A part of the domain begins with xn-- but does not decode to an international name. It was looked up as it is."},
	{DomainNotFound, "The DNS says that this domain does not exist. Mail cannot reach it; look for a typing error."},
	{Inherited, "The deciding records stand at a parent of this domain and hold for all that is below it."},
}

// Warnings returns every Warning, in the order of the table.
func Warnings() []Warning {
	codes := make([]Warning, len(warnings))
	for i, w := range warnings {
		codes[i] = w.Code
	}
	return codes
}

// Meaning returns a sentence for people who have never read an RFC.
func (w Warning) Meaning() string {
	for _, known := range warnings {
		if known.Code == w {
			return known.Meaning
		}
	}
	panic("scan: unknown warning " + string(w))
}

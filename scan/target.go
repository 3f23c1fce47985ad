package scan

import "caascan/scan/domain"

// Target is the domain that a cell speaks of, or the reason why it speaks of
// none.
type Target struct {
	// Domain has at least two labels; it is zero where Reason is set.
	Domain domain.Name
	// Reason is an input reason, or "".
	Reason Reason
	// Warnings are IDNMapped and BadALabel, where they apply.
	Warnings []Warning
}

// ParseTarget reads a cell as people fill them: an address (RFC 5322, RFC 6531),
// a mailto URI (RFC 6068) or a domain.
func ParseTarget(cell string) Target {
	return Target{Reason: NotADomain}
}

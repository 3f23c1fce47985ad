package caa

// The property tags that decide anything here (RFC 8659, section 4; RFC 9495,
// section 3), in lower case.
const (
	TagIssue     = "issue"
	TagIssuewild = "issuewild"
	TagIssuemail = "issuemail"
	TagIodef     = "iodef"
)

// knownTags are the tags a critical property may have without forbidding
// issuance: those of RFC 8659, RFC 9495 and the CA/Browser Forum, as the project
// has settled it. Reserved tags (auth, path, policy) are unknown.
var knownTags = [...]string{
	TagIssue,
	TagIssuewild,
	TagIssuemail,
	TagIodef,
	"issuevmc",
	"contactemail",
	"contactphone",
}

// known reports whether the property's tag is one of knownTags. A tag with
// octets outside [A-Za-z0-9] never is.
func (p Property) known() bool {
	for _, tag := range knownTags {
		if p.Is(tag) {
			return true
		}
	}
	return false
}

// isTag reports whether tag has the syntax of RFC 8659, section 4.1: one or more
// of [A-Za-z0-9].
func isTag(tag string) bool {
	for i := range len(tag) {
		if !alphanumeric(tag[i]) {
			return false
		}
	}
	return tag != ""
}

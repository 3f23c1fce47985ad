package report

import (
	"encoding/json"
	"fmt"
	"strings"

	"caascan/scan/caa"
	"caascan/scan/domain"
)

// A change batch as the API reference of Amazon Route 53 has it (ChangeResourceRecordSets):
// UPSERT puts a whole set in the place of the one that is there.
type (
	route53Change struct {
		Action            string
		ResourceRecordSet route53Set
	}
	route53Set struct {
		Name            string
		Type            string
		TTL             int
		ResourceRecords []route53Record
	}
	route53Record struct{ Value string }
)

const route53Start = "{\n  \"Comment\": \""

// longComment is the most that a comment of a change batch holds, in characters.
const longComment = 256

// writeRoute53 writes the fixes that Route 53 can hold. JSON has no comments, so the one of
// the batch says how many are not there; what else is to be known stands in other forms. It
// stands first, so the fixes are gone through twice: a list of a million is never kept.
func writeRoute53(f *fixesFile, fixes FixList) {
	comment := f.title(fixes)
	if left := leftOfRoute53(fixes); left > 0 {
		comment = fmt.Sprintf("%s %d of them cannot be here: take the form %s.", Shorten(comment, longComment/2), left, ZoneFixes)
	}
	f.to.WriteString(strings.TrimSuffix(route53Start, `"`) + scriptText(Shorten(comment, longComment)) + ",\n  \"Changes\": [")
	separator, end := "", ""
	for fix := range fixes.All() {
		change, ok := route53ChangeOf(fix)
		if !ok {
			continue
		}
		text, err := json.MarshalIndent(change, "    ", "  ")
		if err != nil {
			panic(err) // strings and numbers have none
		}
		f.to.WriteString(separator + "\n    ")
		f.to.Write(text)
		separator, end = ",", "\n  "
	}
	f.to.WriteString(end + "]\n}\n")
}

// leftOfRoute53 is how many fixes Route 53 cannot hold.
func leftOfRoute53(fixes FixList) (left int) {
	for fix := range fixes.All() {
		if _, ok := route53ChangeOf(fix); !ok {
			left++
		}
	}
	return left
}

// route53ChangeOf is false for what Route 53 does not hold as it is, and for a wildcard,
// which is for all names that it makes: nobody should change that without a word.
func route53ChangeOf(fix FixTotal) (route53Change, bool) {
	if domain.Owner(fix.Name()).IsWildcard() {
		return route53Change{}, false
	}
	set := route53Set{Name: domain.Owner(fix.Name()).OctalText(), Type: "CAA", TTL: fixTTL}
	for _, p := range fix.Set {
		if !isRoute53Record(p) {
			return route53Change{}, false
		}
		set.ResourceRecords = append(set.ResourceRecords, route53Record{p.String()})
	}
	return route53Change{"UPSERT", set}, true
}

// isRoute53Record holds for a value that needs no escape: how one would be written the
// reference does not say.
func isRoute53Record(p caa.Property) bool {
	return isPlainRecord(p) && !strings.ContainsAny(p.Value(), `"\`)
}

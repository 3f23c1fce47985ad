package report_test

import (
	"regexp"
	"testing"

	"caascan/report"
	"caascan/scan"
	"caascan/scan/snapshot"
)

// sentences are some, with single spaces and nothing left to fill in.
var sentences = regexp.MustCompile(`^[A-Z][^\s{}]*( [^\s{}]+)* [^\s{}]*[^\s{}.]\.$`)

func TestColumnSentences(t *testing.T) {
	const longest = 200
	for _, c := range report.Columns() {
		if !sentences.MatchString(c.Meaning) || len(c.Meaning) > longest {
			t.Errorf("%s: %q is no sentence, or longer than %d", c.Name, c.Meaning, longest)
		}
	}
}

// Where few words can stand in a column, its sentence names them all.
func TestColumnsNameTheirWords(t *testing.T) {
	words := map[string][]string{
		"caa_status":     texts(scan.Statuses()),
		"caa_dnssec":     texts(snapshot.DNSSECStates()),
		"caa_on_failure": texts(scan.OnFailures()),
	}
	for _, c := range report.Columns() {
		for _, word := range words[c.Name] {
			if !regexp.MustCompile(`[ (]` + word + `[ ,.:]`).MatchString(c.Meaning) {
				t.Errorf("%s: %q does not name %s", c.Name, c.Meaning, word)
			}
		}
		delete(words, c.Name)
	}
	if len(words) > 0 {
		t.Errorf("there are no columns for %v", words)
	}
}

func texts[S ~string](values []S) []string {
	var list []string
	for _, v := range values {
		list = append(list, string(v))
	}
	return list
}

package scan

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/snapshot"
)

// closedReasons are the reasons that reports may hold, with the status each
// brings. Users rely on them: one may be added, none renamed or dropped.
func closedReasons() map[Reason]Status {
	return map[Reason]Status{
		// Decisions (RFC 9495, section 4; RFC 8659, section 4.1).
		"no-caa":              Permitted,
		"no-issuemail":        Permitted,
		"issuer-listed":       Permitted,
		"unknown-critical":    Denied,
		"issuer-not-listed":   Denied,
		"no-issuer":           Denied,
		"malformed-issuemail": Denied,
		// The input.
		"broken-row":        LookupFailed,
		"empty":             LookupFailed,
		"several-addresses": LookupFailed,
		"ip-literal":        LookupFailed,
		"too-long":          LookupFailed,
		"bad-idn":           LookupFailed,
		"single-label":      LookupFailed,
		"not-a-domain":      LookupFailed,
		// Lookups.
		"timeout":         LookupFailed,
		"network":         LookupFailed,
		"servfail":        LookupFailed,
		"refused":         LookupFailed,
		"notimp":          LookupFailed,
		"formerr":         LookupFailed,
		"rcode":           LookupFailed,
		"dnssec-bogus":    LookupFailed,
		"no-authority":    LookupFailed,
		"filtered":        LookupFailed,
		"stale":           LookupFailed,
		"malformed-reply": LookupFailed,
		"truncated":       LookupFailed,
		"cname-loop":      LookupFailed,
		"tld-not-found":   LookupFailed,
		"not-in-zone":     LookupFailed,
		"not-in-snapshot": LookupFailed,
	}
}

func TestReasonsAreTheClosedSet(t *testing.T) {
	got := make(map[Reason]Status)
	for _, reason := range Reasons() {
		if _, twice := got[reason]; twice {
			t.Errorf("reason %q stands twice", reason)
		}
		got[reason] = reason.Status()
	}
	if diff := cmp.Diff(closedReasons(), got); diff != "" {
		t.Errorf("Reasons() mismatch (-want +got):\n%s", diff)
	}
}

func TestReasonsHaveEveryConstant(t *testing.T) {
	declared := slices.Concat(
		constants(t, "caa", "Reason"), constants(t, "snapshot", "Failure"), constants(t, ".", "Reason"))
	var got []string
	for _, reason := range Reasons() {
		got = append(got, string(reason))
	}
	slices.Sort(declared)
	slices.Sort(got)
	if diff := cmp.Diff(declared, got); diff != "" {
		t.Errorf("Reasons() mismatch (-declared +got):\n%s", diff)
	}
	for _, failure := range snapshot.Failures() {
		if !slices.Contains(got, string(failure)) {
			t.Errorf("Reasons() lacks the failure %q", failure)
		}
	}
}

func TestReasonSentences(t *testing.T) {
	for _, text := range reasonTexts {
		t.Run(string(text.reason), func(t *testing.T) {
			checkSentence(t, "meaning", text.meaning)
			checkSentence(t, "detail", placeholder.ReplaceAllString(text.detail, "x"))
			for _, word := range placeholder.FindAllString(text.detail, -1) {
				if !slices.Contains(placeholders(text), word) {
					t.Errorf("detail %q has %s, which nothing fills", text.detail, word)
				}
			}
			if text.advice != "" {
				checkSentence(t, "advice", text.advice)
			}
		})
	}
}

// placeholder is a word in braces. A brace without its other one stays, and shows.
var placeholder = regexp.MustCompile(`\{[a-z]*\}`)

// Who is not permitted is told what to do, and who is permitted has nothing to do.
func TestReasonsHaveAdviceWhereSomethingIsToBeDone(t *testing.T) {
	for _, reason := range Reasons() {
		if has, needs := reason.Advice() != "", reason.Status() != Permitted; has != needs {
			t.Errorf("%s is %s and its advice is %q", reason, reason.Status(), reason.Advice())
		}
	}
}

// placeholders returns the words of the documented list that there is something
// for: an input reason knows nothing, a failed lookup has no set, an absent set
// has no records.
func placeholders(text reasonText) []string {
	switch {
	case slices.Contains(inputReasons(), text.reason):
		return nil
	case text.status == LookupFailed:
		return []string{"{asked}", "{server}", "{answer}"}
	case text.reason == "no-caa":
		return []string{"{domain}", "{issuer}", "{names}"}
	case text.reason == "no-issuemail":
		return []string{"{domain}", "{issuer}", "{names}", "{found}", "{listed}"}
	}
	return []string{"{domain}", "{issuer}", "{names}", "{found}", "{listed}", "{property}", "{tag}", "{problem}"}
}

func inputReasons() []Reason {
	return []Reason{BrokenRow, Empty, SeveralAddresses, IPLiteral, TooLong, BadIDN, SingleLabel, NotADomain}
}

// closedWarnings are those that reports may hold, in their order there.
func closedWarnings() []Warning {
	return []Warning{
		"issuer-case", "flag-bits", "critical-known-tag", "malformed-beside-valid", "parameters", "account-binding",
		"no-issuer-beside-issuer", "near-miss", "tag-near-miss", "issue-only", "hides-parent", "inherited",
		"domain-not-found", "idn-mapped", "bad-a-label", "host-of-url", "primary-of-several",
		"dnssec-not-validated", "dnssec-unsupported", "answers-differ",
	}
}

func TestWarningsAreTheDeclaredOnes(t *testing.T) {
	if diff := cmp.Diff(closedWarnings(), Warnings()); diff != "" {
		t.Errorf("Warnings() mismatch (-want +got):\n%s", diff)
	}
	declared := append(constants(t, ".", "Warning"), constants(t, "caa", "Warning")...)
	for _, w := range declared {
		if !slices.Contains(Warnings(), Warning(w)) {
			t.Errorf("warning %q is declared and not in the table", w)
		}
	}
	if len(declared) != len(Warnings()) {
		t.Errorf("%d warnings are declared, %d in the table", len(declared), len(Warnings()))
	}
}

func TestWarningSentences(t *testing.T) {
	for _, w := range Warnings() {
		t.Run(string(w), func(t *testing.T) { checkSentence(t, "meaning", w.Meaning()) })
	}
}

func TestStatusSentences(t *testing.T) {
	var declared []string
	for _, status := range Statuses() {
		declared = append(declared, string(status))
		t.Run(string(status), func(t *testing.T) { checkSentence(t, "meaning", status.Meaning()) })
	}
	if diff := cmp.Diff(constants(t, ".", "Status"), declared); diff != "" {
		t.Errorf("Statuses() mismatch (-declared +got):\n%s", diff)
	}
}

func TestOnFailureSentences(t *testing.T) {
	declared := []string{string(OnFailureNone)}
	for _, o := range OnFailures() {
		declared = append(declared, string(o))
		t.Run(string(o), func(t *testing.T) { checkSentence(t, "meaning", o.Meaning()) })
	}
	if diff := cmp.Diff(constants(t, ".", "OnFailure"), declared); diff != "" {
		t.Errorf("OnFailures() mismatch (-declared +got):\n%s", diff)
	}
	if got := OnFailureNone.Meaning(); got != "" {
		t.Errorf("nothing failed, and that means %q", got)
	}
}

func TestDNSSECSentences(t *testing.T) {
	var declared []string
	for _, state := range snapshot.DNSSECStates() {
		declared = append(declared, string(state))
		t.Run(string(state), func(t *testing.T) { checkSentence(t, "meaning", state.Meaning()) })
	}
	if diff := cmp.Diff(constants(t, "snapshot", "DNSSEC"), declared); diff != "" {
		t.Errorf("DNSSECStates() mismatch (-declared +got):\n%s", diff)
	}
	if got := snapshot.DNSSEC("").Meaning(); got != "" {
		t.Errorf("nothing was looked up, and that means %q", got)
	}
}

// checkSentence holds a text that people read, with nothing left to fill in, to what
// all of them keep to.
func checkSentence(t *testing.T, what, text string) {
	t.Helper()
	const longest = 200
	if text == "" || !strings.HasSuffix(text, ".") || strings.HasSuffix(text, "..") {
		t.Errorf("%s %q does not end in one full stop", what, text)
	}
	if strings.TrimSpace(text) != text || strings.Contains(text, "  ") || strings.ContainsAny(text, "\t\r\n") {
		t.Errorf("%s %q has white space to spare", what, text)
	}
	if strings.ContainsAny(text, "{}%") {
		t.Errorf("%s %q has a placeholder; nothing fills it", what, text)
	}
	if len(text) > longest {
		t.Errorf("%s %q has %d characters, more than %d", what, text, len(text), longest)
	}
	if first := text[:min(1, len(text))]; first != strings.ToUpper(first) && !strings.HasPrefix(text, "x ") {
		t.Errorf("%s %q does not begin with a capital letter", what, text)
	}
}

// constants returns the values of the constants that the package in folder
// declares with the type named, so that one without a sentence is noticed.
func constants(t *testing.T, folder, typeName string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			values = append(values, stringConstants(declaration, typeName)...)
		}
	}
	if len(values) == 0 {
		t.Fatalf("no constants of type %s in %s", typeName, folder)
	}
	return values
}

func stringConstants(declaration ast.Decl, typeName string) []string {
	group, ok := declaration.(*ast.GenDecl)
	if !ok || group.Tok != token.CONST {
		return nil
	}
	var values []string
	for _, spec := range group.Specs {
		constant := spec.(*ast.ValueSpec)
		if named, ok := constant.Type.(*ast.Ident); !ok || named.Name != typeName {
			continue
		}
		for _, value := range constant.Values {
			if literal, ok := value.(*ast.BasicLit); ok {
				text, _ := strconv.Unquote(literal.Value)
				values = append(values, text)
			}
		}
	}
	return values
}

package html

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"caascan/report"
	"caascan/report/reporttest"
	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/snapshot"
)

// node is a part of a page, read by a parser that has nothing to do with html/template.
type node struct{ *html.Node }

func parsePage(t testing.TB, page []byte) node {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return node{root}
}

func (n node) attribute(name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// all returns the elements with this name, or with this class after a dot.
func (n node) all(what string) []node {
	class, byClass := strings.CutPrefix(what, ".")
	var found []node
	for d := range n.Descendants() {
		element := node{d}
		switch {
		case d.Type != html.ElementNode:
		case byClass && slices.Contains(strings.Fields(element.attribute("class")), class), !byClass && d.Data == what:
			found = append(found, element)
		}
	}
	return found
}

func (n node) id(t testing.TB, id string) node {
	t.Helper()
	for d := range n.Descendants() {
		if (node{d}).attribute("id") == id {
			return node{d}
		}
	}
	t.Fatalf("nothing has the id %q", id)
	return node{}
}

// raw returns the text as it stands.
func (n node) raw() string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// text returns the text with a space for each run of them.
func (n node) text() string { return strings.Join(strings.Fields(n.raw()), " ") }

// lines returns the rows of a table.
func (n node) lines() []string {
	var lines []string
	for _, row := range n.all("tr") {
		lines = append(lines, strings.Join(cellsOf(row), " | "))
	}
	return lines
}

func cellsOf(row node) []string {
	var cells []string
	for c := range row.ChildNodes() {
		if c.Type == html.ElementNode {
			cells = append(cells, node{c}.text())
		}
	}
	return cells
}

func pageOf(t testing.TB, w reporttest.World) node {
	t.Helper()
	return parsePage(t, w.Bytes(t, New))
}

// By hand: six rows, two of them without a domain; open.example twice, bogus.example
// and mail.closed.example once, which Old is denied for and New is not.
func TestPageNumbers(t *testing.T) {
	page := pageOf(t, reporttest.NewWorld(t, "Old", "New"))
	var got []string
	for _, tile := range page.all(".tile") {
		p := tile.all("p")
		got = append(got, p[0].text()+", "+p[1].text()+", "+p[2].text())
	}
	want := []string{
		"✓ permitted, 2 rows, 33.3% of the rows, 1 domain", "✕ denied, 1 row, 16.7% of the rows, 1 domain", "? lookup-failed, 3 rows, 50.0% of the rows, 1 domain",
		"✓ permitted, 3 rows, 50.0% of the rows, 2 domains", "✕ denied, 0 rows, 0.0% of the rows, 0 domains", "? lookup-failed, 3 rows, 50.0% of the rows, 1 domain",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tiles (-want +got):\n%s", diff)
	}
	matrix := page.id(t, "summary").all("table")[0].lines()
	want = []string{"✓ both Old and New | 2 | 33.3%", "◐ only Old | 0 | 0.0%", "◐ only New | 1 | 16.7%", "✕ neither Old nor New | 0 | 0.0%", "? lookup-failed | 3 | 50.0%"}
	for i, line := range matrix[1:] {
		if !strings.HasPrefix(line, want[i]+" | ") {
			t.Errorf("matrix: %q, want %q", line, want[i])
		}
	}
	if len(matrix) != 6 {
		t.Errorf("%d lines in the matrix, want 6", len(matrix))
	}
	var widths []string
	for _, rect := range page.all(".stack")[0].all("rect") {
		widths = append(widths, rect.attribute("x")+"+"+rect.attribute("width"))
	}
	if diff := cmp.Diff([]string{"0+33.33", "33.33+16.67", "50+50"}, widths); diff != "" {
		t.Errorf("bar (-want +got):\n%s", diff)
	}
}

// A page without JavaScript has the first domains, and says that there are more.
func TestPageWithoutScript(t *testing.T) {
	page := pageOf(t, reporttest.NewWorld(t, "Old", "New"))
	want := []string{
		"Domain | Rows | Status for Old | Status for New | Records found at | Warnings",
		"open.example | 2 | ✓ permitted no-caa | ✓ permitted no-caa |  | ",
		"bogus.example | 1 | ? lookup-failed dnssec-bogus | ? lookup-failed dnssec-bogus |  | ",
		"mail.closed.example | 1 | ✕ denied issuer-not-listed | ✓ permitted issuer-listed | closed.example | idn-mapped inherited",
	}
	if diff := cmp.Diff(want, page.id(t, "table").lines()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	for _, id := range []string{"controls", "pages", "only"} {
		if !has(page.id(t, id), "hidden") {
			t.Errorf("%s does nothing without JavaScript and is shown", id)
		}
	}
	if has(page.id(t, "static"), "hidden") {
		t.Error("nothing is said of JavaScript")
	}
}

// An international name stands beside its form in the DNS, without JavaScript too.
func TestPageHasNamesAsPeopleReadThem(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	v := reporttest.Permitted(t, "xn--bcher-kva.example", 1)
	v.FoundAt, v.Records = v.Domain, reporttest.Issuemail(t, "xn--bcher-kva.example", "other.example")
	v.Decisions[0] = scan.Decision{Status: scan.Denied, Reason: scan.Reason(caa.IssuerNotListed), Detail: "Not listed.", Fix: reporttest.Fix(t, "xn--bcher-kva.example", "other.example", "ca.example")}
	w.Add(v, nil, "x@bücher.example")
	page := pageOf(t, w)
	if got := page.id(t, "table").lines(); !slices.ContainsFunc(got, func(line string) bool {
		return strings.HasPrefix(line, "xn--bcher-kva.example bücher.example | 1 | ")
	}) {
		t.Errorf("table %q", got)
	}
	if got := page.id(t, "data").raw(); !strings.Contains(got, `"readable":{"3":"bücher.example"}`) {
		t.Errorf("data %s", got)
	}
	if got := page.id(t, "fixes").all(".readable"); len(got) != 1 || got[0].text() != "bücher.example" {
		t.Errorf("%d names in the fix list", len(got))
	}
}

// A filter offers what it finds: no reason and no warning that only rows without a
// domain have, or domains that are not on the page.
func TestPageFiltersByWhatItHas(t *testing.T) {
	w := reporttest.NewWorld(t, "Old", "New")
	for i := range w.Results[4:] {
		w.Results[4+i].Warnings = []scan.Warning{scan.BadALabel}
	}
	options := func(page node, id string) string {
		var all []string
		for _, option := range page.id(t, id).all("option") {
			all = append(all, option.text())
		}
		return strings.Join(all, " ")
	}
	// By the numbers of rows: open.example, bogus.example, mail.closed.example.
	for _, test := range []struct {
		domains           int
		reasons, warnings string
	}{{3, "all no-caa issuer-not-listed dnssec-bogus issuer-listed", "all inherited idn-mapped"}, {2, "all no-caa dnssec-bogus", "all"}} {
		page := pageWithin(t, w, pageLimits{domains: test.domains, lines: 1, fixes: 1, paper: 1, names: 1, text: 1000, octets: 1 << 20})
		if got := options(page, "reason"); got != test.reasons {
			t.Errorf("%d domains: reasons %q, want %q", test.domains, got, test.reasons)
		}
		if got := options(page, "warning"); got != test.warnings {
			t.Errorf("%d domains: warnings %q, want %q", test.domains, got, test.warnings)
		}
		if !strings.Contains(page.id(t, "summary").text(), string(scan.BadALabel)) {
			t.Error("the summary has not all warnings")
		}
	}
}

func has(n node, attribute string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == attribute })
}

func TestPageFixes(t *testing.T) {
	w := reporttest.NewWorld(t, "Old", "New")
	old := w.Results[1].Verdict.Decisions[0].Fix
	old.TTL, old.Ask = 3600, "other.example"
	old.Notes, old.Contacts = []string{"Look at it before."}, []string{"mailto:pki@other.example"}
	page := pageOf(t, w)
	card := page.id(t, "fix-0-0")
	const others = "policy.example. IN CAA 0 issuemail \"other.example\"\n"
	const present = others + "policy.example. IN CAA 0 issuemail \"=cmd|\\\"x\\\"\"\n"
	const publish = others + "policy.example. IN CAA 0 issuemail \"ca.example\"\n"
	pre := card.all("pre")
	if pre[0].raw() != present || pre[1].raw() != publish {
		t.Errorf("now:\n%s\nto publish:\n%s\nwant\n%s\n%s", pre[0].raw(), pre[1].raw(), present, publish)
	}
	if ins := pre[1].all("ins"); len(ins) != 1 || ins[0].raw() != `policy.example. IN CAA 0 issuemail "ca.example"` {
		t.Errorf("marked as new: %v", ins)
	}
	for _, want := range []string{
		"policy.example", "1 row and 1 domain unblocked: mail.closed.example.", "whoever runs other.example", "Look at it before.",
		"mailto:pki@other.example", "up to 3,600 seconds",
	} {
		if !strings.Contains(card.text(), want) {
			t.Errorf("the fix does not say %q:\n%s", want, card.text())
		}
	}
	if links := card.all("a"); len(links) != 1 || links[0].attribute("href") != "#domains" {
		t.Error("a contact or a name from the DNS is a link")
	}
	if !strings.Contains(page.id(t, "fixes").text(), "So that New (ca.example, www.ca.example) may issue Nothing is denied.") {
		t.Error("nothing is said of New, which is not denied")
	}
}

// The sets of one name for two CAs take each other back, so their cards say that, in
// the words of the workbook, and have the set for both.
func TestPageWarnsOfOtherCAs(t *testing.T) {
	w := reporttest.StopsBoth(t)
	page := pageOf(t, w)
	const other, ca, its = "policy.example. IN CAA 0 issuemail \"other.example\"\n", "policy.example. IN CAA 0 issuemail \"ca.example\"\n", "policy.example. IN CAA 0 issuemail \"new.example\"\n"
	for i, want := range []struct{ own, heads, note string }{
		{other + ca, "Records now|To publish in their place, for Old|To publish in their place, for Old and New", "The name stops New too. To let all of them issue, publish one set with the records of all its lines."},
		{other + its, "Records now|To publish in their place, for New|To publish in their place, for Old and New", "The name stops Old too. To let all of them issue, publish one set with the records of all its lines."},
	} {
		card := page.id(t, fmt.Sprintf("fix-%d-0", i))
		var heads []string
		for _, head := range card.all("h5") {
			heads = append(heads, head.text())
		}
		if got := strings.Join(heads, "|"); got != want.heads {
			t.Fatalf("sets %q, want %q", got, want.heads)
		}
		if pre := card.all("pre"); pre[1].raw() != want.own || pre[2].raw() != other+ca+its || len(card.all(".copy")) != 3 {
			t.Errorf("to publish:\n%s\nfor both:\n%s", pre[1].raw(), pre[2].raw())
		}
		if got := card.all("li"); len(got) != 1 || got[0].text() != want.note {
			t.Errorf("the card says %v, want %q", got, want.note)
		}
	}
	data := page.id(t, "data").raw()
	if want := `"together":{"0":{"publish":"` + strings.TrimSuffix(strings.ReplaceAll(strings.ReplaceAll(other+ca+its, `"`, `\"`), "\n", `\n`), `\n`) + `","group":0}},` +
		`"groups":[{"whom":"Old and New","notes":{"0":"The name stops New too. To let all of them issue, publish one set with the records of all its lines.",` +
		`"1":"The name stops Old too. To let all of them issue, publish one set with the records of all its lines."}}]}`; !strings.HasSuffix(data, want) {
		t.Errorf("data %s, want at its end %s", data, want)
	}
}

// The page has no data of a fix that only domains beyond its limit refer to.
func TestPageHasNoFixesOfDomainsBeyondIt(t *testing.T) {
	w := reporttest.NewWorld(t, "Old", "New")
	w.Results = w.Results[:1]
	for i := range 20 {
		owner := fmt.Sprintf("d%02d.example", i)
		v := reporttest.Permitted(t, owner, 2)
		v.Records = reporttest.Issuemail(t, owner, "other.example")
		for k, ca := range []string{"old.example", "new.example"} {
			v.Decisions[k] = scan.Decision{Status: scan.Denied, Reason: scan.Reason(caa.IssuerNotListed), Fix: reporttest.Fix(t, owner, "other.example", ca)}
		}
		w.Add(v, nil, owner)
		if i == 7 { // and so it is the first
			w.Add(v, nil, owner)
		}
	}
	page := pageWithin(t, w, pageLimits{domains: 2, lines: 1, fixes: 1, paper: 1, names: 1, text: 1000, octets: 1 << 20})
	var data struct {
		Domains  []string
		Fixes    []map[int]string
		Together map[int]any
	}
	if err := json.Unmarshal([]byte(page.id(t, "data").raw()), &data); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"d07.example", "d00.example"}, data.Domains); diff != "" {
		t.Fatalf("domains (-want +got):\n%s", diff)
	}
	const d07, d00 = "d07.example. IN CAA 0 issuemail \"other.example\"\nd07.example. IN CAA 0 issuemail ", "d00.example. IN CAA 0 issuemail \"other.example\"\nd00.example. IN CAA 0 issuemail "
	want := []map[int]string{{0: d07 + `"old.example"`, 1: d00 + `"old.example"`}, {0: d07 + `"new.example"`, 1: d00 + `"new.example"`}}
	if diff := cmp.Diff(want, data.Fixes); diff != "" || len(data.Together) != 2 {
		t.Errorf("%d for both, fixes (-want +got):\n%s", len(data.Together), diff)
	}
}

// pageWithin returns a page with other limits.
func pageWithin(t testing.TB, w reporttest.World, limits pageLimits) node {
	t.Helper()
	var out bytes.Buffer
	h, err := newHTML(&out, w.Layout, limits)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(t, h)
	return parsePage(t, out.Bytes())
}

// TestPageIsStrict: a browser runs and loads nothing but what the page brings, people
// with a keyboard or a screen reader find everything by its name, links lead somewhere.
func TestPageIsStrict(t *testing.T) {
	page := pageOf(t, reporttest.NewWorld(t, "Old", "New"))
	ids := make(map[string]bool)
	for d := range page.Descendants() {
		if id := (node{d}).attribute("id"); id != "" {
			if ids[id] {
				t.Errorf("the id %q is there twice", id)
			}
			ids[id] = true
		}
	}
	labels := make(map[string]bool)
	for _, label := range page.all("label") {
		labels[label.attribute("for")] = true
	}
	for d := range page.Descendants() {
		strictNode(t, node{d}, ids, labels)
	}
	policy := page.all("meta")[1]
	scripts := page.all("script")
	if len(scripts) != 2 || scripts[0].attribute("type") != "application/json" {
		t.Fatalf("%d scripts, want the data and the script", len(scripts))
	}
	want := "default-src 'none'; style-src " + sourceHash(page.all("style")[0].raw()) + "; script-src " + sourceHash(scripts[1].raw()) + ";"
	if policy.attribute("http-equiv") != "Content-Security-Policy" || !strings.HasPrefix(policy.attribute("content"), want) {
		t.Errorf("policy %q, want %q", policy.attribute("content"), want)
	}
	if html := page.all("html")[0]; html.attribute("lang") != "en" || len(page.all("h1")) != 1 || len(page.all("main")) != 1 {
		t.Error("no language, not one h1 or not one main")
	}
}

func strictNode(t *testing.T, n node, ids, labels map[string]bool) {
	t.Helper()
	for _, a := range n.Attr {
		switch {
		case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src":
			t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
		case a.Key == "href" && !ids[strings.TrimPrefix(a.Val, "#")], a.Key == "aria-labelledby" && !ids[a.Val], a.Key == "aria-describedby" && !ids[a.Val]:
			t.Errorf("<%s %s=%q> leads nowhere", n.Data, a.Key, a.Val)
		}
	}
	switch n.Data {
	case "input", "select":
		if n.Type == html.ElementNode && !labels[n.attribute("id")] {
			t.Errorf("<%s id=%q> has no label", n.Data, n.attribute("id"))
		}
	case "th":
		if n.Type == html.ElementNode && n.attribute("scope") == "" {
			t.Errorf("<th> of %q without a scope", n.text())
		}
	}
}

// What is copied from a page into a zone is what the zone takes: its own escapes are
// left as they are, and a backslash is spelt so that none of the report's is needed.
func TestPageLeavesZoneTextAlone(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	w.Results[1].Verdict.Decisions[0].Fix = reporttest.Fix(t, "policy.example", `\x1b\u{202e}`, "ca.example")
	w.Results[1].Verdict.Records = reporttest.Issuemail(t, "policy.example", `\x1b\u{202e}`)
	page := pageOf(t, w)
	want := `policy.example. IN CAA 0 issuemail "\092x1b\092u{202e}"` + "\n" + `policy.example. IN CAA 0 issuemail "ca.example"` + "\n"
	if got := page.id(t, "fix-0-0").all("pre")[1].raw(); got != want {
		t.Errorf("to publish:\n%s\nwant\n%s", got, want)
	}
	var data struct{ Fixes []map[int]string }
	if err := json.Unmarshal([]byte(page.id(t, "data").raw()), &data); err != nil || data.Fixes[0][0]+"\n" != want {
		t.Errorf("data: %v, %v, want %q", data.Fixes, err, want)
	}
}

// hostileWorld has a text in every place that somebody else can write to.
func hostileWorld(t testing.TB, text string) reporttest.World {
	t.Helper()
	w := reporttest.NewWorld(t, "Old", "New")
	w.Layout.Issuers = []string{"Old" + text, "New" + text}
	set := caa.RRset{Owner: text + ".example"}
	p, err := caa.NewProperty(0, "issuemail", text)
	if err != nil {
		t.Fatal(err)
	}
	set.Properties = []caa.Property{p}
	v := w.Results[1].Verdict
	v.Records, v.Resolver, v.Warnings = set, text, scan.Warnings()
	sentence := strings.ReplaceAll(text, "\x00", "") // which scan.Sentence has only in place of the domain
	v.Decisions[0].Detail = scan.Sentence(sentence + "\x00" + sentence)
	v.Decisions[0].Fix = &scan.Fix{
		Present: set, Set: append(slices.Clone(reporttest.Issuemail(t, "x", "ca.example").Properties), p), TTL: 1,
		Notes: []string{text}, Ask: text, Contacts: []string{text, "javascript:" + text},
	}
	w.Run.InputName, w.Run.InputSHA256, w.Run.InputColumn, w.Run.Settings, w.Run.Version = text, text, text, text, text
	w.Run.Resolvers, w.Run.ZoneFiles, w.Run.Notes = []string{text}, []string{text}, []string{text}
	w.Run.Issuers[0].Label, w.Run.Issuers[1].Label = "Old"+text, "New"+text
	return w
}

// hostilePage is what an element, a comment, an attribute, a string of a script and a
// line of text could be ended or turned around with.
const hostilePage = "</script><script>pwned()</script><img src=x onerror=pwned()><!-- --> ]]> \" ' ` ${1} {{.}} &lt; &#60; \u2028\u2029\u202e\u2066\x00\x1b\xff</title></style></pre></textarea>"

// Whatever the text is, the page has the same elements, and no character that acts.
func TestPageTakesHostileText(t *testing.T) {
	page := hostileWorld(t, hostilePage).Bytes(t, New)
	if diff := cmp.Diff(skeleton(t, hostileWorld(t, "x.y").Bytes(t, New)), skeleton(t, page)); diff != "" {
		t.Errorf("elements (-harmless +hostile):\n%s", diff)
	}
	if !utf8.Valid(page) {
		t.Error("not UTF-8")
	}
	for i, r := range string(page) {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			t.Fatalf("%U stands at %d: %q", r, i, page[max(0, i-60):i])
		}
	}
	const shown = "</script><script>pwned()</script><img src=x onerror=pwned()><!-- --> ]]> \" ' ` ${1} {{.}} &lt; &#60;"
	root := parsePage(t, page)
	if n := strings.Count(root.all("body")[0].text(), shown); n < 20 {
		t.Errorf("the text is shown %d times, want it in every place", n)
	}
	var data struct{ Labels []string }
	if err := json.Unmarshal([]byte(root.id(t, "data").raw()), &data); err != nil {
		t.Fatal(err)
	}
	if want := `Old` + plain(hostilePage); data.Labels[0] != want {
		t.Errorf("label %q, want %q", data.Labels[0], want)
	}
}

// skeleton is a page without its text: the elements, and the names of their attributes.
func skeleton(t testing.TB, page []byte) []string {
	var tags []string
	for d := range parsePage(t, page).Descendants() {
		if d.Type == html.TextNode {
			continue
		}
		tag := fmt.Sprint(d.Type, " ", d.Data)
		if d.Type == html.CommentNode {
			tag = "comment"
		}
		for _, a := range d.Attr {
			tag += " " + a.Key
		}
		tags = append(tags, tag)
	}
	return tags
}

// The data, by hand.
func TestPageData(t *testing.T) {
	w := reporttest.NewWorld(t, "Old", "New")
	w.Results[3].Verdict.Decisions[0].Detail = "\x00 is bogus."
	got := pageOf(t, w).id(t, "data").raw()
	want := `{"labels":["Old","New"],` +
		`"reasons":{"dnssec-bogus":{"status":"lookup-failed","advice":"` + scan.Reason(snapshot.DNSSECBogus).Advice() + `"},` +
		`"issuer-listed":{"status":"permitted"},` +
		`"issuer-not-listed":{"status":"denied","advice":"` + scan.Reason(caa.IssuerNotListed).Advice() + `"},` +
		`"no-caa":{"status":"permitted"}},` +
		`"warnings":{"idn-mapped":"` + scan.IDNMapped.Meaning() + `","inherited":"` + scan.Inherited.Meaning() + `"},` +
		`"symbols":{"denied":"✕","lookup-failed":"?","permitted":"✓"},"cards":500,` +
		`"domains":["open.example","bogus.example","mail.closed.example"],"rows":[2,1,1],"spelt":{"2":["idn-mapped"]},"readable":{},"of":[0,1,2],"outcomes":[` +
		`{"dnssec":"insecure","resolver":"192.0.2.53:53","decisions":[{"reason":"no-caa","detail":["No CAA records at open.example."]},{"reason":"no-caa","detail":["No CAA records at open.example."]}]},` +
		`{"dnssec":"bogus","onFailure":"ca-must-not-issue","decisions":[{"reason":"dnssec-bogus","detail":[""," is bogus."]},{"reason":"dnssec-bogus","detail":["The signatures do not hold."]}]},` +
		`{"found":"closed.example","owner":"policy.example","records":["0 issuemail \"other.example\"","0 issuemail \"=cmd|\\\"x\\\"\""],"dnssec":"secure","resolver":"192.0.2.53:53","warnings":["inherited"],` +
		`"decisions":[{"reason":"issuer-not-listed","detail":["Only other.example may issue, ca.example is not listed."],"fix":0},{"reason":"issuer-listed","detail":["other.example is listed."]}]}],` +
		`"fixes":[{"0":"policy.example. IN CAA 0 issuemail \"other.example\"\npolicy.example. IN CAA 0 issuemail \"ca.example\""},{}],"together":{},"groups":[]}`
	if diff := cmp.Diff(strings.Split(want, ","), strings.Split(got, ",")); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
}

// A page is bounded, and says where the rest is.
func TestPageLimits(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	closed := w.Results[1].Verdict
	for _, owner := range []string{"one.example", "two.example"} {
		v, o := closed, *closed.Outcome
		v.Domain, v.Outcome = reporttest.Name(t, owner), &o
		o.Records = reporttest.Issuemail(t, owner, "other.example")
		o.Decisions = []scan.Decision{{Status: scan.Denied, Reason: closed.Decisions[0].Reason, Fix: reporttest.Fix(t, owner, "other.example", "ca.example")}}
		w.Add(v, nil, owner)
	}
	page := pageWithin(t, w, pageLimits{domains: 4, lines: 1, fixes: 2, paper: 1, names: 0, text: 60, octets: 1 << 20})
	for _, want := range []string{
		"This page has the 4 domains with the most rows. The sheet Domains of the XLSX report has the other 1 too.",
		"Without JavaScript only the first 1 of 4 domains can be seen here.",
		"1 more name, which stops fewer rows, is not on this page.",
		"1 more name of this list is on the page, not on paper.",
		"1 more record is too long for this page; the CSV report has all of them.",
		"This set of 2 records is too long for this page. Take it from caa_fix in the CSV report.",
		"1 row and 1 domain unblocked: 1 more.",
	} {
		if !strings.Contains(page.text(), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := len(page.id(t, "table").lines()); n != 2 {
		t.Errorf("%d lines in the table, want the header and one", n)
	}
	var data struct{ Domains []string }
	if err := json.Unmarshal([]byte(page.id(t, "data").raw()), &data); err != nil || len(data.Domains) != 4 {
		t.Errorf("data of %v, want 4 domains: %v", data.Domains, err)
	}
}

func TestPageIsTheSameAgain(t *testing.T) {
	if first, second := reporttest.NewWorld(t, "Old", "New"), reporttest.NewWorld(t, "Old", "New"); !bytes.Equal(first.Bytes(t, New), second.Bytes(t, New)) {
		t.Error("the same run has given two pages")
	}
}

// With --only the other reports have not all rows, so the page must not send people
// there for them.
func TestPagePromisesNothingOfOtherRows(t *testing.T) {
	page := pageOf(t, reporttest.NewWorld(t, "ca.example")).text()
	if want := "Every distinct domain once. 2 rows hold no domain and are not here."; !strings.Contains(page, want) || strings.Contains(page, "have all rows") {
		t.Errorf("the page does not say %q, or speaks of all rows", want)
	}
	if want := "each name whose CAA records stop it, for each CA those that stop the most rows first."; !strings.Contains(page, want) {
		t.Errorf("the page does not say %q", want)
	}
}

func TestPageOfNothing(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	w.Results, w.Run = nil, report.Run{}
	page := pageOf(t, w)
	for _, want := range []string{"0 rows with 0 distinct domains", "Nothing is denied.", "No row holds a domain."} {
		if !strings.Contains(page.text(), want) {
			t.Errorf("an empty page does not say %q", want)
		}
	}
}

func TestPageErrors(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	h, err := New(failingWriter{}, w.Layout)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(w.Overview()); !errors.Is(err, errFull) {
		t.Errorf("Close: %v, want that the disk is full", err)
	}
	if err := h.Write(w.Results[0]); !errors.Is(err, report.ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
	if err := h.Close(w.Overview()); !errors.Is(err, report.ErrClosed) {
		t.Errorf("Close after Close: %v", err)
	}
	if h, err = New(new(bytes.Buffer), w.Layout); err != nil {
		t.Fatal(err)
	}
	if err := h.Write(scan.Result{Row: scan.Row{Cells: make([]string, 4)}, Verdict: w.Results[0].Verdict}); err == nil {
		t.Error("a row with more cells than the header was taken")
	}
	if err := h.Close(w.Overview()); err == nil {
		t.Error("a page was made although a row was refused")
	}
}

var errFull = errors.New("the disk is full")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errFull }

// TestShare: what is rounded is not taken for nothing or for all.
func TestShare(t *testing.T) {
	for _, test := range []struct {
		part, all int
		want      string
	}{
		{0, 100_000, "0.0%"},
		{7, 100_000, "<0.1%"},
		{50, 100_000, "0.1%"},
		{1, 3, "33.3%"},
		{99_949, 100_000, "99.9%"},
		{99_950, 100_000, ">99.9%"},
		{99_999, 100_000, ">99.9%"},
		{100_000, 100_000, "100.0%"},
		{0, 0, "0.0%"},
	} {
		if got := share(test.part, test.all); got != test.want {
			t.Errorf("%d of %d: %s, want %s", test.part, test.all, got, test.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 12345: "12,345", 1234567: "1,234,567"} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %q, want %q", n, got, want)
		}
	}
}

// asRead is what a page says, in the order in which it is read: a line for each
// heading, paragraph, row of a table or item of a list.
func asRead(page node) string {
	var b strings.Builder
	var read func(n node)
	read = func(n node) {
		for c := range n.ChildNodes() {
			e := node{c}
			switch {
			case c.Type != html.ElementNode, has(e, "hidden"), c.Data == "script", c.Data == "style":
			case slices.Contains([]string{"title", "h1", "h2", "h3", "h4", "h5", "p", "a", "caption", "dt", "dd", "li"}, c.Data) && len(e.all("p")) == 0:
				fmt.Fprintf(&b, "%s: %s\n", c.Data, e.text())
			case c.Data == "pre":
				fmt.Fprintf(&b, "pre:\n%s", e.raw())
			case c.Data == "tr":
				fmt.Fprintf(&b, "tr: %s\n", strings.Join(cellsOf(e), " | "))
			default:
				read(e)
			}
		}
	}
	read(page)
	return b.String()
}

// TestPageOfLongSets: as many domains as their records leave room for, and no domain that
// shares those of another takes any.
func TestPageOfLongSets(t *testing.T) {
	w := reporttest.NewWorld(t, "ca.example")
	shares := w.Results[1].Verdict // with its Outcome
	shares.Domain = reporttest.Name(t, "xmail.closed.example")
	w.Add(shares, nil, "x@xmail.closed.example")
	limits := mostOnPage()
	for octets, want := range map[int]int{0: 2, 199: 4} { // two have no records, and two together less than 200 octets
		limits.octets = octets
		page := pageWithin(t, w, limits)
		if got := len(page.id(t, "table").lines()) - 1; got != want {
			t.Errorf("%d domains within %d octets, want %d", got, octets, want)
		}
		if cut := strings.Contains(page.id(t, "domains").text(), "This page has the 2 domains with the most rows."); cut != (want < 4) {
			t.Errorf("of %d domains the page says that there are more: %t", want, cut)
		}
	}
}

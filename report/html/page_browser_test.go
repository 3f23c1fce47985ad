//go:build servers

package html

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"caascan/report"
	"caascan/report/reporttest"
	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/snapshot"
)

// listWorld has so many domains in which three things can be told apart: every tenth
// is denied, by records of its own; every tenth after it has failed; and the rows of
// each are more than those of the next hundred.
func listWorld(t testing.TB, domains int) reporttest.World {
	t.Helper()
	w := reporttest.NewWorld(t, "Old", "New")
	samples := w.Results
	w.Results = nil
	for i := range domains {
		sample := samples[0].Verdict
		switch i % 10 {
		case 1:
			sample = samples[1].Verdict
		case 2:
			sample = samples[3].Verdict
		}
		sample.Domain = reporttest.Name(t, fmt.Sprintf("d%03d.example", i))
		for range 1 + (domains-i)/100 {
			w.Add(sample, nil, "x@"+sample.Domain.String())
		}
	}
	return w
}

// domains returns the domains that the table shows.
func (b *browser) domains() []string {
	b.t.Helper()
	return b.texts("#table tbody th")
}

// shows holds the table to its first and its last domain and to what is said of it.
func (b *browser) shows(what, first, last, said string) {
	b.t.Helper()
	all := append(b.domains(), "")
	if got := b.texts("#shown")[0]; all[0] != first || all[max(0, len(all)-2)] != last || got != said {
		b.t.Errorf("%s: %s to %s, %q, want %s to %s, %q", what, all[0], all[max(0, len(all)-2)], got, first, last, said)
	}
}

// quiet holds the page to one request, its own, and to no error.
func (b *browser) quiet() {
	b.t.Helper()
	if requests := b.event("Network.requestWillBeSent"); len(requests) != 1 {
		b.t.Errorf("%d requests, want only that of the page: %q", len(requests), requests)
	}
	for _, method := range []string{"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"} {
		for _, e := range b.event(method) {
			b.t.Errorf("%s: %s", method, e)
		}
	}
}

// By hand: 250 domains, the first 51 with 3 rows, the next 100 with 2; every tenth from
// d001 on is denied for Old and not for New, every tenth from d002 on has failed.
func TestBrowserFindsDomains(t *testing.T) {
	b := newBrowser(t)
	b.open(listWorld(t, 250).Bytes(t, New))
	b.shows("all", "d000.example", "d099.example", "250 domains, 452 rows. Lines 1 to 100 are shown.")

	b.eval(`document.getElementById("search").focus()`)
	b.write("D24")
	b.shows("a search", "d240.example", "d249.example", "10 of 250 domains, 10 rows.")
	b.write(" OTHER.example")
	b.shows("two words, one of them in the records", "d241.example", "d241.example", "1 of 250 domains, 1 row.")
	b.click("#reset")
	b.shows("again all", "d000.example", "d099.example", "250 domains, 452 rows. Lines 1 to 100 are shown.")

	b.choose("status-0", "denied")
	b.shows("denied for Old", "d001.example", "d241.example", "25 of 250 domains, 45 rows.")
	b.choose("status-1", "denied")
	b.shows("denied for both", "", "", "0 of 250 domains, 0 rows.")
	b.choose("status-1", "permitted")
	b.choose("warning", "inherited")
	b.shows("denied for Old alone", "d001.example", "d241.example", "25 of 250 domains, 45 rows.")
	b.choose("reason", "dnssec-bogus")
	b.shows("a reason that the others have", "", "", "0 of 250 domains, 0 rows.")
	b.click("#reset")

	b.click("[data-key=domain] button")
	b.shows("by name", "d000.example", "d099.example", "250 domains, 452 rows. Lines 1 to 100 are shown.")
	b.click("[data-key=domain] button")
	b.shows("by name, from the end", "d249.example", "d150.example", "250 domains, 452 rows. Lines 1 to 100 are shown.")
	b.click("[data-key='0'] button")
	b.shows("by the status for Old", "d000.example", "d125.example", "250 domains, 452 rows. Lines 1 to 100 are shown.")
	b.click("[data-page=final]")
	b.shows("what has failed comes last", "d001.example", "d242.example", "250 domains, 452 rows. Lines 201 to 250 are shown.")
	b.click("[data-page=previous]")
	b.choose("page", "17")
	b.shows("a page beyond the last", "d001.example", "d242.example", "250 domains, 452 rows. Lines 201 to 250 are shown.")
	b.click("[data-key=rows] button")
	b.shows("by rows", "d000.example", "d099.example", "250 domains, 452 rows. Lines 1 to 100 are shown.")
	b.quiet()
}

// What other places corroborate can be filtered and sorted by, and who does stands in full.
func TestBrowserFindsWhatIsCorroborated(t *testing.T) {
	b := newBrowser(t)
	b.open(reporttest.Placed(t, "Old", "New").Bytes(t, New))
	b.choose("corroborated", "no")
	b.shows("not corroborated", "open.example", "open.example", "1 of 3 domains, 2 rows.")
	b.choose("corroborated", "unknown")
	b.shows("unknown for New", "mail.closed.example", "mail.closed.example", "1 of 3 domains, 1 row.")
	b.click("button.open")
	if got := strings.Join(b.texts("#table .detail .facts dd"), "|"); !strings.Contains(got, "Old: not-applicable|New: unknown, by fra sin sao") {
		t.Errorf("in full: %s", got)
	}
	if got := b.texts("#table tbody tr:first-child td"); got[len(got)-1] != "Old: not-applicable, New: unknown" {
		t.Errorf("the line says %q", got)
	}
	b.click("#reset")
	b.click("[data-key=corroborated] button")
	b.shows("by what is corroborated", "open.example", "mail.closed.example", "3 domains, 4 rows.")
	b.click("[data-key=corroborated] button")
	b.shows("the other way", "mail.closed.example", "open.example", "3 domains, 4 rows.")
	b.quiet()
}

// A search takes what people have at hand: an address, and a name as they write it.
func TestBrowserFindsAddresses(t *testing.T) {
	b := newBrowser(t)
	w := reporttest.NewWorld(t, "Old", "New")
	w.Add(reporttest.Permitted(t, "xn--bcher-kva.example", 2), nil, "x@b\u00fccher.example")
	b.open(w.Bytes(t, New))
	const international = "xn--bcher-kva.example\nb\u00fccher.example" // as people read it too
	for _, test := range []struct{ search, found string }{
		{"Jane@open.example", "open.example"},
		{"<joe@mail.closed.example>,", "mail.closed.example"},
		{`"a@b"@bogus.example.`, "bogus.example"},
		{"b\u00fccher.example", international},
		{"x@B\u00dcCHER.example", international},
		{"b\u00fccher\u3002example", international},
		{"bcher-kva", international},
		{"B\u00dcCH", international},
		{"b\u00fcch no-caa", international},
		{"b\u00fccher.example no-caa", international},
		{"jane@elsewhere.example", "No domain is like that."},
		{"\u00fc^.example", "No domain is like that."},
		{"open.example@", "No domain is like that."},
	} {
		b.click("#reset")
		b.eval(`document.getElementById("search").focus()`)
		b.write(test.search)
		if found := b.texts("#table tbody tr > :first-child"); !slices.Equal(found, []string{test.found}) {
			t.Errorf("%q finds %q, want %q", test.search, found, test.found)
		}
	}
	b.quiet()
}

// A warning of the spelling of some rows is found, shown and sorted by with its domain.
func TestBrowserFindsWarningsOfRows(t *testing.T) {
	b := newBrowser(t)
	w := reporttest.NewWorld(t, "Old", "New")
	w.Results[2].Warnings = []scan.Warning{scan.BadALabel} // of open.example, which has two rows
	b.open(w.Bytes(t, New))
	b.choose("warning", "idn-mapped")
	b.shows("a warning", "mail.closed.example", "mail.closed.example", "1 of 3 domains, 1 row.")
	b.choose("warning", "bad-a-label")
	b.shows("another", "open.example", "open.example", "1 of 3 domains, 2 rows.")
	b.click("#reset")
	b.eval(`document.getElementById("search").focus()`)
	b.write("idn-mapped inherited closed")
	b.shows("a search", "mail.closed.example", "mail.closed.example", "1 of 3 domains, 1 row.")
	if cell := b.texts("#table tbody tr:first-child td:last-child"); cell[0] != "idn-mapped inherited" {
		t.Errorf("the warnings are %q", cell)
	}
	b.click("button.open")
	if said := b.texts("#table tr.detail")[0]; !strings.Contains(said, "idn-mapped: "+scan.IDNMapped.Meaning()) {
		t.Errorf("in full: %q", said)
	}
	b.click("#reset")
	b.click("[data-key=warnings] button")
	b.shows("by warning", "bogus.example", "mail.closed.example", "3 domains, 4 rows.")
	b.quiet()
}

// Everything is done without a mouse, and the focus stays where it is.
func TestBrowserByKeyboard(t *testing.T) {
	b := newBrowser(t)
	b.open(listWorld(t, 250).Bytes(t, New))
	focus := func(want string) {
		t.Helper()
		if got := b.eval(`(document.activeElement.id || document.activeElement.innerText || "").trim()`); got != want {
			t.Errorf("the focus is on %q, want %q", got, want)
		}
	}
	b.press("Tab")
	focus("Skip to the domains")
	b.press("Enter", "Tab")
	focus("search")
	b.write("d00")
	b.press("Tab", "ArrowDown", "ArrowDown") // permitted, denied
	focus("status-0")
	b.shows("a search and a status", "d001.example", "d001.example", "1 of 250 domains, 3 rows.")
	b.press("Tab", "Tab", "Tab", "Tab")
	focus("reset")
	b.press("Enter")
	focus("reset")
	b.press("Tab", "Tab") // the table can be scrolled
	focus("Domain")
	b.press("Enter", " ")
	focus("Domain")
	if sorted := b.eval(`JSON.stringify([...document.querySelectorAll("#table th[aria-sort]")].map((th) => th.innerText.trim() + " " + th.getAttribute("aria-sort")))`); sorted != `["Domain descending"]` {
		t.Errorf("sorted by %v", sorted)
	}
	b.press("Tab", "Tab", "Tab", "Tab", "Tab", "Tab")
	focus("d249.example")
	b.press("Enter")
	focus("d249.example")
	if detail := b.texts("#table tr.detail"); len(detail) != 1 || !strings.Contains(detail[0], "No CAA records at open.example.") {
		t.Errorf("in full: %q", detail)
	}
	b.press(" ")
	if detail := b.texts("#table tr.detail"); len(detail) != 0 {
		t.Errorf("still in full: %q", detail)
	}
	b.eval(`document.querySelector("[data-page=next]").focus()`)
	b.press("Enter", "Enter", "Enter")
	focus("Next")
	b.shows("the last page", "d049.example", "d000.example", "250 domains, 452 rows. Lines 201 to 250 are shown.")
	b.quiet()
}

// The links of the summary and of the fix list filter the table.
func TestBrowserFollowsLinks(t *testing.T) {
	b := newBrowser(t)
	b.open(listWorld(t, 250).Bytes(t, New))
	b.click("a[data-issuer='1'][data-status=lookup-failed]")
	b.shows("failed", "d002.example", "d242.example", "25 of 250 domains, 45 rows.")
	b.click("#fix-0-0 a[data-fix]")
	b.shows("what a fix is for", "d001.example", "d241.example", "25 of 250 domains, 45 rows.")
	if only := b.texts("#only"); only[0] != "Only the domains for which policy.example stops Old. Show others too" {
		t.Errorf("the page says %q", only)
	}
	b.click("#only button")
	b.shows("others too", "d000.example", "d099.example", "250 domains, 452 rows. Lines 1 to 100 are shown.")
	b.call("Browser.grantPermissions", map[string]any{"permissions": []string{"clipboardReadWrite", "clipboardSanitizedWrite"}}, nil)
	b.click("#fix-0-0 button.copy")
	const want = "policy.example. IN CAA 0 issuemail \"other.example\"\npolicy.example. IN CAA 0 issuemail \"ca.example\"\n"
	if selected := b.eval("getSelection().toString()"); strings.TrimSpace(fmt.Sprint(selected)) != strings.TrimSpace(want) {
		t.Errorf("selected %q, want %q", selected, want)
	}
	if copied := b.eval("navigator.clipboard.readText()"); copied != want {
		t.Errorf("copied %q, want %q", copied, want)
	}
	b.quiet()
}

// Both sets of a name that stops two CAs are copied by themselves, the button says
// so for a while however often it is used, and the table has them too.
func TestBrowserOffersOneSetForAll(t *testing.T) {
	b := newBrowser(t)
	b.open(reporttest.StopsBoth(t).Bytes(t, New))
	b.call("Browser.grantPermissions", map[string]any{"permissions": []string{"clipboardReadWrite", "clipboardSanitizedWrite"}}, nil)
	const other, ca, its = "policy.example. IN CAA 0 issuemail \"other.example\"\n", "policy.example. IN CAA 0 issuemail \"ca.example\"\n", "policy.example. IN CAA 0 issuemail \"new.example\"\n"
	for i, want := range []string{other + ca, other + ca + its} {
		b.eval(fmt.Sprintf(`document.querySelectorAll("#fix-0-0 button.copy")[%d].click()`, i))
		if copied := b.eval("navigator.clipboard.readText()"); copied != want {
			t.Errorf("copied %q, want %q", copied, want)
		}
	}
	b.eval(`window.setTimeout = (then) => (window.later ||= []).push(then)`)
	for range 2 {
		b.click("#fix-0-0 button.copy")
		b.eval("navigator.clipboard.readText()")
	}
	const word = `document.querySelector("#fix-0-0 button.copy").firstChild.data`
	if said := b.eval(word); said != "Copied" {
		t.Errorf("the button says %q", said)
	}
	if said := b.eval("later.forEach((then) => then()), " + word); said != "Copy" {
		t.Errorf("the button says %q for ever", said)
	}
	b.eval(`[...document.querySelectorAll("button.open")].find((button) => button.textContent === "mail.closed.example").click()`)
	if sets := b.texts("#table tr.detail pre"); !slices.Equal(sets, []string{strings.TrimSpace(other + ca), strings.TrimSpace(other + its), strings.TrimSpace(other + ca + its)}) {
		t.Errorf("the table has %q", sets)
	}
	said := b.texts("#table tr.detail")[0]
	for _, want := range []string{"The name stops New too. To let all", "The name stops Old too. To let all", "Old and New\nTo publish, for all of them:"} {
		if !strings.Contains(strings.ReplaceAll(said, "\n\n", "\n"), want) {
			t.Errorf("the table does not say %q: %q", want, said)
		}
	}
	b.quiet()
}

// A text that wants to be HTML, a script or another line stays the text that it is.
func TestBrowserShowsHostileText(t *testing.T) {
	b := newBrowser(t)
	w := hostileWorld(t, hostilePage)
	b.open(w.Bytes(t, New))
	b.eval(`[...document.querySelectorAll("button.open")].forEach((button) => button.click())`)
	b.click("#fix-0-0 a[data-fix]")
	if n := b.eval(`document.querySelectorAll("img, iframe, script:not(:last-of-type):not(#data)").length`); n != 0.0 {
		t.Errorf("%v elements have come from the text", n)
	}
	if kind := b.eval("typeof pwned"); kind != "undefined" {
		t.Error("a script has come from the text")
	}
	want := w.Results[1].Verdict.Records.Properties[0].String()
	if got := b.texts("#table tr.detail code"); !slices.Contains(got, want) {
		t.Errorf("the record is shown as %q, want %q", got, want)
	}
	sentence := plain(strings.ReplaceAll(hostilePage, "\x00", ""))
	detail := sentence + "mail.closed.example" + sentence
	if got := b.texts("#table tr.detail p"); !slices.ContainsFunc(got, func(p string) bool { return strings.HasSuffix(p, detail) }) {
		t.Errorf("the sentence is shown as %q, want %q", got, detail)
	}
	if got := b.texts("#only span")[0]; !strings.Contains(got, plain(hostilePage)+".example stops Old"+plain(hostilePage)) {
		t.Errorf("the page says %q", got)
	}
	b.quiet()
}

// The longest reason stands beside its mark or status, as the others do, wherever the
// page is as wide as it can be.
func TestBrowserKeepsReasonsInLine(t *testing.T) {
	for _, labels := range [][]string{{"ca.example"}, {"Old", "New"}} {
		b := newBrowser(t)
		w := reporttest.NewWorld(t, labels...)
		w.Results[1].Verdict.Decisions[0].Reason = scan.Reason(caa.MalformedIssuemail)
		w.Results[1].Verdict.Warnings = scan.Warnings() // which leave no room
		failed := w.Results[3].Verdict.Decisions
		for i := range failed {
			failed[i].Reason = scan.Reason(snapshot.MalformedReply)
		}
		b.open(w.Bytes(t, New))
		b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": false}, nil)
		if below := b.eval(`[...document.querySelectorAll(".counts th code, #table td code")].filter((code) => {
			const mark = code.parentElement.querySelector(".mark, .status");
			return mark && code.getBoundingClientRect().top > mark.getBoundingClientRect().bottom - 5;
		}).map((code) => code.textContent + " " + code.closest("table").className).join("; ")`); below != "" {
			t.Errorf("%d CAs: below their marks: %v", len(labels), below)
		}
	}
}

// A screen reader finds a name for everything that can be used.
func TestBrowserNamesControls(t *testing.T) {
	b := newBrowser(t)
	b.open(listWorld(t, 250).Bytes(t, New))
	type value struct{ Value any }
	var tree struct {
		Nodes []struct {
			Ignored    bool
			Role, Name value
			Properties []struct {
				Name  string
				Value value
			}
		}
	}
	b.call("Accessibility.getFullAXTree", nil, &tree)
	roles := make(map[any]int)
	for _, n := range tree.Nodes {
		for _, p := range n.Properties {
			if p.Name != "focusable" || p.Value.Value != true || n.Ignored {
				continue
			}
			roles[n.Role.Value]++
			if n.Name.Value == "" || n.Name.Value == nil {
				t.Errorf("a %v has no name", n.Role.Value)
			}
		}
	}
	for role, least := range map[any]int{"searchbox": 1, "combobox": 4, "spinbutton": 1, "button": 100, "link": 8, "region": 5} {
		if roles[role] < least {
			t.Errorf("%d of %v, want %d: %v", roles[role], role, least, roles)
		}
	}
}

// Text can be read on what is behind it, by day and by night: WCAG 2.2, 1.4.3.
func TestBrowserContrast(t *testing.T) {
	b := newBrowser(t)
	w := reporttest.NewWorld(t, "Old", "New")
	b.open(w.Bytes(t, New))
	b.eval(`[...document.querySelectorAll("button.open")].forEach((button) => button.click())`)
	backgrounds := make(map[any]bool)
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		backgrounds[b.eval("getComputedStyle(document.body).backgroundColor")] = true
		if poor := b.eval(contrast); poor != "" {
			t.Errorf("%s: %v", scheme, poor)
		}
	}
	if len(backgrounds) != 2 {
		t.Errorf("day and night look the same: %v", backgrounds)
	}
}

// contrast names the texts whose contrast is below 4.5.
const contrast = `(() => {
	const color = (text) => text.match(/[\d.]+/g).map(Number);
	const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = (e) => {
		for (; e; e = e.parentElement) {
			const c = color(getComputedStyle(e).backgroundColor);
			if (c.length < 4 || c[3] === 1) return c;
		}
		return [255, 255, 255];
	};
	const poor = [];
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walker.nextNode()) {
		const e = walker.currentNode.parentElement;
		if (!walker.currentNode.data.trim() || !e.checkVisibility() || e.closest("script, [aria-disabled=true]")) continue;
		const a = light(color(getComputedStyle(e).color)), b = light(behind(e));
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) poor.push(walker.currentNode.data.trim() + " " + ratio.toFixed(2));
	}
	return poor.join("; ");
})()`

// On paper there is what matters, and nothing that has to be clicked.
func TestBrowserPrints(t *testing.T) {
	b := newBrowser(t)
	b.open(listWorld(t, 250).Bytes(t, New))
	pdf := filepath.Join(t.TempDir(), "report.pdf")
	b.paper(pdf)
	text, err := exec.CommandContext(t.Context(), "pdftotext", "-layout", pdf, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"d000.example", "d249.example", "250 domains, 452 rows.", `policy.example. IN CAA 0 issuemail "ca.example"`, "neither Old nor New", "dnssec-bogus"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not on paper", want)
		}
	}
	for _, no := range []string{"Search", "Show all", "Copy", "Next", "Skip to", "Show these", "JavaScript"} {
		if strings.Contains(string(text), no) {
			t.Errorf("%q is on paper", no)
		}
	}
	b.shows("after the printing", "d000.example", "d099.example", "250 domains, 452 rows. Lines 1 to 100 are shown.")
}

// Without JavaScript the page is complete but for the rest of the domains.
func TestBrowserWithoutScript(t *testing.T) {
	b := newBrowser(t)
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.load(listWorld(t, 250).Bytes(t, New))
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": false}, nil)
	if all := b.domains(); len(all) != 100 || all[99] != "d099.example" {
		t.Errorf("%d domains are shown, want the first 100", len(all))
	}
	shown := b.texts("body")[0]
	if !strings.Contains(shown, "Without JavaScript only the first 100 of 250 domains can be seen here.") {
		t.Error("nothing is said of the others")
	}
	for _, no := range []string{"Show all", "Copy", "Show these domains", "Next"} {
		if strings.Contains(shown, no) {
			t.Errorf("%q is shown and does nothing", no)
		}
	}
}

// BenchmarkBrowser is what a browser makes of a page of 100,000 domains. Of the usual
// list one domain in twelve has records of its own; where every lookup has failed, or
// every domain has records, none share anything.
func BenchmarkBrowser(b *testing.B) {
	for _, test := range []struct {
		name string
		own  int // one in so many domains has an outcome of its own
	}{{"usual", 12}, {"nothing-shared", 1}} {
		b.Run(test.name, func(b *testing.B) {
			page := benchPage(b, test.own)
			for b.Loop() {
				measurePage(b, page)
			}
			b.ReportMetric(float64(len(page))/1e6, "MB")
		})
	}
}

func benchPage(b *testing.B, own int) []byte {
	var tally report.Tally
	open := reporttest.BenchOpen()
	for i := range 100_000 {
		v := reporttest.BenchVerdict(b, i*12/own, open)
		v.Domain, v.Number = reporttest.Name(b, fmt.Sprintf("mail.company%d.example", i)), i+1
		tally.Add(scan.Result{Verdict: v})
	}
	var page bytes.Buffer
	w, err := New(&page, report.Layout{Issuers: []string{"ca.example"}})
	if err != nil {
		b.Fatal(err)
	}
	if err := w.Close(report.NewOverview([]string{"ca.example"}, report.Run{}, &tally)); err != nil {
		b.Fatal(err)
	}
	return page.Bytes()
}

// measurePage reports what the steps of one reader took; cpu-ms is what the tab's
// thread had computed until the page was ready, however busy the machine is.
func measurePage(b *testing.B, page []byte) {
	tab := newBrowser(b)
	tab.call("Performance.enable", nil, nil)
	tab.open(page)
	var cost struct {
		Metrics []struct {
			Name  string
			Value float64
		}
	}
	tab.call("Performance.getMetrics", nil, &cost)
	for _, m := range cost.Metrics {
		if m.Name == "ThreadTime" {
			b.ReportMetric(1000*m.Value, "cpu-ms")
		}
	}
	for _, step := range []struct{ metric, expression string }{
		{"paint-ms", `performance.getEntriesByName("first-contentful-paint")[0].startTime`},
		{"ready-ms", `performance.now()`},
		{"search-ms", timed(`search.value = "company77 denied"; search.dispatchEvent(new Event("input", { bubbles: true }))`)},
		{"filter-ms", timed(`search.value = ""; const s = document.getElementById("status-0"); s.value = "denied"; s.dispatchEvent(new Event("input", { bubbles: true }))`)},
		{"sort-name-ms", timed(`document.querySelector("[data-key=domain] button").click()`)},
		{"sort-status-ms", timed(`document.querySelector("[data-key='0'] button").click()`)},
	} {
		ms, ok := tab.eval(step.expression).(float64)
		if !ok {
			b.Fatal(step.metric)
		}
		b.ReportMetric(ms, step.metric)
	}
}

// timed returns an expression that says how many milliseconds something takes until
// it is drawn.
func timed(what string) string {
	return `new Promise((done) => {
		const search = document.getElementById("search"), start = performance.now();
		` + what + `;
		document.body.offsetHeight;
		done(performance.now() - start);
	})`
}

// What changed can be filtered and sorted by.
func TestBrowserFindsChanges(t *testing.T) {
	b := newBrowser(t)
	b.open(reporttest.Compared(t, "Old", "New").Bytes(t, New))
	b.choose("change", "failed-now")
	b.shows("failed", "bogus.example", "bogus.example", "1 of 3 domains, 1 row.")
	b.choose("change", "")
	b.click(`#table th[data-key="change"] button`)
	if got, want := b.domains(), []string{"open.example", "bogus.example", "mail.closed.example"}; !slices.Equal(got, want) {
		t.Errorf("by change: %q, want %q", got, want)
	}
	b.click("#table tbody button.open")
	if got := b.eval(`document.querySelector("#table tr.detail td").colSpan`); fmt.Sprint(got) != "7" {
		t.Errorf("a domain in full spans %v columns, want 7", got)
	}
	b.quiet()
}

// A line of groups shows its domains, with the other controls, until others are asked for.
func TestBrowserShowsAGroup(t *testing.T) {
	b := newBrowser(t)
	b.open(reporttest.Grouped(t, "Old", "New").Bytes(t, New))
	b.click(`a[data-group="0-0"]`)
	b.shows("a group", "bogus.example", "mail.closed.example", "2 of 3 domains, 2 rows.")
	if got := b.texts("#only span")[0]; got != `Only the domains of =Biza\u{202e} (Customer: </td>\x1b).` {
		t.Errorf("it says %q", got)
	}
	b.choose("status-0", "denied")
	b.shows("of these what is denied", "mail.closed.example", "mail.closed.example", "1 of 3 domains, 1 row.")
	b.click("#only button")
	b.choose("status-0", "")
	b.shows("all again", "open.example", "mail.closed.example", "3 domains, 4 rows.")
	b.click(`a[data-group="0-2"]`)
	b.click("#reset")
	b.shows("after the reset", "open.example", "mail.closed.example", "3 domains, 4 rows.")
	b.quiet()
}

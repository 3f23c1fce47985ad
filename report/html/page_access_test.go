//go:build servers

package html

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"caascan/report/reporttest"
)

// widths are those of a phone and of a desk, in CSS pixels.
var widths = [...]int{390, 1280}

// TestBrowserAccessibility: axe-core, which knows the rules of WCAG 2.2 and good practices
// besides, finds nothing against a page, by day and by night, on a phone and on a desk.
// NODE_PATH says where it is installed (.ci/run does that).
func TestBrowserAccessibility(t *testing.T) {
	axe, err := os.ReadFile(filepath.Join(os.Getenv("NODE_PATH"), "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatalf("%v (is axe-core in NODE_PATH?)", err)
	}
	changed := reporttest.Compared(t, "Old", "New")
	changed.Layout.Header, changed.GroupBy = append(changed.Layout.Header, "Customer"), []string{"phone", "customer"}
	b := newBrowser(t)
	for name, w := range map[string]reporttest.World{"every row": changed, "one CA": reporttest.Grouped(t, "ca.example"), "many": listWorld(t, 250), "other places": reporttest.Placed(t, "Old", "New")} {
		b.open(w.Bytes(t, New))
		b.eval(`[...document.querySelectorAll("button.open")].slice(0, 5).forEach((button) => button.click())`)
		b.eval(`[...document.querySelectorAll("details")].slice(0, 5).forEach((details) => { details.open = true; })`)
		b.eval(string(axe) + ";0")
		for _, width := range widths {
			for _, scheme := range []string{"light", "dark"} {
				b.width(width)
				b.scheme(scheme)
				if found := fmt.Sprint(b.eval(violations)); found != "" {
					t.Errorf("%s, %s, %d pixels:\n%s", name, scheme, width, strings.ReplaceAll(found, "; ", "\n"))
				}
			}
		}
	}
}

// TestBrowserOnAPhone: nothing has to be pushed aside to see a status or a record.
func TestBrowserOnAPhone(t *testing.T) {
	b := newBrowser(t)
	w := reporttest.StopsBoth(t)
	long := &w.Results[1].Verdict.Outcome.Decisions[0].Fix
	*long = reporttest.Fix(t, "policy.example", strings.Repeat("long-name.", 20)+"example", "ca.example")
	w.Layout.Header, w.GroupBy = append(w.Layout.Header, "Customer"), []string{"customer"}
	b.width(widths[0])
	for _, world := range []reporttest.World{w, reporttest.Compared(t, "ca.example"), reporttest.Grouped(t, "Old", "New"), reporttest.Placed(t, "Old", "New")} {
		b.open(world.Bytes(t, New))
		b.eval(`[...document.querySelectorAll("button.open")].forEach((button) => button.click())`)
		if wide := b.eval(tooWide); wide != "" {
			t.Errorf("wider than the screen: %v", wide)
		}
		if shown := b.eval(`document.querySelectorAll("#table .status").length`); fmt.Sprint(shown) == "0" {
			t.Error("no status is shown")
		}
		// The rows of a table stay rows to a screen reader, although they are shown as cards.
		roles := b.roles()
		if roles["row"] < 10 || roles["rowheader"] < 5 || roles["cell"] < 20 || roles["columnheader"] < 5 {
			t.Errorf("the tables are none to a screen reader: %v", roles)
		}
	}
}

// tooWide names what reaches beyond the screen, or can be scrolled aside.
const tooWide = `(() => {
	const wide = [];
	for (const e of document.querySelectorAll("body *")) {
		if (!e.checkVisibility() || e.closest(".hidden, .skip, thead, caption .hidden")) continue;
		const box = e.getBoundingClientRect();
		if (box.right > innerWidth + 1 || e.tagName === "PRE" && e.scrollWidth > e.clientWidth) wide.push(e.tagName + "." + e.className + "#" + e.id + " " + Math.round(box.right));
	}
	if (document.documentElement.scrollWidth > innerWidth) wide.push("the page " + document.documentElement.scrollWidth);
	return wide.slice(0, 10).join("; ");
})()`

// violations lists what axe-core has found: the rule, and where.
const violations = `axe.run(document, { resultTypes: ["violations"] }).then((result) =>
	result.violations.map((v) => v.id + ": " + v.help + " at " + v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " " + n.failureSummary.replaceAll("\n", " ")).join(" | ")).join("; "))`

//go:build servers

package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"caascan/scan"
)

// TestPictures is for people: REPORT_PAGE is a page, REPORT_PICTURES the directory.
func TestPictures(t *testing.T) {
	page, err := os.ReadFile(os.Getenv("REPORT_PAGE"))
	if err != nil {
		t.Skip("no REPORT_PAGE to draw")
	}
	dir := os.Getenv("REPORT_PICTURES")
	b := newBrowser(t)
	start := time.Now()
	b.open(page)
	t.Log("open", time.Since(start))
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		for _, part := range []string{"summary", "fixes", "domains", "run"} {
			b.eval(`document.getElementById("` + part + `").scrollIntoView()`)
			b.picture(filepath.Join(dir, scheme+"-"+part+".png"), 1280, 1500)
		}
	}
	t.Log("pictures", time.Since(start))
	b.paper(filepath.Join(dir, "paper.pdf"))
	t.Log("paper", time.Since(start))
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
	var tally Tally
	open := benchOpen()
	for i := range 100_000 {
		v := benchVerdict(b, i*12/own, open)
		v.Domain, v.Number = name(b, fmt.Sprintf("mail.company%d.example", i)), i+1
		tally.Add(scan.Result{Verdict: v})
	}
	var page bytes.Buffer
	w, err := New(HTML, &page, Layout{Issuers: []string{"ca.example"}})
	if err != nil {
		b.Fatal(err)
	}
	if err := w.Close(Run{}, &tally); err != nil {
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

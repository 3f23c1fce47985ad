// Package html writes a report as one page for a browser, which needs no other file and no
// network. Text from outside is text in it and never a part of the page.
package html

import (
	"bufio"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	htmltemplate "html/template"
	"io"
	"strings"

	"caascan/report"
	"caascan/scan"
)

// pageFiles are what a page is made of. They are in it, so that it needs nothing else.
//
//go:embed page.css page.js page.tmpl
var pageFiles embed.FS

// pageLimits bound a page, whatever a list is like and whatever the DNS holds.
type pageLimits struct {
	domains int // in the table and its data
	lines   int // of the table without JavaScript
	fixes   int // of each CA in the fix list
	paper   int // of those, in print
	names   int // of domains beside a fix
	text    int // octets of a set of records
	groups  int // lines of each column that rows are grouped by
	members int // domains of all these lines together, for the script
	places  int // domains whose answers differ by place
	octets  int // of the records of all domains that do not share them
}

// mostOnPage: 100,000 domains, one in twelve of which has records of its own, make a
// page of 8 MB, and 56 MB if each has (BenchmarkBrowser). As many fixes are more
// than anybody reads; all are in the workbook.
func mostOnPage() pageLimits {
	return pageLimits{domains: 100_000, lines: 100, fixes: 500, paper: 50, names: 12, text: 16 << 10, groups: 200, members: 200_000, places: 500, octets: 100 << 20}
}

// htmlWriter writes a report as one HTML page, for people and not for programs: what
// the rows come to, what to publish, and every distinct domain. All of it is in the
// tally, so Write has nothing to keep.
type htmlWriter struct {
	out    io.Writer
	table  *report.Table
	page   *htmltemplate.Template
	limits pageLimits

	perspectives []string // the names of other places

	err error // of Write; errClosed after Close
}

// New returns a Writer of a page.
func New(w io.Writer, layout report.Layout) (report.Writer, error) {
	return newHTML(w, layout, mostOnPage())
}

func newHTML(w io.Writer, layout report.Layout, limits pageLimits) (*htmlWriter, error) {
	t, err := report.NewTable(layout)
	if err != nil {
		return nil, err
	}
	page, err := htmltemplate.New("page").Funcs(pageWords()).ParseFS(pageFiles, "page.tmpl")
	if err != nil {
		return nil, err
	}
	return &htmlWriter{out: w, table: t, page: page, limits: limits, perspectives: layout.Perspectives}, nil
}

// Write takes a row into the page. After an error it returns that error again.
func (h *htmlWriter) Write(r scan.Result) error {
	if h.err == nil {
		h.err = h.table.Check(r)
	}
	return h.err
}

// atOnce is about how many octets are written at a time.
const atOnce = 64 << 10

// Close writes the page. Its data are between two templates, because they are too
// long to be held as one text.
func (h *htmlWriter) Close(o *report.Overview) error {
	err := h.err
	h.err = report.ErrClosed
	if err != nil {
		return err
	}
	style, err := pageFile("page.css")
	if err != nil {
		return err
	}
	script, err := pageFile("page.js")
	if err != nil {
		return err
	}
	v := h.view(o)
	v.Style, v.Script, v.Policy = htmltemplate.CSS(style), htmltemplate.JS(script), policy(style, script)
	out := bufio.NewWriterSize(h.out, atOnce)
	if err := h.page.ExecuteTemplate(out, "page", v); err != nil {
		return err
	}
	if err := v.writeData(out); err != nil {
		return err
	}
	if err := h.page.ExecuteTemplate(out, "end", v); err != nil {
		return err
	}
	return out.Flush()
}

// pageFile returns a file with the line ends that a browser reads, whatever a checkout
// has made of them: the policy has a hash of it.
func pageFile(name string) (string, error) {
	text, err := pageFiles.ReadFile(name)
	return strings.ReplaceAll(string(text), "\r\n", "\n"), err
}

// policy lets a page have its own style and script, and nothing else: no other code,
// no request, and no text that is read as HTML.
func policy(style, script string) string {
	return "default-src 'none'; style-src " + sourceHash(style) + "; script-src " + sourceHash(script) +
		"; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

func sourceHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

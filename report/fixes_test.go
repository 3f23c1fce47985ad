package report_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/report/reporttest"
	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
	"caascan/scan/zone"
)

// answer is a name of a climb, the owner of the records there, and these as RDATA.
type answer struct {
	name, owner string
	properties  []caa.Property
}

func cas(t testing.TB, texts ...string) (list []caa.Issuer) {
	t.Helper()
	for _, text := range texts {
		issuer, err := caa.ParseIssuer(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, issuer)
	}
	return list
}

func property(t testing.TB, flags uint8, tag, value string) caa.Property {
	t.Helper()
	p, err := caa.NewProperty(flags, tag, value)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tallyOf counts a row for each answer.
func tallyOf(t testing.TB, issuers []caa.Issuer, answers ...answer) *report.Tally {
	t.Helper()
	var store snapshot.Store
	for _, a := range answers {
		o := snapshot.Observation{Name: reporttest.Name(t, a.name), Records: caa.RRset{Owner: a.owner, Properties: a.properties}, TTL: 60, Transport: snapshot.Zone}
		if a.owner != a.name {
			o.Aliases = []string{a.owner}
		}
		store.Put(o)
	}
	scanner := scan.New(scan.Config{Issuers: issuers, Store: &store})
	tally := &report.Tally{Outcome: scanner.Outcome}
	for i, a := range answers {
		tally.Add(scan.Result{Row: scan.Row{Number: i + 2}, Verdict: scanner.Verdict(reporttest.Name(t, a.name))})
	}
	return tally
}

// zoneFile returns what is written for some CAs.
func zoneFile(t testing.TB, tally *report.Tally, all []caa.Issuer, issuers ...int) string {
	t.Helper()
	return fixesAs(t, report.ZoneFixes, tally, all, issuers...)
}

// fixesAs returns what is written in a form.
func fixesAs(t testing.TB, form report.FixFormat, tally *report.Tally, all []caa.Issuer, issuers ...int) string {
	t.Helper()
	var out strings.Builder
	w := report.NewFixes(&out, form, issuers...)
	if err := w.Close(report.NewOverview(nil, report.Run{Issuers: all}, tally)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(report.NewOverview(nil, report.Run{Issuers: all}, tally)); !errors.Is(err, report.ErrClosed) {
		t.Errorf("a second Close: %v", err)
	}
	return out.String()
}

// TestFixesAsAZoneFile is what people read.
func TestFixesAsAZoneFile(t *testing.T) {
	all := cas(t, "Old=old.test", "New=new.test")
	tally := tallyOf(t, all,
		answer{"corp.com", "corp.com", []caa.Property{property(t, 0, "issuemail", "old.test"), property(t, 0, "iodef", "mailto:x\n@corp.com")}},
		answer{"a.net", "$p\\;x.cdn.net", []caa.Property{property(t, 0, "issuemail", ";"), property(t, 128, "tbs", "\r\nevil. A 192.0.2.1")}},
		answer{"b.net", "$p\\;x.cdn.net", []caa.Property{property(t, 0, "issuemail", ";"), property(t, 128, "tbs", "\r\nevil. A 192.0.2.1")}},
		answer{"new.org", "new.org", []caa.Property{property(t, 0, "issuemail", "new.test")}},
	)
	const want = `; CAA records to publish so that Old, New may issue S/MIME certificates: 3 names.
; Each set is whole: it takes the place of all CAA records of its name.
; To try it first: caascan scan ... --overlay THIS-FILE
; If the present records come from a wildcard (*.example), a name that gets records of its own, the names
; below it and those between it and the wildcard lose all that the wildcard gave them, its MX and its CAA
; records too: write these beside the new ones, or change the records of the wildcard instead.

; $p\;x.cdn.net denies Old, New: 2 rows, 2 domains
; Who: ask whoever runs cdn.net
; Note: 0 issuemail ";" stays: alone it forbids every CA, and beside a record that names one it does nothing. Ask whether that is meant.
; Note: Check with whoever set it: 128 tbs "\013\010evil. A 192.0.2.1" is marked critical and has a tag that CAs do not know, so none may issue. It stays, without the mark.
\$p\;x.cdn.net. IN CAA 0 issuemail ";"
\$p\;x.cdn.net. IN CAA 0 tbs "\013\010evil. A 192.0.2.1"
\$p\;x.cdn.net. IN CAA 0 issuemail "old.test"
\$p\;x.cdn.net. IN CAA 0 issuemail "new.test"

; corp.com denies New: 1 row, 1 domain
; Contact: mailto:x\010@corp.com
corp.com. IN CAA 0 issuemail "old.test"
corp.com. IN CAA 0 iodef "mailto:x\010@corp.com"
corp.com. IN CAA 0 issuemail "new.test"

; new.org denies Old: 1 row, 1 domain
new.org. IN CAA 0 issuemail "new.test"
new.org. IN CAA 0 issuemail "old.test"
`
	if diff := cmp.Diff(want, zoneFile(t, tally, all, 0, 1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	only := zoneFile(t, tally, all, 1)
	if strings.Contains(only, "new.org") || strings.Contains(only, `"old.test"`+"\n\\$p") || strings.Contains(only, `net. IN CAA 0 issuemail "old.test"`) {
		t.Errorf("New's alone has what others need:\n%s", only)
	}
	wild := tallyOf(t, all, answer{"a.net", "*.cdn.net", []caa.Property{property(t, 0, "issuemail", ";")}})
	if text := zoneFile(t, wild, all, 1); !strings.Contains(text, "\n; *.cdn.net. IN CAA 0 issuemail \"new.test\"\n") || strings.Contains(text, "\n*") {
		t.Errorf("an alias that leads to a wildcard itself:\n%s", text)
	}
	if none := zoneFile(t, new(report.Tally), all, 0); strings.Count(none, "\n") != 6 || !strings.Contains(none, ": 0 names.") {
		t.Errorf("nothing to fix:\n%s", none)
	}
}

// TestANameThatAnsweredWithSeveralSets: whichever is published, none of the CAs loses
// what it had. By hand, with old.test listed at first, then nobody, then third.test.
func TestANameThatAnsweredWithSeveralSets(t *testing.T) {
	all := cas(t, "Old=old.test", "New=new.test", "Third=third.test")
	sets := [][]caa.Property{
		{property(t, 0, "issuemail", "old.test"), property(t, 0, "tbs", "y")},
		{property(t, 128, "tbs", "x")},
		{property(t, 0, "issuemail", "third.test")},
	}
	tally := tallyOf(t, all,
		answer{"a.com", "p.net", sets[0]}, answer{"b.com", "p.net", sets[1]}, answer{"c.com", "p.net", sets[2]}, answer{"p.net", "p.net", sets[0]})
	fixes := slices.Collect(tally.Fixes(1).All())
	if len(fixes) != 1 || fixes[0].Count != (report.Count{Rows: 4, Domains: 4}) || fixes[0].Ask != "p.net" {
		t.Fatalf("Fixes(1) = %+v", fixes)
	}
	fix := fixes[0]
	want := []caa.Property{
		sets[0][0], sets[0][1], // what it was at first, in its order
		property(t, 0, "tbs", "x"), sets[2][0],
		property(t, 0, "issuemail", "new.test"),
	}
	for _, p := range want {
		if !slices.Contains(fix.Set, p) {
			t.Errorf("%s is missing", p)
		}
	}
	for _, p := range fix.Set {
		if !slices.Contains(want, p) {
			t.Errorf("%s is too much", p)
		}
	}
	if last := fix.Notes[len(fix.Notes)-1]; !strings.Contains(last, "different records") {
		t.Errorf("nothing is said of the sets: %q", fix.Notes)
	}
	if len(fix.Present.Properties) != 4 {
		t.Errorf("present: %v, want all that was met", fix.Present.Properties)
	}
}

// TestNoCAOfTheScanLosesByAFix, whatever sets a name had: arbitrary ones of few records.
func TestNoCAOfTheScanLosesByAFix(t *testing.T) {
	all := cas(t, "Old=old.test", "New=new.test", "Third=third.test")
	pool := []caa.Property{
		property(t, 0, "issuemail", "old.test"), property(t, 0, "issuemail", "new.test"), property(t, 0, "issuemail", "third.test"),
		property(t, 0, "issuemail", ";"), property(t, 0, "issue", ";"), property(t, 128, "tbs", "x"),
	}
	// Each of the 63 sets beside each, for each CA.
	for a := 1; a < 1<<len(pool); a++ {
		for b := 1; b < 1<<len(pool); b++ {
			sets := [2][]caa.Property{pickBits(pool, a), pickBits(pool, b)}
			tally := tallyOf(t, all, answer{"a.com", "p.net", sets[0]}, answer{"b.com", "p.net", sets[1]})
			for asked := range all {
				for fix := range tally.Fixes(asked).All() {
					for i, issuer := range all {
						had := slices.ContainsFunc(sets[:], func(set []caa.Property) bool {
							return caa.RRset{Properties: set}.Decide(issuer).Status == caa.Permitted
						})
						now := caa.RRset{Properties: fix.Set}.Decide(issuer)
						if (had || i == asked) && now.Status != caa.Permitted {
							t.Fatalf("%v and %v: the fix for %s, %v, denies %s: %s", sets[0], sets[1], all[asked].Label, fix.Set, issuer.Label, now.Reason)
						}
					}
				}
			}
		}
	}
}

func pickBits(pool []caa.Property, bits int) (set []caa.Property) {
	for i, p := range pool {
		if bits>>i&1 == 1 {
			set = append(set, p)
		}
	}
	return set
}

// TestARowBlockedForSeveralCAsCountsOnce.
func TestARowBlockedForSeveralCAsCountsOnce(t *testing.T) {
	all := cas(t, "Old=old.test", "New=new.test")
	deny := []caa.Property{property(t, 0, "issuemail", ";")}
	tally := tallyOf(t, all, answer{"a.com", "a.com", deny}, answer{"b.com", "b.com", []caa.Property{property(t, 0, "issuemail", "new.test")}})
	fixes := slices.Collect(tally.Fixes(1, 0).All()) // in whatever order
	if len(fixes) != 2 || fixes[0].Count != (report.Count{Rows: 1, Domains: 1}) || fixes[1].Count != (report.Count{Rows: 1, Domains: 1}) {
		t.Fatalf("Fixes(0, 1) = %+v", fixes)
	}
	if diff := cmp.Diff([][]int{{0, 1}, {0}}, [][]int{fixes[0].Issuers, fixes[1].Issuers}); diff != "" {
		t.Errorf("Issuers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]domain.Name{reporttest.Name(t, "b.com")}, fixes[1].Domains, cmp.AllowUnexported(domain.Name{})); diff != "" {
		t.Errorf("Domains (-want +got):\n%s", diff)
	}
}

// deniedBy has one domain that is denied at a name with these labels, which has an odd
// record too; the tally is nil if there cannot be such a name, record or label of a CA.
func deniedBy(t *testing.T, labels, tag, value string, flags uint8, label string) ([]caa.Issuer, *report.Tally) {
	odd, err := caa.NewProperty(flags, tag, value)
	if err != nil {
		return nil, nil
	}
	issuer, err := caa.ParseIssuer(label + "=new.test")
	owner := ownerOf(labels)
	if err != nil || owner == "" {
		return nil, nil
	}
	all := []caa.Issuer{issuer}
	return all, tallyOf(t, all, answer{"a.com", owner, []caa.Property{odd, property(t, 0, "issuemail", ";")}})
}

// FuzzFixesFile: whatever octets a name, a record, a contact or a label has, what is
// written holds exactly the sets it should, and nothing else.
func FuzzFixesFile(f *testing.F) {
	f.Add("\x01a\x02$b", "issuemail", ";", uint8(0), "ca")
	f.Add("\x05a.b;c\x03\"\\\n", "iodef", "mailto:x\n. A 192.0.2.1\r\"", uint8(128), "c\u2028a")
	f.Add("\x01@\x01 ", "t\n(", "\x00\xff", uint8(128), "c;a")
	f.Add("\x01.", "tbs", "x", uint8(255), "c\"a")
	f.Fuzz(func(t *testing.T, labels, tag, value string, flags uint8, label string) {
		all, tally := deniedBy(t, labels, tag, value, flags, label)
		if tally == nil {
			return
		}
		owner := ownerOf(labels)
		text := zoneFile(t, tally, all, 0)
		fixes := slices.Collect(tally.Fixes(0).All())
		got, err := zone.ParseOverlay(strings.NewReader(text), "fixes.zone")
		if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		if got.Len() != len(fixes) {
			t.Fatalf("%d sets, want %d:\n%s", got.Len(), len(fixes), text)
		}
		for _, fix := range fixes {
			set, _ := got.Find(owner)
			want := slices.Clone(fix.Set)
			slices.SortFunc(want, func(a, b caa.Property) int { return strings.Compare(a.RDATA(), b.RDATA()) })
			if !slices.Equal(set.Properties, want) {
				t.Fatalf("%v at %s, want %v:\n%s", set.Properties, owner, want, text)
			}
		}
	})
}

// ownerOf returns an owner as answers spell it, from labels in wire form, below com;
// "" where they are none or begin with a wildcard.
func ownerOf(labels string) string {
	var b strings.Builder
	for len(labels) > 0 {
		size := int(labels[0])
		if size == 0 || size > 63 || size >= len(labels) {
			return ""
		}
		for i := range size {
			switch c := labels[1+i]; {
			case 'A' <= c && c <= 'Z':
				b.WriteByte(c + 'a' - 'A')
			case strings.IndexByte(` .'@;()"\`, c) >= 0:
				b.WriteString(`\` + string(rune(c)))
			case c < ' ' || c > '~':
				fmt.Fprintf(&b, `\%03d`, c)
			default:
				b.WriteByte(c)
			}
		}
		b.WriteByte('.')
		labels = labels[1+size:]
	}
	owner := b.String() + "com"
	if len(owner) > 200 || strings.HasPrefix(owner, "*.") {
		return ""
	}
	return owner
}

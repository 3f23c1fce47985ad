package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"caascan/scan/zone"
)

// threeCAs are asked about in the round trips.
var threeCAs = []string{"--issuer", "Old=old.test", "--issuer", "New=new.test,www.new.test", "--issuer", "Third=third.test"}

// zoneText is a zone as lines by owner, in text without the final dot.
type zoneText struct {
	apex  string
	lines map[string][]string
	cname map[string]bool
	caa   map[string]bool
}

func (z *zoneText) write(t *testing.T, folder string) string {
	t.Helper()
	var b strings.Builder
	for _, owner := range slices.Sorted(maps.Keys(z.lines)) {
		for _, line := range z.lines[owner] {
			fmt.Fprintf(&b, "%s %s\n", inZoneFile(owner), line)
		}
	}
	return writeText(t, filepath.Join(folder, "zone-"+z.apex), b.String())
}

// inZoneFile makes an owner what begins a line and is no directive.
func inZoneFile(owner string) string {
	return strings.TrimPrefix(strings.ReplaceAll(owner, "$", `\$`), ".") + "."
}

// publish puts the sets in place of those that are there.
func (z *zoneText) publish(set zone.Planned) {
	z.lines[set.Owner] = slices.DeleteFunc(slices.Clone(z.lines[set.Owner]), func(line string) bool {
		return strings.Contains(line, " CAA ")
	})
	for _, p := range set.Properties {
		z.lines[set.Owner] = append(z.lines[set.Owner], "60 CAA "+p.ZoneText())
	}
}

func writeText(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// dnsText is zones that answer together, the parents first.
type dnsText []*zoneText

func (d dnsText) of(owner string) *zoneText {
	var found *zoneText
	for _, z := range d {
		if owner == z.apex || z.apex == "." || strings.HasSuffix(owner, "."+z.apex) {
			found = z
		}
	}
	return found
}

func (d dnsText) flags(t *testing.T) []string {
	folder := t.TempDir()
	var flags []string
	for _, z := range d {
		flags = append(flags, "--zone", z.write(t, folder))
	}
	return flags
}

// published returns the zones with the sets of a file in them.
func (d dnsText) published(t *testing.T, file string) dnsText {
	t.Helper()
	planned, err := zone.LoadOverlay(file)
	if err != nil {
		t.Fatal(err)
	}
	var after dnsText
	for _, z := range d {
		clone := *z
		clone.lines = maps.Clone(z.lines)
		after = append(after, &clone)
	}
	for set := range planned.All() {
		after.of(set.Owner).publish(set)
	}
	return after
}

// randomDNS has a zone and another one below it, with aliases, wildcards, owners that
// need escapes, and sets of every kind.
func randomDNS(random *rand.Rand) dnsText {
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	top := newZoneText("example")
	sub := newZoneText("sub.example")
	top.lines["sub.example"] = []string{"60 NS ns.invalid."}
	world := dnsText{top, sub}
	labels := []string{"a", "b", "c", "a", "b", "*", `o\;d`, `o\.d`, `$d`, `o\ d`, `o\"d`}
	name := func(labels []string) string {
		n := pick([]string{"example", "example", "sub.example"})
		for range 1 + random.IntN(3) {
			n = pick(labels) + "." + n
		}
		return n
	}
	for range 4 + random.IntN(12) {
		owner := name(labels)
		if random.IntN(8) == 0 {
			owner = pick([]string{"example", "sub.example"})
		}
		z := world.of(owner)
		if len(z.lines[owner]) > 0 && !strings.HasPrefix(z.lines[owner][0], "60 SOA") || owner == "sub.example" && z == top {
			continue
		}
		if owner != z.apex && random.IntN(3) == 0 {
			z.lines[owner] = []string{"60 CNAME " + name(slices.DeleteFunc(slices.Clone(labels), func(l string) bool { return l == "*" })) + "."}
			z.cname[owner] = true
			continue
		}
		for _, p := range randomSet(random) {
			z.lines[owner] = append(z.lines[owner], "60 CAA "+p)
			z.caa[owner] = true
		}
	}
	return world
}

func newZoneText(apex string) *zoneText {
	return &zoneText{
		apex:  apex,
		lines: map[string][]string{apex: {"60 SOA ns.invalid. hostmaster.invalid. 1 60 60 60 60"}},
		cname: make(map[string]bool), caa: make(map[string]bool),
	}
}

func randomSet(random *rand.Rand) []string {
	pool := []string{
		`0 issuemail "old.test"`, `0 issuemail "new.test"`, `0 issuemail "WWW.new.test; a=b"`, `128 issuemail "third.test"`,
		`0 issuemail "fourth.test"`, `0 issuemail ";"`, `0 issuemail ""`, `0 issuemail "old.test."`, `0 issuemail "\000\010; x"`,
		`0 issue "old.test"`, `128 issuewild ";"`, `0 iodef "mailto:x@y.test\010evil. 0 IN A 192.0.2.1"`, `0 iodef "https://y.test/"`,
		`128 tbs "x"`, `0 tbs "x"`, `129 future "\"\\"`, `\# 5 8002432178`,
	}
	var set []string
	for range 1 + random.IntN(4) {
		set = append(set, pool[random.IntN(len(pool))])
	}
	return set
}

// scanned is a report: cells by column, a row each.
type scanned []map[string]string

func scanWith(t *testing.T, list string, args ...string) scanned {
	t.Helper()
	got := runWith(t.Context(), "", append([]string{"scan", list, "-o", "-", "--raw-cells", "--column", "1"}, args...)...)
	if got.code != exitDone || got.stderr != "" {
		t.Fatalf("exit %d, stderr %q, want 0 and silence", got.code, got.stderr)
	}
	rows := readReport(t, got.stdout)
	var all scanned
	for _, row := range rows[1:] {
		cells := make(map[string]string)
		for i, column := range rows[0] {
			cells[column] = row[i]
		}
		all = append(all, cells)
	}
	return all
}

// mustBecomePermitted holds the rows after a fix to those before it: for the CAs that
// it is for nothing is denied any more, and for no CA is denied what was permitted.
func mustBecomePermitted(t *testing.T, what string, before, after scanned, fixed ...string) {
	t.Helper()
	for i, row := range before {
		for _, label := range []string{"Old", "New", "Third"} {
			was, is := row["caa_status:"+label], after[i]["caa_status:"+label]
			switch {
			case was == "denied" && slices.Contains(fixed, label) && is != "permitted":
				t.Errorf("%s: %s: denied for %s, and after the fix %s: %s", what, row["caa_domain"], label, is, after[i]["caa_detail:"+label])
			case was == "permitted" && is != "permitted":
				t.Errorf("%s: %s: permitted for %s, and after the fix %s: %s", what, row["caa_domain"], label, is, after[i]["caa_detail:"+label])
			case was == "lookup-failed" && is != was:
				t.Errorf("%s: %s: lookup-failed for %s, and after the fix %s", what, row["caa_domain"], label, is)
			}
		}
	}
}

// roundTrip plans, checks and publishes, and returns how many decisions were denied.
func roundTrip(t *testing.T, list string, world dnsText) (denied int) {
	t.Helper()
	folder := t.TempDir()
	all, only := filepath.Join(folder, "all.zone"), filepath.Join(folder, "new.zone")
	flags := append(world.flags(t), threeCAs...)
	before := scanWith(t, list, append(flags, "--emit-fixes", all, "--emit-fixes", "New="+only)...)
	for _, row := range before {
		denied += eachFixStandsAtTheDecidingName(t, world, row)
	}
	for _, plan := range []struct {
		file  string
		fixed []string
	}{{all, []string{"Old", "New", "Third"}}, {only, []string{"New"}}} {
		tried := scanWith(t, list, append(flags, "--overlay", plan.file)...)
		mustBecomePermitted(t, "overlay", before, tried, plan.fixed...)
		done := scanWith(t, list, append(world.published(t, plan.file).flags(t), threeCAs...)...)
		mustBecomePermitted(t, "published", before, done, plan.fixed...)
	}
	return denied
}

// eachFixStandsAtTheDecidingName: caa_owner where there is one, else caa_found_at; no
// alias, and a name that has records, of its own or by a wildcard.
func eachFixStandsAtTheDecidingName(t *testing.T, world dnsText, row map[string]string) (denied int) {
	t.Helper()
	for _, label := range []string{"Old", "New", "Third"} {
		fix := row["caa_fix:"+label]
		if (row["caa_status:"+label] == "denied") != (fix != "") {
			t.Errorf("%s: %s for %s, fix %q", row["caa_domain"], row["caa_status:"+label], label, fix)
		}
		if fix == "" {
			continue
		}
		denied++
		name := row["caa_owner"]
		if name == "" {
			name = row["caa_found_at"]
		}
		for line := range strings.SplitSeq(fix, " | ") {
			if !strings.HasPrefix(line, inZoneFile(name)+" IN CAA ") {
				t.Errorf("%s: %q is not for the deciding name %s", row["caa_domain"], line, name)
			}
		}
		z := world.of(name)
		_, parent, _ := strings.Cut(name, ".")
		wild := slices.ContainsFunc(slices.Collect(maps.Keys(z.caa)), func(n string) bool {
			above, ok := strings.CutPrefix(n, "*.")
			return ok && strings.HasSuffix(parent, above)
		})
		if z.cname[name] || !z.caa[name] && !wild {
			t.Errorf("%s: a fix at %s, which is an alias, or has no records", row["caa_domain"], name)
		}
	}
	return denied
}

// TestFixesMakeTheRoundTrip: what the fixes name becomes permitted, tried as an overlay
// and published in the zones, and nothing else becomes denied.
func TestFixesMakeTheRoundTrip(t *testing.T) {
	denied, worlds := 0, 120
	for seed := range worlds {
		random := rand.New(rand.NewPCG(uint64(seed), 5))
		world := randomDNS(random)
		list := "domain\n"
		for range 30 {
			name := []string{"example", "sub.example"}[random.IntN(2)]
			for range 1 + random.IntN(4) {
				name = []string{"a", "b", "c", "d"}[random.IntN(4)] + "." + name
			}
			list += name + "\n"
		}
		denied += roundTrip(t, writeText(t, filepath.Join(t.TempDir(), "list.csv"), list), world)
		if t.Failed() {
			for _, z := range world {
				t.Logf("zone %s: %v", z.apex, z.lines)
			}
			t.Fatalf("seed %d", seed)
		}
	}
	if denied < 20*worlds {
		t.Errorf("only %d decisions were denied in %d worlds: too easy", denied, worlds)
	}
}

// TestGovernmentFixesMakeTheRoundTrip does so with real sets and real names.
func TestGovernmentFixesMakeTheRoundTrip(t *testing.T) {
	openReal(t, "gov/domains.csv") // or skip
	gov := filepath.Join(realData, "gov")
	world := dnsText{loadZoneText(t, filepath.Join(gov, "root.zone")), loadZoneText(t, filepath.Join(gov, "gov.zone"))}
	if denied := roundTrip(t, filepath.Join(gov, "subdomains.csv"), world); denied == 0 {
		t.Error("nothing was denied: nothing was shown")
	}
}

// loadZoneText reads a zone file, whose records other than CAA it keeps in the form of
// RFC 3597.
func loadZoneText(t *testing.T, path string) *zoneText {
	t.Helper()
	z, err := zone.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	text := &zoneText{apex: z.Apex(), lines: make(map[string][]string), cname: make(map[string]bool), caa: make(map[string]bool)}
	for r := range z.Records() {
		kind := fmt.Sprintf("TYPE%d", r.Type)
		switch r.Type {
		case dns.TypeCAA:
			kind = "CAA"
			text.caa[r.Name] = true
		case dns.TypeCNAME:
			text.cname[r.Name] = true
		}
		text.lines[r.Name] = append(text.lines[r.Name], fmt.Sprintf(`%d %s \# %d %x`, r.TTL, kind, len(r.RDATA), r.RDATA))
	}
	return text
}

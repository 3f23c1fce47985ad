//go:build servers

package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/report"
	"caascan/scan/caa"
	"caascan/scan/zone"
)

// plannedWorld has sets of every kind, and names that need escapes at the end of aliases.
const plannedWorld = `$ORIGIN test.
$TTL 60
@          SOA ns hostmaster 1 1800 900 604800 300
@          NS  ns
ns         A   192.0.2.1
corp       CAA 0 issuemail "old.test"
corp       CAA 0 iodef "mailto:x\010\"\\@corp.test"
corp       CAA 128 tbs "x"
corp       MX  10 ns
web        CAA 128 issue "x.test; a=b"
web        CAA 0 issuemail ";"
web        CAA 0 issuemail "old.test."
deep.a.web CAA 0 issuemail "fourth.test"
odd        CAA \# 5 8002433278
odd        CAA 129 future "\"\\"
odd        CAA 0 issuemail ""
a          CNAME o\;d
b          CNAME o\ d
c          CNAME \$d
d          CNAME o\"d\.x
o\;d       CAA 0 issuemail "old.test"
o\ d       CAA 0 issuemail "new.test"
\$d        CAA 0 issuemail "third.test"
o\"d\.x    CAA 0 issuemail "\000\200; =x"
`

const plannedList = "domain\ncorp.test\nweb.test\nx.deep.a.web.test\nodd.test\na.test\nb.test\nc.test\nd.test\nns.test\n"

// TestFixesByTheirTools: each form is taken by the tool that it is for, and what that makes of
// it denies nothing any more.
func TestFixesByTheirTools(t *testing.T) {
	folder := t.TempDir()
	world, list := writeText(t, filepath.Join(folder, "world.zone"), plannedWorld), writeText(t, filepath.Join(folder, "list.csv"), plannedList)
	plan := func(form report.FixFormat) string { return filepath.Join(folder, "plan."+string(form)) }
	args := append([]string{"--zone", world}, threeCAs...)
	for _, form := range report.FixFormats() {
		args = append(args, "--emit-fixes", string(form)+":"+plan(form))
	}
	before := scanWith(t, list, args...)
	denied := 0
	for _, row := range before {
		denied += eachFixStandsAtTheDecidingName(t, dnsText{loadZoneText(t, world)}, row)
	}
	if denied < 12 {
		t.Fatalf("only %d decisions are denied: too easy", denied)
	}
	check := func(t *testing.T, args ...string) {
		t.Helper()
		mustBecomePermitted(t, "published", before, scanWith(t, list, append(args, threeCAs...)...), "Old", "New", "Third")
	}
	t.Run("zone", func(t *testing.T) { zoneIsTaken(t, plan(report.ZoneFixes)) })
	t.Run("nsupdate", func(t *testing.T) { check(t, "--zone", afterUpdate(t, world, plan(report.NSUpdateFixes))) })
	t.Run("dnscontrol", func(t *testing.T) {
		scriptIsTaken(t, plan(report.DNSControlFixes), plan(report.ZoneFixes), "corp.test", "deep.a.web.test", "web.test")
	})
}

// zoneIsTaken has the lines of a plan read as a zone by BIND and NSD.
func zoneIsTaken(t *testing.T, plan string) {
	file := writeText(t, filepath.Join(t.TempDir(), "test.zone"), "$ORIGIN test.\n$TTL 60\n@ SOA ns hostmaster 1 1800 900 604800 300\n@ NS ns\nns A 192.0.2.1\n"+readText(t, plan))
	for _, command := range [][]string{{"named-checkzone", "-i", "none", "test."}, {"nsd-checkzone", "test."}} {
		output, err := exec.CommandContext(t.Context(), find(t, command[0]), append(command[1:], file)...).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", command[0], err, output)
		}
	}
}

// updatedConfig is of a name server that takes updates of one zone from this machine.
const updatedConfig = `options { directory "%[1]s"; pid-file none; listen-on port %[2]d { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; notify no; session-keyfile "%[1]s/session.key"; };
controls { };
zone "test" { type primary; file "%[1]s/test.zone"; allow-update { 127.0.0.1; }; allow-transfer { 127.0.0.1; }; };
`

// afterUpdate sends a plan to a name server and returns the zone that it serves then, as a
// file. A second time the server refuses, because the records are not those that were seen.
func afterUpdate(t *testing.T, world, plan string) string {
	program, dir := find(t, "named"), t.TempDir()
	writeFile(t, filepath.Join(dir, "test.zone"), readText(t, world))
	config := filepath.Join(dir, "named.conf")
	address := startServer(t, []string{"test."}, func(port uint16) []string {
		writeFile(t, config, fmt.Sprintf(updatedConfig, dir, port))
		return []string{program, "-g", "-c", config}
	})
	update := func() (string, error) {
		command := exec.CommandContext(t.Context(), find(t, "nsupdate"))
		command.Stdin = strings.NewReader(fmt.Sprintf("server %s %d\n%s", address.Addr(), address.Port(), readText(t, plan)))
		output, err := command.CombinedOutput()
		return string(output), err
	}
	if output, err := update(); err != nil || output != "" {
		t.Fatalf("nsupdate: %v\n%s", err, output)
	}
	transferred := transfer(t, address)
	if output, err := update(); err == nil || !strings.Contains(output, "NXRRSET") {
		t.Errorf("a second update: %v, %q, want it refused", err, output)
	}
	if diff := cmp.Diff(transferred, transfer(t, address)); diff != "" {
		t.Errorf("the second update changed the zone:\n%s", diff)
	}
	return writeText(t, filepath.Join(dir, "after.zone"), transferred)
}

// transfer returns a zone as text.
func transfer(t *testing.T, address netip.AddrPort) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), find(t, "dig"), "@"+address.Addr().String(), "-p", fmt.Sprint(address.Port()), "+noall", "+answer", "+onesoa", "axfr", "test.").Output()
	if err != nil || len(output) == 0 {
		t.Fatalf("dig axfr: %v, %q", err, output)
	}
	return string(output)
}

// scriptStubs do what DNSControl's own functions do with a record, as far as it is of CAA.
const scriptStubs = `
const fs = require('fs'), vm = require('vm');
const found = {};
const text = value => { if (typeof value !== 'string') throw new Error('no string: ' + value); return value; };
const world = {
	CAA_CRITICAL: 128,
	CAA(name, tag, value, ...modifiers) {
		return {name: text(name), tag: text(tag), value: text(value), flags: modifiers.reduce((flags, m) => flags | m, 0)};
	},
	D_EXTEND(domain, ...records) {
		if (found[text(domain)]) throw new Error('twice: ' + domain);
		found[domain] = records;
	},
};
vm.runInNewContext(fs.readFileSync(process.argv[1], 'utf8'), world);
console.log(JSON.stringify(found));`

// scriptIsTaken runs the script of a plan: it must have these names, with the sets that
// the zone file has for them.
func scriptIsTaken(t *testing.T, script, zoneFile string, names ...string) {
	output, err := exec.CommandContext(t.Context(), "node", "-e", scriptStubs, script).Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, errorText(err))
	}
	var got map[string][]struct {
		Name, Tag, Value string
		Flags            uint8
	}
	if err := json.Unmarshal(output, &got); err != nil {
		t.Fatal(err)
	}
	planned, err := zone.LoadOverlay(zoneFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name == "corp.test" { // a value with a line break
			if got[name] != nil {
				t.Errorf("%s: %v", name, got[name])
			}
			continue
		}
		var set []caa.Property
		for _, record := range got[name] {
			p, err := caa.NewProperty(record.Flags, record.Tag, record.Value)
			if err != nil || record.Name != "@" {
				t.Fatalf("%s: %+v: %v", name, record, err)
			}
			set = append(set, p)
		}
		want, _ := planned.Find(name)
		if diff := cmp.Diff(propertyTexts(want.Properties), propertyTexts(set)); diff != "" {
			t.Errorf("%s (-zone +script):\n%s", name, diff)
		}
	}
}

func propertyTexts(set []caa.Property) map[string]bool {
	texts := make(map[string]bool)
	for _, p := range set {
		texts[p.String()] = true
	}
	return texts
}

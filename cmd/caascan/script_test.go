package main

import (
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xuri/excelize/v2"

	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

func TestMain(m *testing.M) {
	testscript.Main(bare{m}, map[string]func(){"caascan": main})
}

// bare runs tests without the variables that stand for flags.
type bare struct{ *testing.M }

func (b bare) Run() int {
	for _, v := range environment() {
		if err := os.Unsetenv(v.name); err != nil {
			panic(err) // the name is one of ours
		}
	}
	return b.M.Run()
}

// TestScripts runs the program as its users do. Besides the usual commands there
// are
//
//	dns FILE...        starts a DNS server with these zones; its address is $DNS
//	queries            prints how often it was asked for each name and type since the
//	                   last time, a line each, but not by probes
//	torn FILE          takes the last octets of a file away, its last line break and more
//	sheet FILE NAME    prints a sheet of a workbook, a line a row, tabs between
//	octets FILE HEX    writes a file that is no text
//	signed             starts a resolver of a signed world, signedResolver; its address is
//	                   $SIGNED, and root.ds the file of its trust anchor
//	edit FILE OLD NEW  puts another text in the place of the first match of an expression
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("ROOT", root)
			env.Setenv("TMPDIR", env.WorkDir)
			env.Setenv("NEWLINE", "\n")
			env.Setenv("ESC", "\x1b")
			env.Setenv("LONG", strings.Repeat("x", 1000))
			env.Values[dnsValue] = new(scriptDNS)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"dns": startDNS, "queries": printQueries, "torn": tear, "sheet": printSheet, "octets": writeOctets, "signed": startSigned, "edit": edit},
	})
}

// scriptDNS is the server of a script, and which of its queries have been told.
type scriptDNS struct {
	server *dnstest.Server
	told   map[string]int
}

const dnsValue = "dns"

func startDNS(ts *testscript.TestScript, neg bool, files []string) {
	var zones []*zone.Zone
	for _, file := range files {
		z, err := zone.Load(ts.MkAbs(file))
		ts.Check(err)
		zones = append(zones, z)
	}
	server, err := dnstest.Start(dnstest.Config{Zones: zones})
	ts.Check(err)
	ts.Defer(server.Close)
	ts.Setenv("DNS", server.Addr())
	*ts.Value(dnsValue).(*scriptDNS) = scriptDNS{server: server}
}

func printQueries(ts *testscript.TestScript, neg bool, args []string) {
	dns := ts.Value(dnsValue).(*scriptDNS)
	all := asked(dns.server)
	out := ts.Stdout() // without which that of the last command would stand
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if n := all[key] - dns.told[key]; n > 0 {
			_, err := fmt.Fprintln(out, key, n)
			ts.Check(err)
		}
	}
	dns.told = all
}

func tear(ts *testscript.TestScript, neg bool, args []string) {
	path := ts.MkAbs(args[0])
	info, err := os.Stat(path)
	ts.Check(err)
	ts.Check(os.Truncate(path, info.Size()-20))
}

func writeOctets(ts *testscript.TestScript, neg bool, args []string) {
	octets, err := hex.DecodeString(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), octets, 0o600))
}

func startSigned(ts *testscript.TestScript, neg bool, args []string) {
	w, err := newSignedWorld(twoDays)
	ts.Check(err)
	server, err := serveSigned(truthful(w))
	ts.Check(err)
	ts.Defer(server.Close)
	ts.Setenv("SIGNED", server.Addr())
	ts.Check(os.WriteFile(ts.MkAbs("root.ds"), []byte(w.Anchor.String()+"\n"), 0o600))
}

func edit(ts *testscript.TestScript, neg bool, args []string) {
	path := ts.MkAbs(args[0])
	text, err := os.ReadFile(path)
	ts.Check(err)
	at := regexp.MustCompile(args[1]).FindIndex(text)
	if at == nil {
		ts.Fatalf("%s does not match %s", args[0], args[1])
	}
	text = slices.Concat(text[:at[0]], []byte(args[2]), text[at[1]:])
	ts.Check(os.WriteFile(path, text, 0o600))
}

func printSheet(ts *testscript.TestScript, neg bool, args []string) {
	book, err := excelize.OpenFile(ts.MkAbs(args[0]))
	ts.Check(err)
	defer book.Close()
	rows, err := book.GetRows(args[1])
	ts.Check(err)
	for _, row := range rows {
		_, err := ts.Stdout().Write([]byte(strings.Join(row, "\t") + "\n"))
		ts.Check(err)
	}
}

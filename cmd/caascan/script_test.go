package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xuri/excelize/v2"

	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"caascan": main})
}

// TestScripts runs the program as its users do. Besides the usual commands there
// are
//
//	dns FILE...        starts a DNS server with these zones; its address is $DNS
//	sheet FILE NAME    prints a sheet of a workbook, a line a row, tabs between
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
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"dns": startDNS, "sheet": printSheet},
	})
}

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

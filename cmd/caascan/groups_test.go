package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

// TestGroupsOfTypedCells: a number is what the sheet shows, so that it is one group with the
// text that reads the same; so are dates and truths.
func TestGroupsOfTypedCells(t *testing.T) {
	dir := t.TempDir()
	list, groups := filepath.Join(dir, "list.xlsx"), filepath.Join(dir, "groups.csv")
	book := excelize.NewFile()
	defer book.Close()
	day := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	for i, row := range [][]any{
		{"Customer", "email", "Since", "Active"},
		{1001, "a@listed.example", day, true},
		{"1001", "b@listed.example", day, false},
		{1001.0, "c@other.example", nil, true},
		{nil, "d@listed.example", "", nil},
		{" 01001", "e@listed.example", nil, "TRUE"},
	} {
		at, err := excelize.CoordinatesToCellName(1, i+1)
		if err != nil {
			t.Fatal(err)
		}
		if err := book.SetSheetRow("Sheet1", at, &row); err != nil {
			t.Fatal(err)
		}
	}
	if err := book.SaveAs(list); err != nil {
		t.Fatal(err)
	}
	got := runWith(t.Context(), "", "scan", list, "--column", "email", "--zone", demoZone, "--issuer", "ca.example",
		"--group-by", "customer", "--group-by", "Since", "--group-by", "4", "--emit-groups", groups)
	if got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	want := []string{
		"Customer,1001,3,2,2,1,0,1", "Customer,(empty),1,1,1,0,0,0", "Customer,01001,1,1,1,0,0,0",
		"Since,(empty),3,2,2,1,0,1", "Since,2026-11-30,2,1,2,0,0,0",
		"Active,TRUE,3,2,2,1,0,1", "Active,(empty),1,1,1,0,0,0", "Active,FALSE,1,1,1,0,0,0",
	}
	lines := strings.Split(strings.TrimSpace(readText(t, groups)), "\r\n")
	if diff := cmp.Diff(want, lines[1:]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

package report

import (
	"fmt"
	"slices"
	"strings"
)

// ComparedRecords are the CAA records that one of two reports has of a domain.
type ComparedRecords struct {
	Only RecordList // those that the other report does not have
	Both RecordList
	// Unknown says that a workbook does not hold all records of one of the reports. Then
	// there are none here: what is missing there may be only what was cut.
	Unknown bool
}

// RecordList is some records, as many as a reader can take in.
type RecordList struct {
	Shown []string
	Left  int // how many more there are
}

// recordSet is what a report has of a domain, whole.
type recordSet struct {
	records []string
	cut     bool // not all records are there
}

// RecordsNotCompared stands where ComparedRecords are Unknown.
const RecordsNotCompared = "The records are not compared: a workbook does not hold all of them."

// compareRecords compares whole records, and shortens only what differs and what does not.
func compareRecords(was, is recordSet) (before, after ComparedRecords) {
	if was.cut || is.cut {
		return ComparedRecords{Unknown: true}, ComparedRecords{Unknown: true}
	}
	return comparedWith(was.records, is.records), comparedWith(is.records, was.records)
}

func comparedWith(records, others []string) ComparedRecords {
	there := make(map[string]bool, len(others))
	for _, record := range others {
		there[record] = true
	}
	var only, both []string
	for _, record := range records {
		if there[record] {
			both = append(both, record)
		} else {
			only = append(only, record)
		}
	}
	return ComparedRecords{Only: listRecords(only), Both: listRecords(both)}
}

// listRecords takes the first records. A set may have 64 KiB, each octet of which may be
// written as four.
func listRecords(records []string) RecordList {
	const (
		most    = 4000 // octets of all
		longest = 1000 // characters of one
	)
	var list RecordList
	room := most
	for i, record := range records {
		record = shorten(record, longest)
		if room -= len(record); room < 0 && i > 0 {
			list.Left = len(records) - i
			break
		}
		list.Shown = append(list.Shown, strings.Clone(record))
	}
	return list
}

// Lines returns a record a line, and how many there are besides.
func (l RecordList) Lines() []string {
	switch l.Left {
	case 0:
		return l.Shown
	case 1:
		return append(slices.Clip(l.Shown), "… and 1 record more")
	}
	return append(slices.Clip(l.Shown), fmt.Sprintf("… and %d records more", l.Left))
}

// text is what a cell shows: what differs stands first.
func (r ComparedRecords) text() string {
	if r.Unknown {
		return RecordsNotCompared
	}
	lines := r.Only.Lines()
	if both := r.Both.Lines(); len(both) > 0 {
		lines = slices.Concat(lines, []string{"in both reports:"}, both)
	}
	return strings.Join(lines, "\n")
}

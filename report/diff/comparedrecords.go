package diff

import (
	"strings"

	"caascan/report"
)

// recordSet is what a report has of a domain, whole.
type recordSet struct {
	records []string
	cut     bool // not all records are there
}

// compareRecords compares whole records, and shortens only what differs and what does not.
func compareRecords(was, is recordSet) (before, after report.ComparedRecords) {
	if was.cut || is.cut {
		return report.ComparedRecords{Unknown: true}, report.ComparedRecords{Unknown: true}
	}
	return comparedWith(was.records, is.records), comparedWith(is.records, was.records)
}

func comparedWith(records, others []string) report.ComparedRecords {
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
	return report.ComparedRecords{Only: listRecords(only), Both: listRecords(both)}
}

// listRecords takes the first records. A set may have 64 KiB, each octet of which may be
// written as four.
func listRecords(records []string) report.RecordList {
	const (
		most    = 4000 // octets of all
		longest = 1000 // characters of one
	)
	var list report.RecordList
	room := most
	for i, record := range records {
		record = report.Shorten(record, longest)
		if room -= len(record); room < 0 && i > 0 {
			list.Left = len(records) - i
			break
		}
		list.Shown = append(list.Shown, strings.Clone(record))
	}
	return list
}

package scan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// differing is a Store with these answers, of which each name's first is the one that counts:
// "name: what", where what is "-" for no records, a failure, or the values of issuemail
// records.
func differing(t *testing.T, lines ...string) *snapshot.Store {
	t.Helper()
	store := new(snapshot.Store)
	for i, line := range lines {
		text, what, _ := strings.Cut(line, ": ")
		name, err := domain.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		o := snapshot.Observation{Name: name, Server: "127.0.0.1:53", Transport: snapshot.UDP, Validated: true, Time: time.Unix(int64(1000-i), 0)}
		if slices.Contains(snapshot.Failures(), snapshot.Failure(what)) {
			o.Failure, o.Validated = snapshot.Failure(what), false
		} else if what != "-" {
			o.Records.Owner = text
			for value := range strings.FieldsSeq(what) {
				p, err := caa.NewProperty(0, caa.TagIssuemail, value)
				if err != nil {
					t.Fatal(err)
				}
				o.Records.Properties = append(o.Records.Properties, p)
			}
		}
		if _, found := store.Find(name); found {
			store.PutOther(o)
			continue
		}
		store.Put(o)
	}
	return store
}

// TestTheStricterOfDifferingAnswersIsReported, for the CAs a.example and b.example.
func TestTheStricterOfDifferingAnswersIsReported(t *testing.T) {
	const permitted, denied, failed = scan.Permitted, scan.Denied, scan.LookupFailed
	for _, test := range []struct {
		sentence string
		answers  []string
		want     [2]scan.Status
		differ   bool
		foundAt  string
	}{
		{"one answer", []string{"x.test: a.example", "test: -"}, [2]scan.Status{permitted, denied}, false, "x.test"},
		{"the later permits, the earlier denies", []string{"x.test: a.example b.example", "x.test: ;"}, [2]scan.Status{denied, denied}, true, "x.test"},
		{"the later denies, the earlier permits", []string{"x.test: ;", "x.test: a.example b.example"}, [2]scan.Status{denied, denied}, true, "x.test"},
		{"records, and none", []string{"x.test: -", "x.test: ;", "test: -"}, [2]scan.Status{denied, denied}, true, "x.test"},
		{"none, and records that permit", []string{"x.test: -", "x.test: a.example b.example", "test: -"}, [2]scan.Status{permitted, permitted}, false, ""},
		{"records that permit, and none below a parent that denies", []string{"x.test: a.example b.example", "x.test: -", "test: ;"}, [2]scan.Status{denied, denied}, true, "test"},
		{"each denies another CA", []string{"x.test: a.example", "x.test: b.example"}, [2]scan.Status{denied, denied}, true, "x.test"},
		{"one denies less", []string{"x.test: a.example b.example", "x.test: a.example"}, [2]scan.Status{permitted, denied}, true, "x.test"},
		{"at a parent", []string{"a.b.x.test: -", "b.x.test: -", "x.test: -", "x.test: b.example", "test: -"}, [2]scan.Status{denied, permitted}, true, "x.test"},
		{"at the top-level domain", []string{"x.test: -", "test: -", "test: ;"}, [2]scan.Status{denied, denied}, true, "test"},
		{"an answer that decides alike", []string{"x.test: a.example", "x.test: a.example c.example"}, [2]scan.Status{permitted, denied}, false, "x.test"},
		{"permission, and then a validation error", []string{"x.test: -", "x.test: dnssec-bogus", "test: -"}, [2]scan.Status{failed, failed}, true, ""},
		{"permission for one, and then a validation error", []string{"x.test: a.example", "x.test: dnssec-bogus"}, [2]scan.Status{failed, failed}, true, ""},
		{"denied for all, and then a validation error", []string{"x.test: ;", "x.test: dnssec-bogus"}, [2]scan.Status{denied, denied}, true, "x.test"},
		{"none below a parent that failed", []string{"x.test: a.example b.example", "x.test: -", "test: timeout"}, [2]scan.Status{failed, failed}, true, ""},
		{"none below a parent that nobody asked", []string{"x.test: a.example b.example", "x.test: -"}, [2]scan.Status{failed, failed}, true, ""},
		{"a failure, one denied, all denied", []string{"x.test: dnssec-bogus", "x.test: a.example", "x.test: ;"}, [2]scan.Status{denied, denied}, true, "x.test"},
		{"all denied, one denied, a failure", []string{"x.test: ;", "x.test: a.example", "x.test: dnssec-bogus"}, [2]scan.Status{denied, denied}, true, "x.test"},
	} {
		store := differing(t, test.answers...)
		scanner := scan.New(scan.Config{Issuers: issuers(t, "a.example", "b.example"), Store: store})
		name, _, _ := strings.Cut(test.answers[0], ":")
		v := scanner.Verdict(scan.ParseTarget(name).Domain)
		got := [2]scan.Status{v.Decisions[0].Status, v.Decisions[1].Status}
		if got != test.want || slices.Contains(v.Warnings, scan.AnswersDiffer) != test.differ || v.FoundAt.String() != test.foundAt {
			t.Errorf("%s: %v at %q, warnings %v; want %v at %q, differ %v", test.sentence, got, v.FoundAt, v.Warnings, test.want, test.foundAt, test.differ)
		}
		for i, d := range v.Decisions {
			if (d.Fix != nil) && d.Status != scan.Denied || d.Reason.Status() != d.Status {
				t.Errorf("%s: CA %d is %s (%s) with the fix %v", test.sentence, i, d.Status, d.Reason, d.Fix.Lines())
			}
		}
		if again := scanner.Verdict(v.Domain); again.Outcome != v.Outcome || again.Number != v.Number {
			t.Errorf("%s: another verdict the second time", test.sentence)
		}
	}
}

// TestDifferingAnswersOfAParentShareTheirOutcomes: a top-level domain may have a million
// domains below it.
func TestDifferingAnswersOfAParentShareTheirOutcomes(t *testing.T) {
	store := differing(t, "x.test: -", "y.test: -", "test: -", "test: ;")
	scanner := scan.New(scan.Config{Issuers: issuers(t, "a.example"), Store: store})
	x, y := scanner.Verdict(scan.ParseTarget("x.test").Domain), scanner.Verdict(scan.ParseTarget("y.test").Domain)
	if x.Outcome != y.Outcome {
		t.Error("each has its own outcome")
	}
	if want := time.Unix(997, 0); !x.CheckedAt.Equal(want) {
		t.Errorf("checked at %v, want %v, the oldest of the three answers that it rests on", x.CheckedAt, want)
	}
}

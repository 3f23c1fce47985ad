package scan_test

import (
	"fmt"
	"testing"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

// TestOutcomesOfAUsualListAreMadeOnce: of 180,000 domains, 8 % have records of their own and
// 2 % fail. Their rows come in any order, so each of these Outcomes has to be kept.
func TestOutcomesOfAUsualListAreMadeOnce(t *testing.T) {
	const denied, failed = 14_400, 3_600
	var set []caa.Property
	for _, value := range []string{"letsencrypt.org", "digicert.com", "sectigo.com"} {
		p, err := caa.NewProperty(0, "issuemail", value)
		if err != nil {
			t.Fatal(err)
		}
		set = append(set, p)
	}
	store := new(snapshot.Store)
	names := make([]domain.Name, denied+failed)
	for i := range names {
		names[i] = domainName(t, fmt.Sprintf("company%06d.example", i))
		o := snapshot.Observation{Name: names[i], Server: "192.0.2.53:53", Transport: snapshot.UDP, Failure: snapshot.ServFail, RCode: 2}
		if i < denied {
			o.Failure, o.RCode, o.Records = "", 0, caa.RRset{Owner: names[i].String(), Properties: set}
		}
		store.Put(o)
	}
	scanner := scan.New(scan.Config{Issuers: issuers(t, "swisssign.com", "entrust.net", "certum.pl"), Store: store})
	if again := madeAgain(t, scanner, names); again > 0 {
		t.Errorf("%d of %d Outcomes were made again", again, len(names))
	}
}

// TestOutcomesOfLongSetsAreMadeOnce: an Outcome of 4,000 records takes 100 ms to make. Who
// has a few domains with such sets and many rows must not stop a run.
func TestOutcomesOfLongSetsAreMadeOnce(t *testing.T) {
	const domains, records = 20, 4_000
	var set []caa.Property
	for i := range records {
		p, err := caa.NewProperty(0, "issuemail", fmt.Sprintf("c%d", i))
		if err != nil {
			t.Fatal(err)
		}
		set = append(set, p)
	}
	store := new(snapshot.Store)
	names := make([]domain.Name, domains)
	for i := range names {
		names[i] = domainName(t, fmt.Sprintf("company%d.example", i))
		store.Put(snapshot.Observation{Name: names[i], Transport: snapshot.Zone, Records: caa.RRset{Owner: names[i].String(), Properties: set}})
	}
	scanner := scan.New(scan.Config{Issuers: issuers(t, "swisssign.com", "entrust.net", "certum.pl"), Store: store})
	if again := madeAgain(t, scanner, names); again > 0 {
		t.Errorf("%d of %d Outcomes were made again", again, len(names))
	}
}

// madeAgain returns how many names have another Outcome when they are met for the second
// time, after all others.
func madeAgain(t *testing.T, scanner *scan.Scanner, names []domain.Name) (again int) {
	t.Helper()
	made := make([]*scan.Outcome, len(names))
	for i, name := range names {
		made[i] = scanner.Verdict(name).Outcome
	}
	for i, name := range names {
		if scanner.Verdict(name).Outcome != made[i] {
			again++
		}
	}
	return again
}

func domainName(t *testing.T, text string) domain.Name {
	t.Helper()
	name, err := domain.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

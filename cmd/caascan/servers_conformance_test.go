//go:build servers

package main

import (
	"encoding/csv"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"caascan/scan/lookup/dnstest"
)

// readSignings reads how the zones of the signed world are signed.
func readSignings(t *testing.T) []signing {
	t.Helper()
	file, err := os.Open(filepath.Join(conformance, "zones.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []signing
	for _, row := range rows[1:] {
		list = append(list, signing{row[0], filepath.Join(conformance, "zones", row[1]), row[2], row[3]})
	}
	return list
}

// signedDNS is the signed world, served: one authority, and resolvers that know
// where each zone is.
type signedDNS struct {
	authority netip.AddrPort
	zones     []string // that it serves
	unserved  string   // configuration by which the others are at servers that refuse or never answer
	anchor    string   // the path of the trust anchor
}

func startSignedDNS(t *testing.T) signedDNS {
	t.Helper()
	signings := readSignings(t)
	files, anchor := signedWorld(t, signings)
	d := signedDNS{anchor: filepath.Join(t.TempDir(), "root.ds")}
	writeFile(t, d.anchor, anchor+"\n")
	d.authority = startNSD(t, files)
	elsewhere := map[string]uint16{
		"lame": startAuthority(t, dnstest.Config{}),
		"dead": startAuthority(t, dnstest.Config{Handle: func(dnstest.Query) []dnstest.Reply { return nil }}),
	}
	for _, s := range signings {
		if s.isServed() {
			d.zones = append(d.zones, s.zone)
			continue
		}
		d.unserved += fmt.Sprintf(unboundStub, s.zone, elsewhere[s.fault])
	}
	return d
}

// startAuthority starts a server of our own, for what NSD does not do.
func startAuthority(t *testing.T, config dnstest.Config) (port uint16) {
	t.Helper()
	server, err := dnstest.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return netip.MustParseAddrPort(server.Addr()).Port()
}

// validatorConfig makes of an unbound configuration one that validates.
func (d signedDNS) validatorConfig(ede string) string {
	config := strings.Replace(unboundConfig, `module-config: "iterator"`, `module-config: "validator iterator"
  trust-anchor-file: "`+d.anchor+`"
  ede: `+ede+`
  val-log-level: 2
  serve-expired: no`, 1)
	return config
}

func (d signedDNS) startResolver(t *testing.T, config string) string {
	t.Helper()
	return startUnboundWith(t, config+d.unserved, d.authority, d.zones, []string{"."}).address
}

// TestConformance holds the built program, with the race detector, to the public
// set of cases, through servers that others wrote.
func TestConformance(t *testing.T) {
	cases := readCases(t)
	program := build(t, "-race")
	d := startSignedDNS(t)
	validating, plain := d.startResolver(t, d.validatorConfig("yes")), d.startResolver(t, unboundConfig)
	resolvers := map[string]string{"signed": validating, "plain": plain, "faults": startFaults(t)}
	for world, resolver := range resolvers {
		for _, concurrency := range []string{"1", "64"} {
			args := []string{"--resolver", resolver, "--concurrency", concurrency}
			if world == "faults" {
				args = append(args, "--timeout", "500ms") // many of them never answer
			}
			t.Run(world+" with "+concurrency+" in flight", func(t *testing.T) {
				t.Parallel()
				for issuer, group := range inWorld(cases, world) {
					compareCases(t, group, d.scan(t, program, group, issuer, args...))
				}
			})
		}
	}
	t.Run("bogus without a word of it", func(t *testing.T) {
		t.Parallel()
		// Without Extended DNS Errors it takes queries with CD to tell bogus from dead.
		silent := d.startResolver(t, d.validatorConfig("no"))
		for issuer, group := range inWorld(cases, "signed") {
			compareCases(t, group, d.scan(t, program, group, issuer, "--resolver", silent))
		}
	})
	for _, order := range [][]string{{validating, plain}, {plain, validating}} {
		t.Run("a validating resolver beside a plain one", func(t *testing.T) {
			t.Parallel()
			d.beside(t, program, cases, order, plain)
		})
	}
}

// scan scans the inputs of cases and returns the report.
func (d signedDNS) scan(t *testing.T, program string, cases []conformanceCase, issuer string, args ...string) [][]string {
	t.Helper()
	args = append([]string{
		"scan", writeInputs(t, cases), "--column", "input", "--issuer", issuer, "-o", "-",
		"--final-pass-after", "0s",
	}, args...)
	if !slices.Contains(args, "--timeout") {
		args = append(args, "--timeout", "1s")
	}
	got := runProgram(t, program, "", args...)
	if got.code != exitDone {
		t.Fatalf("%v: %+v", args, got)
	}
	return readReport(t, got.stdout)
}

// beside: no bogus name is permitted because a resolver that does not validate was
// given too, and that one is named.
func (d signedDNS) beside(t *testing.T, program string, cases []conformanceCase, resolvers []string, plain string) {
	group := inWorld(cases, "signed")["ca.example"]
	args := []string{"scan", writeInputs(t, group), "--column", "input", "--issuer", "ca.example", "-o", "-", "--timeout", "1s", "--final-pass-after", "0s"}
	for _, resolver := range resolvers {
		args = append(args, "--resolver", resolver)
	}
	got := runProgram(t, program, "", args...)
	want := fmt.Sprintf("caascan: resolver %s is left out: ", plain)
	if got.code != exitDone || !strings.HasPrefix(got.stderr, want) {
		t.Fatalf("exit %d, stderr %q, want 0 and %q", got.code, got.stderr, want)
	}
	compareCases(t, group, readReport(t, got.stdout))
}

// TestTheSignedWorldIsWhatItIsMeantToBe asks the validating resolver itself, so that
// a case does not hold for another reason than it says.
func TestTheSignedWorldIsWhatItIsMeantToBe(t *testing.T) {
	d := startSignedDNS(t)
	resolver := d.startResolver(t, d.validatorConfig("yes"))
	for _, test := range []struct {
		name  string
		kind  uint16
		rcode int
		ad    bool
	}{
		{"secure.nsec.", dns.TypeCAA, dns.RcodeSuccess, true},
		{"sub.secure.nsec3.", dns.TypeCAA, dns.RcodeSuccess, true},
		{"insecure.nsec.", dns.TypeCAA, dns.RcodeSuccess, false},
		{"lameinsecure.nsec.", dns.TypeDS, dns.RcodeSuccess, true},
		{"lameinsecure.nsec3.", dns.TypeDS, dns.RcodeSuccess, true},
		{"lameinsecure.listed.", dns.TypeDS, dns.RcodeSuccess, true},
		{"lameinsecure.optout.", dns.TypeDS, dns.RcodeSuccess, false},
		{"lamesecure.optout.", dns.TypeDS, dns.RcodeSuccess, true},
		{"unsigned.", dns.TypeDS, dns.RcodeSuccess, true},
		{"lamesecure.nsec.", dns.TypeCAA, dns.RcodeServerFailure, false},
		{"expired.bogus.", dns.TypeCAA, dns.RcodeServerFailure, false},
		{"future.bogus.", dns.TypeCAA, dns.RcodeServerFailure, false},
		{"missing.bogus.", dns.TypeCAA, dns.RcodeServerFailure, false},
		{"wrongds.bogus.", dns.TypeCAA, dns.RcodeServerFailure, false},
		{"tampered.bogus.", dns.TypeCAA, dns.RcodeServerFailure, false},
		{"www.tampered.bogus.", dns.TypeCAA, dns.RcodeSuccess, true},
		{"www.stripped.bogus.", dns.TypeCAA, dns.RcodeServerFailure, false},
		{"stripped.bogus.", dns.TypeCAA, dns.RcodeSuccess, true},
		{"www.stripped3.bogus.", dns.TypeCAA, dns.RcodeServerFailure, false},
		{"any.wild.stripped.bogus.", dns.TypeCAA, dns.RcodeServerFailure, false},
		{"unsigned.stripped.bogus.", dns.TypeCAA, dns.RcodeServerFailure, false},
		{"unsigned.expired.bogus.", dns.TypeCAA, dns.RcodeServerFailure, false},
		{"unsigned.tampered.bogus.", dns.TypeCAA, dns.RcodeSuccess, false},
		{"sound.tampered.bogus.", dns.TypeCAA, dns.RcodeSuccess, true},
		{"tls.tampered.bogus.", dns.TypeCAA, dns.RcodeSuccess, true},
		{"secure.cheat.", dns.TypeCAA, dns.RcodeSuccess, true},
		{"insecure.cheat.", dns.TypeCAA, dns.RcodeServerFailure, false},
		{"lameinsecure.cheat.", dns.TypeDS, dns.RcodeServerFailure, false},
		{"deadinsecure.nsec.", dns.TypeDS, dns.RcodeSuccess, true},
		{"nosuch.nsec.", dns.TypeCAA, dns.RcodeNameError, true},
		{"nosuch.optout.", dns.TypeCAA, dns.RcodeNameError, false},
	} {
		query := new(dns.Msg).SetQuestion(test.name, test.kind)
		query.SetEdns0(4096, true)
		reply, _, err := new(dns.Client).Exchange(query, resolver)
		if err != nil {
			t.Fatal(err)
		}
		if reply.Rcode != test.rcode || reply.AuthenticatedData != test.ad {
			t.Errorf("%s %s: %s, AD %v, want %s, AD %v\n%v", test.name, dns.TypeToString[test.kind], dns.RcodeToString[reply.Rcode],
				reply.AuthenticatedData, dns.RcodeToString[test.rcode], test.ad, reply)
		}
	}
}

// startFaults starts the misbehaving resolver of the conformance set.
func startFaults(t *testing.T) string {
	t.Helper()
	return dnstest.Serve(t, filepath.Join(conformance, "zones", "faults.zone"), filepath.Join(conformance, "zones", "faults-root.zone")).Addr()
}

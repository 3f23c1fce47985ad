//go:build servers

package main

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
	"caascan/scan/dnssec/dnssectest"
	"caascan/scan/domain"
	"caascan/scan/lookup"
	"caascan/scan/snapshot"
)

// The environment variables of the differential test: how many pairs of a name and a world it
// compares at the least, and the seed that the worlds are made from, to see one again.
const (
	differentialPairs = "CAASCAN_DNSSEC_PAIRS"
	differentialSeed  = "CAASCAN_DNSSEC_SEED"
)

// TestDifferential holds own validation, through a resolver that does not validate, to a
// validating unbound with the same trust anchor, in worlds that are made by chance. Where the
// two differ a clause has to say why.
func TestDifferential(t *testing.T) {
	pairs, seed := number(t, differentialPairs, 1000), number(t, differentialSeed, rand.Uint64())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	counts := make(map[string]int)
	compared := uint64(0)
	for n := 0; compared < pairs; n++ {
		t.Run(fmt.Sprintf("world %d", n), func(t *testing.T) {
			compared += uint64(compareWorld(t, random, counts))
		})
		if t.Failed() {
			break
		}
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%6d %s", counts[what], what)
	}
}

// number is what an environment variable says, or otherwise if it is not set.
func number(t *testing.T, variable string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// compareWorld compares the names of one world and returns how many there are.
func compareWorld(t *testing.T, random *rand.Rand, counts map[string]int) int {
	specs := chanceWorld(random)
	w, err := dnssectest.Build(time.Now(), specs...)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := make(map[string]string)
	for i, origin := range w.Origins() {
		files[origin] = filepath.Join(dir, fmt.Sprintf("%d.zone", i))
		writeFile(t, files[origin], w.File(origin))
	}
	d := signedDNS{anchor: filepath.Join(dir, "root.ds"), zones: w.Origins()}
	writeFile(t, d.anchor, w.Anchor.String()+"\n")
	d.authority = startNSD(t, files)
	validating := d.startResolver(t, d.validatorConfig("yes"))
	plain := d.startResolver(t, unboundConfig)
	names := chanceNames(random, specs)
	got := ownStates(t, plain, dnssec.Anchors{w.Anchor}, names)
	for _, name := range slices.Sorted(maps.Keys(got)) {
		o, want := got[name], unboundState(t, validating, name)
		counts[want]++
		if state := stateWords(o); state != want {
			why := explained(specs, o, want)
			if counts[fmt.Sprintf("difference: %s here, %s by unbound: %s", state, want, why)]++; why == "" {
				t.Errorf("%s: %s here, %s by unbound: %+v (flaw %v)\n%s", name, state, want, o, o.Flaw, describe(specs, append(o.Aliases, name)))
			}
		}
	}
	return len(got)
}

// sitesInAWorld is how many zones a world has below its top-level domains.
const sitesInAWorld = 24

// site is the name of a zone, unless that has a label more.
func site(i int) string { return fmt.Sprintf("s%d.t%d.", i, i%len(denials())) }

// denials are those of the top-level domains.
func denials() []dnssectest.Denial {
	return []dnssectest.Denial{dnssectest.NSEC, dnssectest.NSEC3, dnssectest.OptOut, dnssectest.OptOutListed}
}

// chanceWorld makes the zones of a world.
func chanceWorld(random *rand.Rand) []dnssectest.Spec {
	specs := []dnssectest.Spec{{Origin: ".", Denial: chance(random, []dnssectest.Denial{dnssectest.NSEC, dnssectest.NSEC3})}}
	for i, denial := range denials() {
		specs = append(specs, dnssectest.Spec{
			Origin: fmt.Sprintf("t%d.", i), Denial: denial, Algorithm: chance(random, algorithms()), Split: random.IntN(2) == 0,
			Iterations: chance(random, iterations()), Salt: chance(random, []string{"", "c0ffee"}),
			Text: "*.wild CAA 0 issuemail \"ca.example\"\n",
		})
		if i == 0 && random.IntN(3) == 0 {
			specs[len(specs)-1].Fault = chance(random, dnssectest.Faults())
		}
	}
	for i := range sitesInAWorld {
		s := dnssectest.Spec{
			Origin: site(i), Denial: chance(random, append(denials(), dnssectest.Unsigned)),
			Algorithm: chance(random, append(algorithms(), dns.RSASHA1NSEC3SHA1)), Split: random.IntN(2) == 0, Iterations: chance(random, iterations()),
			Salt: chance(random, []string{"", "ab", "0123456789"}), Digest: chance(random, []uint8{0, 0, dns.SHA1, dns.SHA384}),
		}
		if random.IntN(3) > 0 {
			s.Fault = chance(random, dnssectest.Faults())
		}
		if random.IntN(5) == 0 {
			s.Origin = "sub." + s.Origin // an empty non-terminal above
		}
		s.Text = chanceText(random)
		specs = append(specs, s)
		if random.IntN(4) == 0 {
			specs = append(specs, dnssectest.Spec{Origin: "child." + s.Origin, Denial: chance(random, append(denials(), dnssectest.Unsigned)), Text: chanceText(random)})
		}
	}
	return specs
}

// algorithms are those that are supported, the most used one twice.
func algorithms() []uint8 {
	return []uint8{dns.ECDSAP256SHA256, dns.ECDSAP256SHA256, dns.RSASHA256, dns.RSASHA512, dns.ECDSAP384SHA384, dns.ED25519}
}

func chance[T any](random *rand.Rand, list []T) T { return list[random.IntN(len(list))] }

// iterations are 0 mostly, and some around the limit (RFC 9276, section 3.2).
func iterations() []uint16 { return []uint16{0, 0, 0, 1, 10, 150, 151} }

// chanceText makes the records of a zone: some of what there can be.
func chanceText(random *rand.Rand) string {
	lines := []string{
		`@ CAA 0 issuemail "ca.example"`, `www A 192.0.2.1`, `a.b.ent CAA 0 issue "ca.example"`, `*.wild CAA 0 issuemail "ca.example"`, `near.wild A 192.0.2.1`,
		`*.empty A 192.0.2.1`, `alias CNAME www`, `dangling CNAME not-there`, `tree DNAME wild`, `*.made CNAME www`, `far CNAME ent`,
		"out CNAME www." + site(random.IntN(sitesInAWorld)),
		"over DNAME " + site(random.IntN(sitesInAWorld)),
		"*.any CNAME www." + site(random.IntN(sitesInAWorld)),
		"*.twice CNAME x.any." + site(random.IntN(sitesInAWorld)),
		"*.nowhere CNAME x.wild." + site(random.IntN(sitesInAWorld)),
		`large CAA 0 issuemail "` + strings.Repeat("a", 200) + `.example"`, `odd CAA 0 issuemail "a\\b\"c"`, `cut NS ns.elsewhere.invalid.`,
	}
	var b strings.Builder
	for _, line := range lines {
		if random.IntN(4) > 0 {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// chanceNames are the names of a world that are looked up.
func chanceNames(random *rand.Rand, specs []dnssectest.Spec) []domain.Name {
	var names []domain.Name
	for _, s := range specs {
		if s.Origin == "." {
			continue
		}
		for _, label := range []string{
			"", "www.", "a.b.ent.", "ent.", "b.ent.", "x.ent.", "x.wild.", "x.y.wild.", "near.wild.", "x.empty.", "alias.", "dangling.",
			"y.tree.", "tree.", "x.made.", "far.", "out.", "www.over.", "x.any.", "x.twice.", "x.nowhere.", "x.cut.", "large.", "odd.", "no.", "x.y.no.", "wild.",
		} {
			if random.IntN(4) == 0 {
				continue
			}
			if name, err := domain.Parse(strings.TrimSuffix(label+s.Origin, ".")); err == nil {
				names = append(names, name)
			}
		}
	}
	return names
}

// ownStates looks names up by own validation, and returns what each that was asked comes to.
func ownStates(t *testing.T, resolver string, anchors dnssec.Anchors, names []domain.Name) map[string]snapshot.Observation {
	t.Helper()
	server, err := lookup.ParseServer(resolver)
	if err != nil {
		t.Fatal(err)
	}
	r, err := lookup.New(lookup.Config{Servers: []lookup.Server{server}, DNSSEC: lookup.Own, Anchors: anchors})
	if err == nil {
		_, err = r.Probe(t.Context())
	}
	if err == nil && r.Validates() != lookup.Own {
		t.Fatal("the resolver is not seen to pass DNSSEC records")
	}
	got := make(map[string]snapshot.Observation)
	if err == nil {
		err = r.Lookup(t.Context(), func(yield func([]domain.Name) bool) { yield(names) }, func(batch []snapshot.Observation) {
			for _, o := range batch {
				got[o.Name.String()] = o
			}
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func stateWords(o snapshot.Observation) string {
	if o.Failure != "" && o.Failure != snapshot.DNSSECBogus {
		return "failed"
	}
	return string(o.DNSSEC())
}

// unboundState asks the validating resolver for the state of a name.
func unboundState(t *testing.T, resolver, name string) string {
	t.Helper()
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeCAA)
	m.SetEdns0(4096, true)
	client := dns.Client{Net: "tcp", Timeout: patience}
	reply, _, err := client.Exchange(m, resolver)
	switch {
	case err != nil:
		t.Fatal(err)
	case reply.Rcode == dns.RcodeServerFailure:
		m.CheckingDisabled = true
		if waived, _, err := client.Exchange(m, resolver); err == nil && waived.Rcode != dns.RcodeServerFailure {
			return string(snapshot.Bogus)
		}
		return "failed"
	case reply.AuthenticatedData:
		return string(snapshot.Secure)
	}
	return string(snapshot.Insecure)
}

// explained returns the clause that lets the two differ, "" if there is none.
func explained(specs []dnssectest.Spec, o snapshot.Observation, want string) string {
	if o.Flaw == nil {
		return ""
	}
	on := slices.Collect(zonesOf(specs, append(o.Aliases, o.Name.String())))
	at := slices.IndexFunc(on, func(s dnssectest.Spec) bool { return s.Origin == dns.Fqdn(o.Flaw.Zone) })
	switch {
	case o.DNSSEC() == snapshot.Insecure && slices.ContainsFunc(on, weaklySigned):
		return "RFC 9905, section 2: signatures with SHA-1 count as unknown; unbound verifies them"
	case at >= 0 && weaklySigned(on[at]) && on[at].Fault == dnssectest.HalfSigned:
		return "RFC 4035, section 2.2: a DS record promises signatures of its algorithm, and there are those with SHA-1 alone; unbound verifies them"
	case at >= 0 && want == string(snapshot.Insecure) && deniesWithoutWildcard(on[at], o):
		return "RFC 5155, section 8.4: NXDOMAIN needs the denial of the wildcard; after an alias unbound takes it for NODATA, which Opt-Out leaves open"
	}
	if at < 0 || o.Flaw.Reason != snapshot.FlawNoMatch || want == string(snapshot.Bogus) {
		return ""
	}
	switch on[at].Fault {
	case dnssectest.WeakDigest:
		return "RFC 4509, section 3: beside one with SHA-256 a DS record with SHA-1 does not count; unbound takes any of them"
	case dnssectest.Revoked:
		return "RFC 5011, section 2.1: a key that is revoked is used for nothing but its own revocation; unbound heeds that of trust anchors alone"
	}
	return ""
}

// weaklySigned reports whether a zone is signed with SHA-1.
func weaklySigned(s dnssectest.Spec) bool {
	return s.Denial != dnssectest.Unsigned && s.Algorithm == dns.RSASHA1NSEC3SHA1
}

// deniesWithoutWildcard reports whether an answer is an alias to a name of which an Opt-Out zone
// says that it does not exist, and does not prove that. NSD sends that for names below an empty
// non-terminal that is left out. If the alias is from a zone below with denials of its own in the
// reply, these are what is found at fault.
func deniesWithoutWildcard(s dnssectest.Spec, o snapshot.Observation) bool {
	return (s.Denial == dnssectest.OptOut || s.Denial == dnssectest.OptOutListed) && o.RCode == dns.RcodeNameError && len(o.Aliases) > 0 &&
		(o.Flaw.Reason == snapshot.FlawDenial || o.Flaw.Reason == snapshot.FlawSigner)
}

// zonesOf are those that names lie in, and the ones above.
func zonesOf(specs []dnssectest.Spec, names []string) iter.Seq[dnssectest.Spec] {
	return func(yield func(dnssectest.Spec) bool) {
		for _, s := range specs {
			within := func(name string) bool { return dns.IsSubDomain(s.Origin, dns.Fqdn(name)) }
			if slices.ContainsFunc(names, within) && !yield(s) {
				return
			}
		}
	}
}

// describe says how the zones of names are signed.
func describe(specs []dnssectest.Spec, names []string) string {
	var b strings.Builder
	for s := range zonesOf(specs, names) {
		fmt.Fprintf(&b, "%+v\n", s)
	}
	return b.String()
}

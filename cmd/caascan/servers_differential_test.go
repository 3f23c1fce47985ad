//go:build servers

package main

import (
	"fmt"
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
	pairs := 400
	if text := os.Getenv(differentialPairs); text != "" {
		pairs = atoi(t, text)
	}
	seed := rand.Uint64()
	if text := os.Getenv(differentialSeed); text != "" {
		seed = uint64(atoi(t, text))
	}
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	counts := make(map[string]int)
	compared := 0
	for n := 0; compared < pairs; n++ {
		t.Run(fmt.Sprintf("world %d", n), func(t *testing.T) {
			compared += compareWorld(t, random, counts)
		})
		if t.Failed() {
			break
		}
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%6d %s", counts[what], what)
	}
}

func atoi(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
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
				t.Errorf("%s: %s here, %s by unbound: %+v (flaw %v)\n%s", name, state, want, o, o.Flaw, describe(specs, name))
			}
		}
	}
	return len(got)
}

// sitesInAWorld is how many zones a world has below its top-level domains.
const sitesInAWorld = 24

// chanceWorld makes the zones of a world.
func chanceWorld(random *rand.Rand) []dnssectest.Spec {
	pick := func(list ...dnssectest.Denial) dnssectest.Denial { return list[random.IntN(len(list))] }
	specs := []dnssectest.Spec{{Origin: ".", Denial: pick(dnssectest.NSEC, dnssectest.NSEC3)}}
	denials := []dnssectest.Denial{dnssectest.NSEC, dnssectest.NSEC3, dnssectest.OptOut, dnssectest.OptOutListed}
	for i, denial := range denials {
		specs = append(specs, dnssectest.Spec{
			Origin: fmt.Sprintf("t%d.", i), Denial: denial, Algorithm: chanceAlgorithm(random), Split: random.IntN(2) == 0,
			Iterations: chanceIterations(random), Salt: []string{"", "c0ffee"}[random.IntN(2)],
			Text: "*.wild CAA 0 issuemail \"ca.example\"\n",
		})
		if i == 0 && random.IntN(3) == 0 {
			specs[len(specs)-1].Fault = dnssectest.Faults()[random.IntN(len(dnssectest.Faults()))]
		}
	}
	faults := dnssectest.Faults()
	for i := range sitesInAWorld {
		s := dnssectest.Spec{
			Origin: fmt.Sprintf("s%d.t%d.", i, random.IntN(len(denials))), Denial: pick(append(denials, dnssectest.Unsigned)...),
			Algorithm: chanceAlgorithm(random), Split: random.IntN(2) == 0, Iterations: chanceIterations(random),
			Salt: []string{"", "ab", "0123456789"}[random.IntN(3)], Digest: []uint8{0, 0, dns.SHA1, dns.SHA384}[random.IntN(4)],
		}
		if random.IntN(3) > 0 {
			s.Fault = faults[random.IntN(len(faults))]
		}
		if random.IntN(5) == 0 {
			s.Origin = "sub." + s.Origin // an empty non-terminal above
		}
		s.Text = chanceText(random)
		specs = append(specs, s)
		if random.IntN(4) == 0 {
			specs = append(specs, dnssectest.Spec{Origin: "child." + s.Origin, Denial: pick(append(denials, dnssectest.Unsigned)...), Text: chanceText(random)})
		}
	}
	return specs
}

func chanceAlgorithm(random *rand.Rand) uint8 {
	list := []uint8{dns.ECDSAP256SHA256, dns.ECDSAP256SHA256, dns.RSASHA256, dns.RSASHA512, dns.ECDSAP384SHA384, dns.ED25519}
	return list[random.IntN(len(list))]
}

func chanceIterations(random *rand.Rand) uint16 {
	list := []uint16{0, 0, 0, 1, 10, 150, 151}
	return list[random.IntN(len(list))]
}

// chanceText makes the records of a zone: some of what there can be.
func chanceText(random *rand.Rand) string {
	lines := []string{
		`@ CAA 0 issuemail "ca.example"`, `www A 192.0.2.1`, `a.b.ent CAA 0 issue "ca.example"`, `*.wild CAA 0 issuemail "ca.example"`, `near.wild A 192.0.2.1`,
		`*.empty A 192.0.2.1`, `alias CNAME www`, `dangling CNAME not-there`, `tree DNAME wild`, `*.made CNAME www`, `far CNAME ent`,
		fmt.Sprintf("out CNAME www.s%d.t%d.", random.IntN(sitesInAWorld), random.IntN(4)),
		fmt.Sprintf("over DNAME s%d.t%d.", random.IntN(sitesInAWorld), random.IntN(4)),
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
			"y.tree.", "tree.", "x.made.", "far.", "out.", "www.over.", "large.", "odd.", "no.", "x.y.no.", "wild.",
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
	if o.Flaw == nil || want == string(snapshot.Bogus) {
		return ""
	}
	of := specs[slices.IndexFunc(specs, func(s dnssectest.Spec) bool { return s.Origin == dns.Fqdn(o.Flaw.Zone) })]
	switch {
	case o.Flaw.Reason != snapshot.FlawNoMatch:
	case of.Fault == dnssectest.WeakDigest:
		return "RFC 4509, section 3: beside one with SHA-256 a DS record with SHA-1 does not count; unbound takes any of them"
	case of.Fault == dnssectest.Revoked:
		return "RFC 5011, section 2.1: a key that is revoked is used for nothing but its own revocation; unbound heeds that of trust anchors alone"
	}
	return ""
}

// describe says how the zones of a name are signed.
func describe(specs []dnssectest.Spec, name string) string {
	var b strings.Builder
	for _, s := range specs {
		if dns.IsSubDomain(s.Origin, dns.Fqdn(name)) {
			fmt.Fprintf(&b, "%+v\n", s)
		}
	}
	return b.String()
}

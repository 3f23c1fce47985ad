// Signed makes the world in which own DNSSEC validation is measured: a signed root, three signed
// top-level domains, and second-level domains that are zones of their own, some of them signed.
//
//	signed -out FOLDER [-domains N] [-signed SHARE]
//
// It writes zones.conf with every zone as NSD wants it, and the zones themselves: com leaves
// unsigned delegations out by NSEC3 Opt-Out, as it does in the DNS, net has NSEC3 without it, and
// org has NSEC. root.ds is the trust anchor; domains.txt and domains.dnsperf are the list, a
// domain a line, and domains.dnssec the same with the DS and DNSKEY queries of own validation.
// expected.csv says what a report has to say of each, and queries.txt is how many queries for DS
// and DNSKEY records own validation may send: for each domain that is not signed one, for each
// that is signed two, and those of the zones above.
//
// The same flags give the same domains; keys and signatures are new each time.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/miekg/dns"

	"caascan/scan/dnssec/dnssectest"
)

func main() {
	var out string
	var w world
	flag.StringVar(&out, "out", "", "`folder` for the files; it is made if it does not exist")
	flag.IntVar(&w.domains, "domains", 200_000, "second-level domains")
	flag.Float64Var(&w.signed, "signed", 0.1, "`share` of them that are signed, from 0 to 1")
	flag.Parse()
	if out == "" || flag.NArg() > 0 || w.domains < 1 || !(w.signed >= 0 && w.signed <= 1) {
		flag.Usage()
		os.Exit(2)
	}
	if err := w.write(out); err != nil {
		fmt.Fprintln(os.Stderr, "signed:", err)
		os.Exit(1)
	}
}

// tlds are the top-level domains, with their shares of the domains in percent.
var tlds = [...]struct {
	name   string
	denial dnssectest.Denial
	share  int
}{{"com", dnssectest.OptOut, 60}, {"net", dnssectest.NSEC3, 20}, {"org", dnssectest.NSEC, 20}}

// policies are what the zones of the domains hold, with their shares in percent. What is left are
// domains that are not there.
var policies = [...]struct {
	name, text, status, reason string
	share                      int
}{
	{"none", "@ A 192.0.2.1\n", "permitted", "no-caa", 87},
	{"listed", "@ CAA 0 issuemail \"digicert.com\"\n", "permitted", "issuer-listed", 4},
	{"denied", "@ CAA 0 issuemail \";\"\n", "denied", "no-issuer", 4},
}

// world is what is written, and its files.
type world struct {
	domains int
	signed  float64

	dir         string
	now         time.Time
	delegations map[string]*strings.Builder // by top-level domain
	queries     int
	conf        *file
}

// file is one that is being written; close says how that went.
type file struct {
	*bufio.Writer
	under *os.File
}

func (w *world) create(name string) (*file, error) {
	under, err := os.Create(filepath.Join(w.dir, name))
	if err != nil {
		return nil, err
	}
	return &file{bufio.NewWriterSize(under, 1<<20), under}, nil
}

func (f *file) close() error { return errors.Join(f.Flush(), f.under.Close()) }

// write writes all files of the world.
func (w *world) write(dir string) (err error) {
	w.dir, w.now, w.delegations = dir, time.Now(), make(map[string]*strings.Builder)
	for _, sub := range []string{"signed", "unsigned"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	if w.conf, err = w.create("zones.conf"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.conf.close()) }()
	if err := w.writeUnsigned(); err != nil {
		return err
	}
	if err := w.writeDomains(); err != nil {
		return err
	}
	return w.writeTop()
}

// writeUnsigned writes the zones that domains without DNSSEC share, which name no origin.
func (w *world) writeUnsigned() error {
	const head = "$TTL 86400\n@ SOA ns hostmaster 1 1800 900 604800 86400\n@ NS ns\nns A 192.0.2.53\n"
	for _, p := range policies {
		if err := os.WriteFile(filepath.Join(w.dir, "unsigned", p.name), []byte(head+p.text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// writeDomains draws the domains and writes the lists of them and their zones.
func (w *world) writeDomains() (err error) {
	lists := make(map[string]*file)
	for _, name := range []string{"domains.txt", "domains.dnsperf", "domains.dnssec", "expected.csv"} {
		if lists[name], err = w.create(name); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, lists[name].close()) }()
	}
	fmt.Fprintln(lists["expected.csv"], "domain,status,reason")
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range w.domains {
		tld := draw(random, len(tlds), func(i int) int { return tlds[i].share })
		name := fmt.Sprintf("company%d.%s", i, tlds[tld].name)
		status, reason, err := w.addDomain(random, name, tlds[tld].name)
		if err != nil {
			return err
		}
		fmt.Fprintln(lists["domains.txt"], name)
		fmt.Fprintln(lists["domains.dnsperf"], name+" CAA")
		fmt.Fprintf(lists["domains.dnssec"], "%[1]s CAA\n%[1]s DS\n%[1]s DNSKEY\n", name)
		fmt.Fprintf(lists["expected.csv"], "%s,%s,%s\n", name, status, reason)
	}
	return nil
}

// seed makes the domains of every world the same.
const seed = 4035

// draw returns one of n things by their shares in percent, n for none of them.
func draw(random *rand.Rand, n int, share func(int) int) int {
	at := random.IntN(100)
	for i := range n {
		if at -= share(i); at < 0 {
			return i
		}
	}
	return n
}

// addDomain adds a domain, and returns what a report has to say of it.
func (w *world) addDomain(random *rand.Rand, name, tld string) (status, reason string, err error) {
	kind := draw(random, len(policies), func(i int) int { return policies[i].share })
	signed := random.Float64() < w.signed
	if kind == len(policies) {
		return "permitted", "no-caa", nil // it is not there
	}
	policy := policies[kind]
	to := w.delegations[tld]
	if to == nil {
		to = new(strings.Builder)
		w.delegations[tld] = to
	}
	fmt.Fprintf(to, "%[1]s. NS ns.%[1]s.\n", name)
	if w.queries++; !signed {
		w.addZone(name, filepath.Join("unsigned", policy.name))
		return policy.status, policy.reason, nil
	}
	w.queries++
	spec := dnssectest.Spec{Origin: name + ".", Denial: dnssectest.NSEC3, Text: policy.text}
	ds, err := w.writeZone(spec, filepath.Join("signed", name))
	for _, rr := range ds {
		fmt.Fprintln(to, rr)
	}
	return policy.status, policy.reason, err
}

// addZone adds a zone to those of NSD.
func (w *world) addZone(name, path string) {
	fmt.Fprintf(w.conf, "zone:\n  name: %q\n  zonefile: %q\n", name, path)
}

// writeZone signs a zone and writes it. It returns the DS records.
func (w *world) writeZone(spec dnssectest.Spec, path string) (ds []dns.RR, err error) {
	records, ds, err := dnssectest.Zone(w.now, spec)
	if err != nil {
		return nil, err
	}
	f, err := w.create(path)
	if err != nil {
		return nil, err
	}
	for _, rr := range records {
		fmt.Fprintln(f, rr)
	}
	w.addZone(spec.Origin, path)
	return ds, f.close()
}

// writeTop writes the top-level domains, the root, its anchor, and how many queries there are.
func (w *world) writeTop() error {
	root := new(strings.Builder)
	for _, tld := range tlds {
		if w.delegations[tld.name] == nil {
			continue
		}
		w.queries += 2 // its DS records and its keys
		ds, err := w.writeZone(dnssectest.Spec{Origin: tld.name + ".", Denial: tld.denial, Text: w.delegations[tld.name].String()}, tld.name+".zone")
		if err != nil {
			return err
		}
		fmt.Fprintf(root, "%[1]s. NS ns.%[1]s.\n", tld.name)
		for _, rr := range ds {
			fmt.Fprintln(root, rr)
		}
	}
	w.queries++ // the keys of the root
	anchors, err := w.writeZone(dnssectest.Spec{Origin: ".", Denial: dnssectest.NSEC, Text: root.String()}, "root.zone")
	if err != nil {
		return err
	}
	anchor, queries := []byte(anchors[0].String()+"\n"), []byte(fmt.Sprintln(w.queries))
	return errors.Join(os.WriteFile(filepath.Join(w.dir, "root.ds"), anchor, 0o644), os.WriteFile(filepath.Join(w.dir, "queries.txt"), queries, 0o644))
}

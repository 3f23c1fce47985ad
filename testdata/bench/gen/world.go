package main

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// seed makes every world the same.
const seed = 9495

// tlds are the zones, with their shares of the domains in percent.
var tlds = [...]struct {
	name  string
	share int
}{{"com", 55}, {"net", 14}, {"org", 14}, {"de", 11}, {"io", 6}}

// world is what the zones hold.
type world struct {
	random  *rand.Rand
	zones   map[string]*bytes.Buffer // by top-level domain
	domains []name
	subs    []name
	taken   map[string]bool // the names of domains and subs
	sets    map[string]set  // the CAA RRsets by the names that own them
}

// name is a name of the world, without trailing dot.
type name struct {
	full, tld string
	// absent names are in no zone. NXDOMAIN is the answer, or NODATA if a name
	// below exists.
	absent bool
}

func newWorld(size sizes) *world {
	w := &world{
		random: rand.New(rand.NewPCG(seed, 0)),
		zones:  make(map[string]*bytes.Buffer), taken: make(map[string]bool), sets: make(map[string]set),
	}
	for _, t := range tlds {
		w.zones[t.name] = new(bytes.Buffer)
		fmt.Fprintf(w.zones[t.name], zoneHead, t.name)
	}
	for i := 0; len(w.domains) < size.domains; i++ {
		w.addDomain(label(i))
	}
	for len(w.subs) < size.subdomains {
		w.addSubdomain()
	}
	return w
}

// Records live for a day, negative answers too: a resolver that was asked once has
// all of them for as long as anything is measured.
const (
	zoneHead = "$ORIGIN %[1]s.\n$TTL 86400\n" +
		"@ SOA a.nic hostmaster.nic 1 1800 900 604800 86400\n@ NS a.nic\na.nic A 127.0.0.1\n"
	rootHead = "$ORIGIN .\n$TTL 86400\n" +
		"@ SOA a.root-server hostmaster.root-server 1 1800 900 604800 86400\n@ NS a.root-server\na.root-server A 127.0.0.1\n"
)

// writeRoot writes the root zone, by whose SOA record resolvers are probed.
func writeRoot(to *bufio.Writer) {
	_, _ = to.WriteString(rootHead)
	for _, t := range tlds {
		fmt.Fprintf(to, "%[1]s NS a.nic.%[1]s.\na.nic.%[1]s. A 127.0.0.1\n", t.name)
	}
}

// addDomain adds a second-level domain: 8 % have CAA records, 5 % do not exist.
func (w *world) addDomain(label string) {
	tld := w.drawTLD()
	n := name{full: label + "." + tld, tld: tld}
	if w.taken[n.full] {
		return
	}
	kind := w.random.IntN(100)
	n.absent = kind >= 95
	w.add(n, kind < 8)
	w.domains = append(w.domains, n)
}

// addSubdomain adds a name one or two labels below an early domain: 3 % have CAA
// records, 45 % do not exist.
func (w *world) addSubdomain() {
	parent := w.domains[w.random.IntN((len(w.domains)+4)/5)]
	sub := pick(w.random, prefixes[:]) + "."
	if w.random.IntN(5) == 0 {
		sub += pick(w.random, prefixes[:]) + "."
	}
	n := name{full: sub + parent.full, tld: parent.tld}
	if parent.absent || w.taken[n.full] {
		return
	}
	kind := w.random.IntN(100)
	n.absent = kind >= 55
	w.add(n, kind < 3)
	w.subs = append(w.subs, n)
}

// add puts a name into its zone.
func (w *world) add(n name, restricted bool) {
	w.taken[n.full] = true
	if n.absent {
		return
	}
	zone := w.zones[n.tld]
	fmt.Fprintf(zone, "%s. A 192.0.2.1\n", n.full)
	if !restricted {
		return
	}
	w.sets[n.full] = drawSet(w.random)
	for _, record := range w.sets[n.full].records {
		fmt.Fprintf(zone, "%s. CAA %s\n", n.full, record)
	}
}

func (w *world) drawTLD() string {
	at := w.random.IntN(100)
	for _, t := range tlds {
		if at -= t.share; at < 0 {
			return t.name
		}
	}
	panic("the shares of the top-level domains are less than 100 %")
}

// expected is the verdict for a name: that of the first RRset on the way up (RFC
// 8659, section 3).
func (w *world) expected(n name) verdict {
	for at, more := n.full, true; more; _, at, more = strings.Cut(at, ".") {
		if s, ok := w.sets[at]; ok {
			return s.verdict
		}
	}
	return noCAA
}

// all returns domains and subdomains.
func (w *world) all() []name { return slices.Concat(w.domains, w.subs) }

func (w *world) writeExpected(to *bufio.Writer) {
	_, _ = to.WriteString("domain,status,reason\n")
	for _, n := range w.all() {
		v := w.expected(n)
		fmt.Fprintf(to, "%s,%s,%s\n", n.full, v.status, v.reason)
	}
}

func (w *world) writeDomains(to *bufio.Writer) {
	for _, n := range w.domains {
		_, _ = to.WriteString(n.full + "\n")
	}
}

func (w *world) writeDomainQueries(to *bufio.Writer) {
	for _, n := range w.domains {
		_, _ = to.WriteString(n.full + " CAA\n")
	}
}

// writeAllQueries asks for every name that a climb can lead to.
func (w *world) writeAllQueries(to *bufio.Writer) {
	names := make(map[string]bool)
	for _, n := range w.all() {
		for at, more := n.full, true; more; _, at, more = strings.Cut(at, ".") {
			names[at] = true
		}
	}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		_, _ = to.WriteString(n + " CAA\n")
	}
}

// label is the label of the i-th domain: four syllables, and a number on every third.
func label(i int) string {
	var b strings.Builder
	for k, x := 0, i*7919+13; k < 4; k, x = k+1, x/numSyllables {
		b.WriteString(syllable(x % numSyllables))
	}
	if i%3 == 0 {
		b.WriteString(strconv.Itoa(i % 97))
	}
	return b.String()
}

const syllables = "babebibocacodadedidofafigagokakilalelilomamemimonaneninopapeporarerirosasesisotatetitovavevivozazezo"

const numSyllables = len(syllables) / 2

func syllable(i int) string { return syllables[2*i : 2*i+2] }

var prefixes = [...]string{
	"mail", "smtp", "mx", "students", "staff", "it", "eu", "us", "corp", "dev", "news", "shop", "cs", "hr", "m",
}

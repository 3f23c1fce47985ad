// Gen makes the world of the benchmarks: master files for a name server, lists for
// caascan, queries for dnsperf, and what caascan has to say of every domain.
//
//	gen -out FOLDER [-domains N] [-subdomains N] [-rows N]
//
// It writes root.zone and a zone for each of com, net, org, de and io; domains.txt;
// mailboxes.csv, whose rows are spread over the domains and subdomains as those of
// customers are, a few domains often and most seldom; domains.dnsperf, and
// names.dnsperf with the subdomains and all parents too; and expected.csv. The same
// flags give the same files.
//
// What stands in expected.csv does not come from caascan: each CAA RRset is made
// together with what RFC 9495 says of it.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	var out string
	var size sizes
	flag.StringVar(&out, "out", "", "`folder` for the files; it is made where it does not exist")
	flag.IntVar(&size.domains, "domains", 200_000, "second-level domains")
	flag.IntVar(&size.subdomains, "subdomains", 50_000, "names below them")
	flag.IntVar(&size.rows, "rows", 1_000_000, "mailboxes")
	flag.Parse()
	if out == "" || flag.NArg() > 0 || !size.possible() {
		flag.Usage()
		os.Exit(2)
	}
	if err := generate(out, size); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// sizes say how large a world is.
type sizes struct{ domains, subdomains, rows int }

// possible reports whether there are enough labels for so many names.
func (s sizes) possible() bool {
	const mostDomains, subdomainsEach = 2_000_000, 2
	return s.domains > 0 && s.domains <= mostDomains && s.rows >= 0 &&
		s.subdomains >= 0 && s.subdomains <= subdomainsEach*s.domains
}

// generate writes all files of a world into a folder.
func generate(dir string, size sizes) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	w := newWorld(size)
	files := map[string]func(*bufio.Writer){
		"root.zone":       writeRoot,
		"domains.txt":     w.writeDomains,
		"domains.dnsperf": w.writeDomainQueries,
		"names.dnsperf":   w.writeAllQueries,
		"expected.csv":    w.writeExpected,
		"mailboxes.csv":   func(to *bufio.Writer) { w.writeMailboxes(to, size.rows) },
	}
	for _, t := range tlds {
		files[t.name+".zone"] = func(to *bufio.Writer) { _, _ = w.zones[t.name].WriteTo(to) }
	}
	for name, write := range files {
		if err := writeFile(filepath.Join(dir, name), write); err != nil {
			return err
		}
	}
	return nil
}

// writeFile has a file written. bufio keeps the first error for Flush.
func writeFile(path string, write func(*bufio.Writer)) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	to := bufio.NewWriterSize(file, 1<<20)
	write(to)
	return errors.Join(to.Flush(), file.Close())
}

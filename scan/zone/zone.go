package zone

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"caascan/scan/domain"
)

// Zone is the contents of one master file: a complete zone with one SOA record.
// It never changes and is safe for concurrent use.
type Zone struct {
	apex        name
	file        string
	records     []record       // in the order of the file, without duplicates
	nodes       map[name]*node // every name that exists, empty non-terminals too
	negativeTTL uint32
}

// node is a name that exists in a zone. An empty non-terminal has no sets.
type node struct{ sets []rrset }

// rrset is the records of one name and type.
type rrset struct {
	typ   uint16
	ttl   uint32 // the least of its records (RFC 2181, section 5.2)
	rdata []string
}

// Record is one record of a Zone.
type Record struct {
	Name    string // in lower case without a trailing dot, escaped by RFC 1035, section 5.1; "." is the root
	Type    uint16
	TTL     uint32 // in seconds, that of the RRset
	RDATA   []byte // the octets of the wire form, uncompressed
	Comment string // in or after the record, without semicolon, up to 1,024 octets
}

// Load reads the master file at path and the files it includes, which must lie
// in its folder or below. An error says which file and line to mend:
// "demo.zone:12: CAA record: flags, tag and one value, not 2 items".
func Load(path string) (*Zone, error) { return LoadOrigin(path, domain.Name{}) }

// LoadOrigin is Load of a file whose names are relative to an origin until it says
// $ORIGIN, as a name server's configuration gives it; the zero Name is none.
func LoadOrigin(path string, origin domain.Name) (*Zone, error) {
	var l loader
	if !origin.IsZero() {
		l.origin = origin.String() + "."
	}
	if err := l.open(path); err != nil {
		return nil, err
	}
	return l.zone(path)
}

// Parse reads a master file from r, which messages call file. $INCLUDE is an
// error: there is no folder to include from.
func Parse(r io.Reader, file string) (*Zone, error) {
	var l loader
	if err := l.read(r, file); err != nil {
		return nil, err
	}
	return l.zone(file)
}

// Apex returns the name of the zone, spelt like Record.Name.
func (z *Zone) Apex() string { return z.apex.String() }

// File returns the base name of the master file.
func (z *Zone) File() string { return z.file }

// Records yields the records in the order of the file. Of equal records only the
// first is there.
func (z *Zone) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for _, r := range z.records {
			ttl := z.nodes[r.owner].find(r.typ).ttl
			if !yield(Record{r.owner.String(), r.typ, ttl, []byte(r.rdata), r.comment}) {
				return
			}
		}
	}
}

// find returns the node's RRset of a type, or nil.
func (n *node) find(typ uint16) *rrset {
	for i := range n.sets {
		if n.sets[i].typ == typ {
			return &n.sets[i]
		}
	}
	return nil
}

// open reads the file at path, and lets it include those in its folder.
func (l *loader) open(path string) error {
	input, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("zone file: %w", err)
	}
	defer func() { _ = input.Close() }() // it was only read
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("folder of zone file %s: %w", path, err)
	}
	defer func() { _ = folder.Close() }()
	l.folder, l.dir = folder, filepath.Dir(path)
	return l.read(input, path)
}

func (l *loader) read(input io.Reader, file string) error {
	r := &reader{loader: l, file: file, path: filepath.Base(file), scanner: newScanner(input, 1), origin: l.origin, ttl: defaultTTL}
	return r.read()
}

// zone returns the records read as a zone.
func (l *loader) zone(file string) (*Zone, error) {
	apex, err := l.apex()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	z := &Zone{apex: apex, file: filepath.Base(file), nodes: make(map[name]*node)}
	if err := l.fill(z); err != nil {
		return nil, err
	}
	z.negativeTTL = negativeTTL(*z.nodes[apex].find(dns.TypeSOA))
	return z, nil
}

// apex returns the owner of the SOA record, which need not come first.
func (l *loader) apex() (name, error) {
	for _, r := range l.records {
		if r.typ == dns.TypeSOA {
			return r.owner, nil
		}
	}
	return "", errors.New("no SOA record, so this is not a zone")
}

// fill puts the records into the zone. Those that a record before them equals
// only count for the TTL (RFC 2181, section 5).
func (l *loader) fill(z *Zone) error {
	seen := make(map[record]bool, len(l.records))
	for _, r := range l.records {
		key := r.record
		key.comment = ""
		set, err := z.set(r.record, r.ttl)
		if err == nil && !seen[key] {
			err = z.add(r.record, set)
		}
		if err != nil {
			return &lineError{r.place, err}
		}
		seen[key] = true
	}
	return nil
}

// set returns the RRset that r belongs to, made if there was none, with r's
// TTL counted in.
func (z *Zone) set(r record, ttl uint32) (*rrset, error) {
	if !r.owner.within(z.apex) {
		return nil, fmt.Errorf("%s is outside the zone %s", quote(r.owner.String()), quote(z.Apex()))
	}
	n := z.node(r.owner)
	if set := n.find(r.typ); set != nil {
		set.ttl = min(set.ttl, ttl)
		return set, nil
	}
	n.sets = append(n.sets, rrset{typ: r.typ, ttl: ttl})
	if n.find(dns.TypeCNAME) != nil && slices.ContainsFunc(n.sets, barredByCNAME) {
		return nil, fmt.Errorf("%s has a CNAME record and other data", quote(r.owner.String()))
	}
	return &n.sets[len(n.sets)-1], nil
}

// barredByCNAME reports whether an RRset cannot be beside a CNAME record
// (RFC 2181, section 10.1; RFC 4034, sections 3 and 4).
func barredByCNAME(set rrset) bool {
	return set.typ != dns.TypeCNAME && set.typ != dns.TypeRRSIG && set.typ != dns.TypeNSEC
}

// add puts a record into its RRset.
func (z *Zone) add(r record, set *rrset) error {
	switch {
	case r.typ == dns.TypeSOA && (r.owner != z.apex || len(set.rdata) > 0):
		return errors.New("a second SOA record: a file holds one zone")
	case (r.typ == dns.TypeCNAME || r.typ == dns.TypeDNAME) && len(set.rdata) > 0 && lower(set.rdata[0]) == lower(r.rdata):
		return nil // the same name in other letters
	case (r.typ == dns.TypeCNAME || r.typ == dns.TypeDNAME) && len(set.rdata) > 0:
		// RFC 2181, section 10.1; RFC 6672, section 2.4.
		return fmt.Errorf("%s has a second %s record", quote(r.owner.String()), dns.Type(r.typ))
	case r.typ == dns.TypeDNAME && strings.HasPrefix(string(r.owner), string(wildcard)):
		// RFC 4592, section 4.4, lets a server reject it.
		return fmt.Errorf("%s: a wildcard cannot have a DNAME record", quote(r.owner.String()))
	}
	set.rdata = append(set.rdata, r.rdata)
	z.records = append(z.records, r)
	return nil
}

// node returns the node of a name, made if there was none: then all names
// between it and the apex exist too (RFC 4592, section 2.2.2).
func (z *Zone) node(n name) *node {
	found := z.nodes[n]
	if found != nil {
		return found
	}
	if n != z.apex {
		z.node(n.parent())
	}
	found = new(node)
	z.nodes[n] = found
	return found
}

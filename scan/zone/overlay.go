package zone

import (
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"caascan/scan/caa"
)

// Overlay is CAA RRsets that somebody plans to publish, each of them whole. A nil
// Overlay has none. It never changes and is safe for concurrent use.
type Overlay struct{ sets map[string]Planned }

// Planned is an RRset of an Overlay, sorted by RDATA. Its TTL is the least of its
// records, in seconds.
type Planned struct {
	caa.RRset
	TTL  uint32
	file string
}

// LoadOverlay reads master files that hold CAA records alone: no SOA record, and of
// any zone. It is an error, which says the file and the line, if another record is
// there, a wildcard, or a name that an earlier file has already: half a set in each
// would be none that anybody could publish.
func LoadOverlay(paths ...string) (*Overlay, error) {
	o := &Overlay{sets: make(map[string]Planned)}
	for _, path := range paths {
		var l loader
		if err := l.open(path); err != nil {
			return nil, err
		}
		if err := o.add(l.records, path); err != nil {
			return nil, err
		}
	}
	o.finish()
	return o, nil
}

// ParseOverlay is LoadOverlay of one file, read from r, which messages call file.
func ParseOverlay(r io.Reader, file string) (*Overlay, error) {
	o := &Overlay{sets: make(map[string]Planned)}
	var l loader
	if err := l.read(r, file); err != nil {
		return nil, err
	}
	if err := o.add(l.records, file); err != nil {
		return nil, err
	}
	o.finish()
	return o, nil
}

func (o *Overlay) add(records []loaded, file string) error {
	for _, r := range records {
		if err := o.addRecord(r, file); err != nil {
			return &lineError{r.place, err}
		}
	}
	return nil
}

func (o *Overlay) addRecord(r loaded, file string) error {
	owner := r.owner.String()
	if r.typ != dns.TypeCAA {
		return fmt.Errorf("%s record at %s: an overlay may hold CAA records only", dns.Type(r.typ), quote(owner))
	}
	if strings.HasPrefix(string(r.owner), string(wildcard)) {
		// Which names it would be for depends on all that exist (RFC 4592, section 2.2).
		return fmt.Errorf("%s is a wildcard: an overlay must hold the names themselves", quote(owner))
	}
	p, err := caa.ParseRDATA([]byte(r.rdata))
	if err != nil {
		return err
	}
	set, known := o.sets[owner]
	if !known {
		set = Planned{RRset: caa.RRset{Owner: owner}, TTL: r.ttl, file: file}
	}
	if set.file != file {
		return fmt.Errorf("%s has records in %s too: give its whole set in one overlay", quote(owner), set.file)
	}
	set.TTL = min(set.TTL, r.ttl)
	set.Properties = append(set.Properties, p)
	o.sets[owner] = set
	return nil
}

// finish sorts the sets. Equal records count once (RFC 2181, section 5).
func (o *Overlay) finish() {
	for owner, set := range o.sets {
		slices.SortFunc(set.Properties, func(a, b caa.Property) int { return strings.Compare(a.RDATA(), b.RDATA()) })
		set.Properties = slices.Compact(set.Properties)
		o.sets[owner] = set
	}
}

// Find returns the set of an owner, spelt like Record.Name, and whether there is one.
func (o *Overlay) Find(owner string) (Planned, bool) {
	if o == nil {
		return Planned{}, false
	}
	set, known := o.sets[owner]
	return set, known
}

// All yields the sets, by owner.
func (o *Overlay) All() iter.Seq[Planned] {
	return func(yield func(Planned) bool) {
		if o == nil {
			return
		}
		for _, owner := range slices.Sorted(maps.Keys(o.sets)) {
			if !yield(o.sets[owner]) {
				return
			}
		}
	}
}

// Len returns the number of sets.
func (o *Overlay) Len() int { return len(o.sets) }

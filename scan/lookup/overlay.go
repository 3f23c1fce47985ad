package lookup

import (
	"caascan/scan/domain"
	"caascan/scan/snapshot"
	"caascan/scan/zone"
)

// plan puts what an overlay knows of names into the Store, as if they had been asked
// already. What it knows of names that can only be reached through an alias is looked
// for there.
func plan(store *snapshot.Store, overlay *zone.Overlay) {
	for set := range overlay.All() {
		name, err := domain.Parse(set.Owner)
		if err != nil || name.String() != set.Owner {
			continue
		}
		o := snapshot.Observation{Name: name, Records: set.RRset, TTL: set.TTL}
		markPlanned(&o)
		store.Drop(name) // and what was kept beside it
		store.Put(o)
	}
}

// recall puts an answer of an earlier run, taken without the overlay, into the Store as it
// would have been with it.
func recall(store *snapshot.Store, overlay *zone.Overlay, o snapshot.Observation) {
	store.Put(recalled(overlay, o))
}

// recalled is an answer of an earlier run as it would have been with the overlay: what the
// overlay knows of the first of the name's aliases that it knows takes the place of what was
// behind that. For the names themselves plan has the last word.
func recalled(overlay *zone.Overlay, o snapshot.Observation) snapshot.Observation {
	for i, alias := range o.Aliases {
		if set, known := overlay.Find(alias); known {
			o = snapshot.Observation{
				Name: o.Name, Aliases: o.Aliases[:i+1], Records: set.RRset, TTL: min(o.TTL, set.TTL),
				Time: o.Time, Attempts: o.Attempts,
			}
			if set.TTL > o.TTL {
				o.RecordsTTL = set.TTL
			}
			markPlanned(&o)
			break
		}
	}
	return o
}

// markPlanned says that nobody has answered so: nothing is known of who would, or of
// its validation.
func markPlanned(o *snapshot.Observation) {
	o.Server, o.Transport = string(snapshot.Overlay), snapshot.Overlay
	o.RCode, o.AD, o.Validated = 0, false, false
}

// planned ends a chain at a name that the overlay knows, whatever lies behind it in the
// DNS.
func (s *step) planned(next chain) (chain, bool) {
	set, known := s.overlay.Find(next.end(s.obs.Name))
	if !known {
		return next, false
	}
	next.set, next.setTTL, next.ttl = set.RRset, set.TTL, min(next.ttl, set.TTL)
	next.planned = true
	return next, true
}

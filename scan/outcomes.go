package scan

// outcomes keeps the Outcomes that were made last, by what they depend on, and at most so
// many: those that nearly all domains of a list share stay in use, those of single domains
// come and go. An Outcome is a pure function of the answers, so one that is gone is made
// again; a list of a million domains with records of their own holds no million of them.
type outcomes struct {
	made  map[climbKey]stamp
	ring  [mostOutcomes]keptOutcome
	first stamp // the oldest that is kept
	next  stamp // of the next one
	size  int   // octets of all that are kept, about
}

// stamp numbers the Outcomes in the order in which they were made, from 1. It is used
// once: an Outcome that is made again has another.
type stamp uint32

type keptOutcome struct {
	key     climbKey
	outcome *Outcome
	size    int
}

// The bounds of what is kept. Of 180,000 domains, 8 % with records of their own and 2 %
// without an answer, 18,000 have an Outcome of their own, with three CAs 1,500 octets: if
// fewer are kept, each comes to be made again for every fourth row or so of such a domain.
// A set may have 4,000 records, and is in the fix for each CA too.
const (
	mostOutcomes    = 1 << 15
	mostOutcomeSize = 32 << 20 // octets
)

func newOutcomes() *outcomes {
	return &outcomes{made: make(map[climbKey]stamp), first: 1, next: 1}
}

// at returns the Outcome with a stamp, nil if it is not kept any more.
func (c *outcomes) at(s stamp) *Outcome {
	if s < c.first || s >= c.next {
		return nil
	}
	return c.ring[s%mostOutcomes].outcome
}

// find returns the stamp of the Outcome for a key, 0 if there is none.
func (c *outcomes) find(key climbKey) stamp { return c.made[key] }

// add keeps an Outcome, and lets the oldest go if they are too many or too large.
func (c *outcomes) add(key climbKey, o *Outcome) stamp {
	size := o.size()
	for c.next-c.first == mostOutcomes || c.first < c.next && c.size+size > mostOutcomeSize {
		c.dropFirst()
	}
	s := c.next
	c.next++
	c.ring[s%mostOutcomes] = keptOutcome{key, o, size}
	c.made[key] = s
	c.size += size
	return s
}

func (c *outcomes) dropFirst() {
	oldest := &c.ring[c.first%mostOutcomes]
	delete(c.made, oldest.key)
	c.size -= oldest.size
	*oldest = keptOutcome{}
	c.first++
}

// size is about how many octets an Outcome takes that the Store does not have: of a record
// in a fix its place alone, unless the fix has it without its critical mark.
func (o *Outcome) size() int {
	const fixed, each, place = 384, 64, 16
	size, changed := fixed, 0
	for _, p := range o.Records.Properties {
		if p.UnknownCritical() {
			changed += len(p.RDATA())
		}
	}
	for i := range o.Decisions {
		d := &o.Decisions[i]
		size += each + len(d.Detail)
		if d.Fix != nil {
			size += 3*each + place*cap(d.Fix.Set) + changed
		}
	}
	return size
}

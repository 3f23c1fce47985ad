package snapshot

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// checkWords holds what comes from closed sets, and the names from the DNS, to what
// they can be.
func (l *line) checkWords() error {
	switch {
	case !slices.Contains(recorded[:], l.Transport):
		return fmt.Errorf("transport %q: no answer comes that way", l.Transport)
	case l.Failure != "" && !slices.Contains(Failures(), l.Failure):
		return fmt.Errorf("unknown failure %q", l.Failure)
	case l.Mark != "" && !slices.Contains(Marks(), l.Mark):
		return fmt.Errorf("unknown mark %q", l.Mark)
	case l.Attempts < 0:
		return fmt.Errorf("attempts %d: there cannot be fewer than none", l.Attempts)
	}
	names := append([]string{l.Owner, l.Asked}, l.Aliases...)
	for _, p := range l.Proof {
		if !slices.Contains(ProofStates(), p.State) {
			return fmt.Errorf("unknown state %q of a proof", p.State)
		}
		names = append(names, p.Name)
		for _, s := range p.Steps {
			if !slices.Contains(Findings(), s.Finding) {
				return fmt.Errorf("unknown finding %q of a proof", s.Finding)
			}
			names = append(names, s.Name)
		}
	}
	for _, name := range names {
		if !isSpelling(name) {
			return fmt.Errorf("%q is not a name as a zone file spells it", name)
		}
	}
	return nil
}

// recorded are the ways in which an answer comes that is evidence.
var recorded = [...]Transport{UDP, TCP, TLS, HTTPS, Zone}

// maxSpelling is the most octets that a name may be spelt with: each of its 255 as four.
const maxSpelling = 4 * 255

// isSpelling reports whether a name from the DNS could be spelt so, which is printable
// ASCII alone.
func isSpelling(name string) bool {
	for i := range len(name) {
		if name[i] < ' ' || name[i] > '~' {
			return false
		}
	}
	return len(name) <= maxSpelling
}

// checkSense finds what does not go together. An answer that has lost its failure, for
// one, would read as an empty one, which permits.
func (l *line) checkSense(o *Observation) error {
	if err := l.checkOwn(); err != nil {
		return err
	}
	switch answered := l.RCode != "" && (o.RCode == noError || o.RCode == nxdomain); {
	case l.Failure == "" && !answered:
		return fmt.Errorf("rcode %q and no failure: that is not an answer", l.RCode)
	case l.Failure != "" && len(l.CAA) > 0:
		return fmt.Errorf("failure %q and records: it is one or the other", l.Failure)
	case len(l.CAA) > 0 && o.RCode != noError:
		return fmt.Errorf("rcode %q and records: it is one or the other", l.RCode)
	case len(l.CAA) == 0 && (l.Owner != "" || l.SetTTL != 0):
		return fmt.Errorf("an owner or records_ttl and no records")
	case l.Failure == "" && l.Asked != "":
		return fmt.Errorf("asked %q and no failure: nobody else was asked", l.Asked)
	case l.Failure == "" && o.Name.IsTLD() && o.NameNotFound():
		return fmt.Errorf("rcode %q of a top-level domain and no failure", l.RCode)
	case l.Failure == "" && l.Mark != "":
		return fmt.Errorf("mark %q and no failure: what it says of an answer is that it does not count", l.Mark)
	case l.Mark == MarkRoot && l.Failure != Network:
		return fmt.Errorf("mark %q and failure %q: that mark makes an answer %s", l.Mark, l.Failure, Network)
	case l.Failure != Filtered && l.Mark != "" && l.Mark != MarkAfterServFail && l.Mark != MarkKeys && l.Mark != MarkRoot:
		return fmt.Errorf("mark %q and failure %q: that mark makes an answer %s", l.Mark, l.Failure, Filtered)
	case l.Failure == "" && EDEFailure(o.RCode, o.EDE) != "":
		return fmt.Errorf("an Extended DNS Error that makes a failure of an answer, and no failure")
	case len(l.Aliases) > maxAliases:
		return fmt.Errorf("%d aliases: no lookup follows so many", len(l.Aliases))
	}
	touched := append([]string{l.Name}, l.Aliases...)
	for i, p := range o.Proofs {
		if i < len(touched) && p.Name != touched[i] {
			return fmt.Errorf("a proof of %q where that of %q belongs", p.Name, touched[i])
		}
		if (p.State == ProvenInsecure) != endsUnsigned(p.Steps) {
			return fmt.Errorf("the proof of %q: its steps do not show that it is %s", p.Name, p.State)
		}
		for _, s := range p.Steps {
			if p.Name != s.Name && !strings.HasSuffix(p.Name, "."+s.Name) {
				return fmt.Errorf("the proof of %q: %q is not on the way to it", p.Name, s.Name)
			}
		}
	}
	return nil
}

// maxAliases is how many names a lookup follows at most: a bound of ours, because RFC 1034, section
// 3.6.2, gives none.
const maxAliases = 16

// endsUnsigned reports whether the last step is a delegation to a zone that is provably
// not signed.
func endsUnsigned(steps []ProofStep) bool {
	if len(steps) == 0 {
		return false
	}
	switch steps[len(steps)-1].Finding {
	case InsecureDelegation, OptOutDelegation:
		return true
	case SignedDelegation, NoDelegation, NothingBelow, Unproven:
	}
	return false
}

// plainText returns a text that no lookup has escaped, such as the name of a zone file,
// with what could act on a terminal replaced.
func plainText(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

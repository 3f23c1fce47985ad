package dnssec

import (
	"crypto/sha256"

	"github.com/miekg/dns"
)

// Memory remembers which signatures have been verified, so that what comes with many replies,
// as a zone's closest encloser does, is verified once. The zero Memory, and nil, is empty;
// nil stays so. It must not be used from several goroutines at once.
type Memory struct {
	recent, old map[memoryKey]struct{}
	// Verified counts the signatures that were verified, Known those that were remembered, and
	// Wasted the verifications that have failed.
	Verified, Known, Wasted int
}

type memoryKey [sha256.Size]byte

// memorySize is how many signatures are remembered at the most, of those last met.
const memorySize = 4096

// key is of everything that verifying a signature depends on.
func (m *Memory) key(s *rrset, key *dns.DNSKEY, signature *dns.RRSIG) memoryKey {
	if m == nil {
		return memoryKey{}
	}
	h := sha256.New()
	buffer := make([]byte, 0, 1024)
	for _, rr := range append([]dns.RR{key, signature}, s.records...) {
		size := dns.Len(rr) + 1
		if cap(buffer) < size {
			buffer = make([]byte, 0, size)
		}
		end, err := dns.PackRR(rr, buffer[:size], 0, nil, false)
		if err != nil {
			return memoryKey{} // which is never remembered
		}
		h.Write(buffer[:end])
	}
	return memoryKey(h.Sum(nil))
}

func (m *Memory) knows(key memoryKey) bool {
	if m == nil || key == (memoryKey{}) {
		return false
	}
	_, found := m.recent[key]
	if !found {
		if _, found = m.old[key]; found {
			m.put(key)
		}
	}
	if found {
		m.Known++
	}
	return found
}

func (m *Memory) remember(key memoryKey) {
	if m == nil || key == (memoryKey{}) {
		return
	}
	m.Verified++
	m.put(key)
}

// waste counts a verification that has failed.
func (m *Memory) waste() {
	if m != nil {
		m.Wasted++
	}
}

// put keeps a key. Once the recent ones are half of all, the older half is forgotten.
func (m *Memory) put(key memoryKey) {
	if m.recent == nil || len(m.recent) >= memorySize/2 {
		m.recent, m.old = make(map[memoryKey]struct{}), m.recent
	}
	m.recent[key] = struct{}{}
}

package snapshot

import (
	"encoding/binary"
	"strings"
	"time"

	"caascan/scan/caa"
)

// rest is what most answers do not have. It is shared by all that have the same set of
// records at their own names and nothing more.
type rest struct {
	set  *set   // nil if there are no records
	more string // what else there is, as packer packs it; mostly ""
}

// set is properties; those of many answers are the same.
type set struct{ properties []caa.Property }

func (r *rest) properties() []caa.Property {
	if r == nil || r.set == nil {
		return nil
	}
	return r.set.properties
}

// The first octet of more.
const (
	failed       = 1 << iota // there is a failure
	ownerAtName              // the owner of the records is the name
	ownerAtAlias             // it is the last alias
	ownTime                  // the time is here, because an entry cannot tell it
	flawed                   // there is a Flaw
	expires                  // there is the end of a signature
)

// words are texts that repeat, such as the servers, kept once each.
type words struct {
	list []string
	at   map[string]uint64
}

// The bounds of what is kept of texts that may all differ, such as those of EDE.
const (
	mostWords   = 4096
	longestWord = 1024 // octets
)

// place returns that of a text, and whether it has one.
func (w *words) place(text string) (place uint64, found bool) {
	if place, found = w.at[text]; found {
		return place, true
	}
	if len(w.list) >= mostWords || len(text) > longestWord {
		return 0, false
	}
	if w.at == nil {
		w.at = make(map[string]uint64)
	}
	place = uint64(len(w.list))
	text = strings.Clone(text) // not the message that it is from
	w.list = append(w.list, text)
	w.at[text] = place
	return place, true
}

// packer packs what an Observation has of its own into few octets: names as parts of
// names, and texts that repeat as their places among the words.
type packer struct {
	words *words
	names []string // the name, and its aliases as far as they are packed
	at    int64    // of the Observation, in nanoseconds
	out   []byte
}

func (p *packer) pack(o *Observation) string {
	p.names = append(p.names[:0], o.Name.String())
	p.out = append(p.out[:0], 0)
	p.word(string(o.Failure))
	p.number(uint64(len(o.Aliases)))
	for _, alias := range o.Aliases {
		p.name(alias)
		p.names = append(p.names, alias)
	}
	last := len(o.Aliases) - 1
	switch owner := o.Records.Owner; {
	case owner == p.names[0]:
		p.out[0] |= ownerAtName
	case last >= 0 && owner == o.Aliases[last]:
		p.out[0] |= ownerAtAlias
	default:
		p.name(owner)
	}
	p.name(o.Asked)
	p.word(string(o.Mark))
	p.number(uint64(o.RecordsTTL))
	p.number(uint64(len(o.EDE)))
	for _, e := range o.EDE {
		p.number(uint64(e.Code))
		p.word(e.Text)
	}
	p.number(uint64(len(o.Proofs)))
	for i := range o.Proofs {
		p.proof(&o.Proofs[i])
	}
	if o.Failure != "" {
		p.out[0] |= failed
	}
	if p.at == 0 && !o.Time.IsZero() {
		p.out[0] |= ownTime
		p.time(o.Time)
	}
	if o.Flaw != nil {
		p.out[0] |= flawed
		p.flaw(o.Flaw)
	}
	if !o.Expires.IsZero() {
		p.out[0] |= expires
		p.time(o.Expires)
	}
	return string(p.out)
}

func (p *packer) flaw(f *Flaw) {
	p.word(string(f.Reason))
	p.name(f.Zone)
	p.name(f.Owner)
	p.word(f.Type)
	p.number(uint64(f.KeyTag)<<8 | uint64(f.Algorithm))
	p.time(f.Inception)
	p.time(f.Expiration)
}

func (p *packer) proof(proof *Proof) {
	p.name(proof.Name)
	p.word(string(proof.State))
	p.number(uint64(len(proof.Steps)))
	for i := range proof.Steps {
		s := &proof.Steps[i]
		p.name(s.Name)
		p.word(string(s.Finding))
		p.word(s.Server)
		p.number(uint64(s.RCode)<<2 | bit(s.Replied)<<1 | bit(s.AD))
		p.time(s.Time)
	}
}

func bit(set bool) uint64 {
	if set {
		return 1
	}
	return 0
}

func (p *packer) number(n uint64) { p.out = binary.AppendUvarint(p.out, n) }

// The forms of a text; of a word, the places of the others follow.
const (
	literal = iota
	withName
	forms
)

// literal packs a text that occurs once.
func (p *packer) literal(text string) {
	p.number(uint64(len(text)))
	p.out = append(p.out, text...)
}

// nameMark is the name in a text that has no such octet.
const nameMark = "\x00"

// word packs a text that may repeat, or of which nothing but the name differs: that is no
// word, or the texts of a few thousand names would take the places of all others.
func (p *packer) word(text string) {
	name := p.names[0]
	named := len(name) > 1 && !strings.Contains(text, nameMark) && strings.Contains(text, name)
	if named {
		p.number(withName)
		p.literal(strings.ReplaceAll(text, name, nameMark))
		return
	}
	if place, found := p.words.place(text); found {
		p.number(forms + place)
		return
	}
	p.number(literal)
	p.literal(text)
}

// name packs a name: as the end of one that is packed already, if it is that.
func (p *packer) name(name string) {
	for i, longer := range p.names {
		if strings.HasSuffix(longer, name) {
			p.number(uint64(i) + 1)
			p.number(uint64(len(longer) - len(name)))
			return
		}
	}
	p.number(literal)
	p.literal(name)
}

// The forms of a time.
const (
	noTime    = iota
	nearTime  // so many nanoseconds after that of the Observation
	otherTime // seconds, and nanoseconds of a second
)

func (p *packer) time(t time.Time) {
	switch at := nanoseconds(t); {
	case t.IsZero():
		p.number(noTime)
	case at != 0:
		p.number(nearTime)
		p.out = binary.AppendVarint(p.out, at-p.at)
	default:
		p.number(otherTime)
		p.out = binary.AppendVarint(p.out, t.Unix())
		p.number(uint64(t.Nanosecond()))
	}
}

// unpacker is the way back.
type unpacker struct {
	words *words
	names []string
	at    int64
	in    string
}

// unpack fills in what was packed.
func (u *unpacker) unpack(o *Observation) {
	u.names = append(u.names, o.Name.String())
	flags := u.in[0]
	u.in = u.in[1:]
	o.Failure = Failure(u.word())
	for range u.number() {
		u.names = append(u.names, u.name())
	}
	if len(u.names) > 1 {
		o.Aliases = u.names[1:len(u.names):len(u.names)]
	}
	switch {
	case flags&ownerAtName != 0:
		o.Records.Owner = u.names[0]
	case flags&ownerAtAlias != 0:
		o.Records.Owner = u.names[len(u.names)-1]
	default:
		o.Records.Owner = u.name()
	}
	o.Asked = u.name()
	o.Mark = Mark(u.word())
	o.RecordsTTL = uint32(u.number())
	if n := u.number(); n > 0 {
		o.EDE = make([]EDE, n)
	}
	for i := range o.EDE {
		o.EDE[i] = EDE{Code: uint16(u.number()), Text: u.word()}
	}
	if n := u.number(); n > 0 {
		o.Proofs = make([]Proof, n)
	}
	for i := range o.Proofs {
		o.Proofs[i] = u.proof()
	}
	if flags&ownTime != 0 {
		o.Time = u.time()
	}
	if flags&flawed != 0 {
		o.Flaw = u.flaw()
	}
	if flags&expires != 0 {
		o.Expires = u.time()
	}
}

func (u *unpacker) flaw() *Flaw {
	f := &Flaw{Reason: FlawReason(u.word()), Zone: u.name(), Owner: u.name(), Type: u.word()}
	bits := u.number()
	f.KeyTag, f.Algorithm = uint16(bits>>8), uint8(bits)
	f.Inception, f.Expiration = u.time(), u.time()
	return f
}

func (u *unpacker) proof() Proof {
	p := Proof{Name: u.name(), State: ProofState(u.word())}
	if n := u.number(); n > 0 {
		p.Steps = make([]ProofStep, n)
	}
	for i := range p.Steps {
		s := ProofStep{Name: u.name(), Finding: Finding(u.word()), Server: u.word()}
		bits := u.number()
		s.RCode, s.Replied, s.AD = uint16(bits>>2), bits&2 != 0, bits&1 != 0
		s.Time = u.time()
		p.Steps[i] = s
	}
	return p
}

// number reads one. That what was packed is whole is certain: nobody else has had it.
func (u *unpacker) number() (n uint64) {
	for shift := 0; ; shift += 7 {
		c := u.in[0]
		u.in = u.in[1:]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
}

// signed reads a number with a sign, as binary.AppendVarint has it.
func (u *unpacker) signed() int64 {
	n := u.number()
	return int64(n>>1) ^ -int64(n&1)
}

func (u *unpacker) literal() string {
	n := u.number()
	text := u.in[:n]
	u.in = u.in[n:]
	return text
}

func (u *unpacker) word() string {
	switch form := u.number(); form {
	case literal:
		return u.literal()
	case withName:
		return strings.ReplaceAll(u.literal(), nameMark, u.names[0])
	default: // a place
		return u.words.list[form-forms]
	}
}

func (u *unpacker) name() string {
	form := u.number()
	if form == literal {
		return u.literal()
	}
	longer := u.names[form-1]
	return longer[u.number():]
}

func (u *unpacker) time() time.Time {
	switch u.number() {
	case nearTime:
		return time.Unix(0, u.at+u.signed()).UTC()
	case otherTime:
		seconds := u.signed()
		return time.Unix(seconds, int64(u.number())).UTC()
	}
	return time.Time{}
}

package lookup

import (
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"caascan/scan/snapshot"
)

// dsCase is a reply to the DS query for a name, and the signed zone that encloses
// it.
type dsCase struct {
	name, zone string
	message    message
}

// finding is what the reply shows.
func (r dsCase) finding(t testing.TB) snapshot.Finding {
	t.Helper()
	query, err := dsQuery(4711, r.name)
	if err != nil {
		t.Fatal(err)
	}
	return readDS(dsAnswer{message: r.message.pack(t, query)}, r.name, r.zone).Finding
}

func nodata(ad bool, authority ...string) message {
	return message{ra: true, ad: ad, authority: authority}
}

// The zone of RFC 4035, appendix A, as far as its NSEC records go.
const (
	aDS    = "a.example. 3600 DS 57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B"
	apex   = "example. 3600 NSEC a.example. NS SOA MX RRSIG NSEC DNSKEY"
	bNSEC  = "b.example. 3600 NSEC ns1.example. NS RRSIG NSEC"
	nsNSEC = "ns1.example. 3600 NSEC ns2.example. A RRSIG NSEC"
)

// The zone of RFC 5155, appendix A, as far as it is used here. Each hash is that of
// the name after the colon.
const (
	ofApex   = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom" // example
	ofCXW    = "0va5bpr2ou0vk0lbqeeljri88laipsfh" // c.x.w.example, which does not exist
	ofNS1    = "2t7b4g4vsa5smi47k61mv5bv1a22bojr" // ns1.example
	ofXYW    = "2vptu5timamqttgl4luu9kg21e0aor3s" // x.y.w.example
	ofA      = "35mthgpgcu1qg68fab165klnsnk3dpvl" // a.example; c.example is 4g6p9u5gvfshp30pqecj98b3maqbn1ck
	ofXW     = "b4um86eghhds6nea196smvmlo4ors995" // x.w.example
	ofYW     = "ji6neoaepv8b5o6k4ev33abha8ht9fgc" // y.w.example, an empty non-terminal
	ofW      = "k8udemvp1j2f7eg6jebps17vp3n8i58h" // w.example, an empty non-terminal
	ofNext   = "kohar7mbb8dc2ce8a9qvl8hon4k53uhi" // 2t7b4g4vsa5smi47k61mv5bv1a22bojr.example
	ofAI     = "gjeqe526plbf1g8mklp59enfd789njgi" // ai.example
	ofXX     = "t644ebqk9bibcna874givr6joj62mlhv" // xx.example
	apexNSEC = ofApex + ".example. 3600 NSEC3 1 1 12 aabbccdd " + ofNS1 + " NS SOA MX RRSIG DNSKEY NSEC3PARAM"
	ns1NSEC  = ofNS1 + ".example. 3600 NSEC3 1 1 12 aabbccdd " + ofXYW + " A RRSIG"
	aNSEC    = ofA + ".example. 3600 NSEC3 1 1 12 aabbccdd " + ofXW + " NS DS RRSIG"
	xwNSEC   = ofXW + ".example. 3600 NSEC3 1 1 12 aabbccdd " + ofAI + " MX RRSIG"
	ywNSEC   = ofYW + ".example. 3600 NSEC3 1 1 12 aabbccdd " + ofW
	wNSEC    = ofW + ".example. 3600 NSEC3 1 1 12 aabbccdd " + ofNext
	cxwNSEC  = ofCXW + ".example. 3600 NSEC3 1 1 12 aabbccdd " + ofNS1 + " A RRSIG"
	xxNSEC   = ofXX + ".example. 3600 NSEC3 1 1 12 aabbccdd " + ofApex + " A HINFO AAAA RRSIG"
)

// signed returns an NSEC3 record and its signature, which nothing here verifies.
func signed(nsec3 string) []string {
	owner, _, _ := strings.Cut(nsec3, " ")
	return []string{nsec3, owner + " 3600 RRSIG NSEC3 7 2 3600 20150420235959 20051021000000 40430 example. AAAA"}
}

// many are so many NSEC3 records of names that are not asked for, with their signatures.
func many(n int) (records []string) {
	for i := range n {
		records = append(records, signed(strings.Replace(wNSEC, ofW, fmt.Sprintf("%032d", i), 1))...)
	}
	return records
}

// leftOut is the reply of RFC 5155, appendix B.3, to a DS query: c.example is a
// delegation that the chain leaves out. A resolver leaves AD clear (section 9.2).
func leftOut() dsCase {
	return dsCase{"c.example", "example", nodata(false, slices.Concat([]string{exampleSOA}, signed(apexNSEC), signed(aNSEC))...)}
}

// nameError is that of appendix B.1: the closest encloser is x.w.example, and the
// hash of c.x.w.example, 0va5bpr2ou0vk0lbqeeljri88laipsfh, lies in the first span.
func nameError() dsCase {
	m := nodata(false, slices.Concat(signed(apexNSEC), signed(xwNSEC), signed(aNSEC))...)
	m.rcode = dns.RcodeNameError
	return dsCase{"a.c.x.w.example", "example", m}
}

// inLastSpan is c.example's reply for a name whose hash lies between the last of the
// chain and the first.
func inLastSpan(name string) dsCase {
	return dsCase{name, "example", nodata(false, slices.Concat(signed(apexNSEC), signed(xxNSEC))...)}
}

// inOnlySpan is one in a chain of a single record.
func inOnlySpan() dsCase {
	return dsCase{"c.example", "example", nodata(false, signed(strings.Replace(apexNSEC, ofNS1, ofApex, 1))...)}
}

// lately is c.example's reply where names are hashed so many times more; the span
// goes over all of them.
func lately(iterations uint16) dsCase {
	parameters := fmt.Sprintf(".example. 3600 NSEC3 1 1 %d aabbccdd ", iterations)
	first, last := strings.Repeat("0", 32), strings.Repeat("v", 32)
	encloser := dns.HashName("example.", dns.SHA1, iterations, "aabbccdd") + parameters + last + " NS SOA"
	return dsCase{"c.example", "example", nodata(false, slices.Concat(signed(encloser), signed(first+parameters+last))...)}
}

// listedLately is listed's where names are hashed so many times more.
func listedLately(iterations uint16) dsCase {
	parameters := fmt.Sprintf(".example. 3600 NSEC3 1 1 %d aabbccdd ", iterations)
	owner := dns.HashName("a.example.", dns.SHA1, iterations, "aabbccdd")
	return dsCase{"a.example", "example", nodata(true, owner+parameters+ofXW+" NS")}
}

// unsigned is a delegation that is in the chain: RFC 4035, appendix B.5.
func unsigned() dsCase {
	return dsCase{"b.example", "example", nodata(true, exampleSOA, bNSEC)}
}

// listed is one under NSEC3, in a chain with opt-out: ldns-signzone -p makes such.
func listed() dsCase {
	return dsCase{"a.example", "example", nodata(true, strings.Replace(aNSEC, " NS DS RRSIG", " NS", 1))}
}

func delegated() dsCase {
	return dsCase{"a.example", "example", message{ra: true, ad: true, answer: []string{aDS}}}
}

func host() dsCase { return dsCase{"ns1.example", "example", nodata(true, nsNSEC)} }

func hashedHost() dsCase { return dsCase{"ns1.example", "example", nodata(true, ns1NSEC)} }

func alias() dsCase {
	answer := []string{"www.example. 60 CNAME a.other."}
	return dsCase{"www.example", "example", message{ra: true, ad: true, answer: answer}}
}

func absent() dsCase {
	return dsCase{"ml.example", "example", message{rcode: dns.RcodeNameError, ra: true, ad: true, authority: []string{bNSEC, apex}}}
}

func TestWhatADSReplyProves(t *testing.T) {
	for _, test := range []struct {
		name  string
		reply dsCase
		want  snapshot.Finding
	}{
		{"a validated DS record (RFC 4035, appendix B.4)", delegated(), snapshot.SignedDelegation},
		{"NSEC of an unsigned delegation (RFC 4035, appendix B.5)", unsigned(), snapshot.InsecureDelegation},
		{"NSEC3 of an unsigned delegation", listed(), snapshot.InsecureDelegation},
		{"an unsigned delegation left out (RFC 5155, appendix B.3)", leftOut(), snapshot.OptOutDelegation},
		{"a name left out with its parents (RFC 5155, appendix B.1)", nameError(), snapshot.OptOutDelegation},
		{"a hash after the last of the chain", inLastSpan("n34.example"), snapshot.OptOutDelegation},   // vqk8l64koq3d512p56104mqabo1vuvv3
		{"a hash before the first of the chain", inLastSpan("n13.example"), snapshot.OptOutDelegation}, // 09092neub44qcfdihgjbcs9thdb3v4gu
		{"a chain of one", inOnlySpan(), snapshot.OptOutDelegation},
		{"50 iterations, which every resolver verifies", lately(50), snapshot.OptOutDelegation},
		{"the same under AD", listedLately(50), snapshot.InsecureDelegation},
		{"more, which excuse nobody although a resolver has verified them (RFC 9276, section 3.2)", listedLately(51), snapshot.Unproven},
		{"more than count as signed", listedLately(151), snapshot.Unproven},
		{"NSEC of a host (RFC 4035, appendix B.3)", host(), snapshot.NoDelegation},
		{"NSEC3 of a host (RFC 5155, appendix B.2)", hashedHost(), snapshot.NoDelegation},
		{"NSEC3 of an empty non-terminal (RFC 5155, appendix B.2.1)", dsCase{"y.w.example", "example", nodata(true, ywNSEC)}, snapshot.NoDelegation},
		{"an alias", alias(), snapshot.NoDelegation},
		{"NXDOMAIN (RFC 4035, appendix B.2)", absent(), snapshot.NothingBelow},
	} {
		if got := test.reply.finding(t); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// spoil changes one thing in a reply.
type spoil func(testing.TB, *dsCase)

// swap replaces text in the records, each time it is there.
func swap(old, text string) spoil {
	return func(t testing.TB, r *dsCase) {
		t.Helper()
		found := false
		for _, section := range [][]string{r.message.answer, r.message.authority} {
			for i, record := range section {
				found = found || strings.Contains(record, old)
				section[i] = strings.ReplaceAll(record, old, text)
			}
		}
		if !found {
			t.Fatalf("%s: no record has %q", r.name, old)
		}
	}
}

// without drops the records of the authority section that begin with text.
func without(text string) spoil {
	return func(t testing.TB, r *dsCase) {
		t.Helper()
		left := slices.DeleteFunc(slices.Clone(r.message.authority), func(record string) bool { return strings.HasPrefix(record, text) })
		if len(left) == len(r.message.authority) {
			t.Fatalf("%s: no record begins with %q", r.name, text)
		}
		r.message.authority = left
	}
}

func with(records ...string) spoil {
	return func(_ testing.TB, r *dsCase) { r.message.authority = append(records, r.message.authority...) }
}

func withAnswer(record string) spoil {
	return func(_ testing.TB, r *dsCase) { r.message.answer = append(r.message.answer, record) }
}

func notAD(_ testing.TB, r *dsCase) { r.message.ad = !r.message.ad }

func noRA(_ testing.TB, r *dsCase) { r.message.ra = false }

func spans(record string) spoil {
	return func(t testing.TB, r *dsCase) {
		t.Helper()
		without(ofApex)(t, r)
		with(signed(record)...)(t, r)
	}
}

func inZone(zone string) spoil { return func(_ testing.TB, r *dsCase) { r.zone = zone } }

func rcode(rcode int) spoil { return func(_ testing.TB, r *dsCase) { r.message.rcode = rcode } }

func ede(code uint16) spoil {
	return func(_ testing.TB, r *dsCase) { r.message.ede = []snapshot.EDE{{Code: code}} }
}

func toAuthority(_ testing.TB, r *dsCase) {
	r.message.answer, r.message.authority = r.message.authority, r.message.answer
}

// TestNoConditionOfAProofIsIdle spoils one thing in a reply that proves something.
func TestNoConditionOfAProofIsIdle(t *testing.T) {
	const (
		rrsig    = " 3600 RRSIG NSEC3 7 2"
		f        = snapshot.Unproven
		ofA2     = "36mthgpgcu1qg68fab165klnsnk3dpvl" // no name's
		ofAfterC = "4g6p9u5gvfshp30pqecj98b3maqbn1cl" // one more than the hash of c.example
		ofC      = "4g6p9u5gvfshp30pqecj98b3maqbn1ck"
	)
	for _, test := range []struct {
		name  string
		reply dsCase
		spoil spoil
		want  snapshot.Finding
	}{
		{"a DS without AD", delegated(), notAD, f},
		{"a DS of another name", delegated(), swap("a.example.", "ai.example."), f},
		{"a DS of a parent", delegated(), swap("a.example.", "example."), f},
		{"a DS of another class", delegated(), swap(" DS ", " CH DS "), f},
		{"a DS in the authority section", delegated(), toAuthority, f},
		{"another type in the answer", delegated(), swap("DS 57855 5 1", "CDS 57855 5 1"), f},

		{"an NSEC without AD", unsigned(), notAD, f},
		{"an NSEC that covers the name (RFC 4035, section 5.4)", unsigned(), swap("b.example.", "ai.example."), f},
		{"an NSEC without NS", unsigned(), swap(" NS RRSIG", " A RRSIG"), snapshot.NoDelegation},
		{"an NSEC with DS", unsigned(), swap(" NS RRSIG", " NS DS RRSIG"), f},
		{"an NSEC with DS and without NS", unsigned(), swap(" NS RRSIG", " DS RRSIG"), f},
		{"an NSEC of the child (RFC 4035, appendix B.8)", unsigned(), swap(" NS RRSIG", " NS SOA RRSIG"), f},
		{"an NSEC of another class", unsigned(), swap(" NSEC ns1", " CH NSEC ns1"), f},
		{"no NSEC", unsigned(), without("b.example."), f},
		{"an NSEC and another answer", unsigned(), withAnswer("b.example. 60 A 192.0.2.1"), f},
		{"an NSEC and the DS of another name", unsigned(), withAnswer(aDS), f},
		{"an NSEC under NXDOMAIN", unsigned(), rcode(dns.RcodeNameError), snapshot.NothingBelow},

		{"a matching NSEC3 without AD", listed(), notAD, f},
		{"an NSEC3 of another name", listed(), swap(ofA, ofA2), f},
		{"an NSEC3 of another zone", listed(), swap(".example.", ".test."), f},
		{"an NSEC3 of a zone below", listed(), swap(".example.", ".sub.example."), f},
		{"an NSEC3 of a zone above", listed(), swap(".example.", "."), f},
		{"an NSEC3 judged in another zone", listed(), inZone("."), f},
		{"an NSEC3 with another salt", listed(), swap("aabbccdd", "aabbccde"), f},
		{"an NSEC3 with other iterations", listed(), swap("1 1 12", "1 1 13"), f},
		{"an NSEC3 with another algorithm (RFC 5155, section 8.1)", listed(), swap("1 1 12", "2 1 12"), f},
		{"an NSEC3 with another flag (RFC 5155, section 8.2)", listed(), swap("1 1 12", "1 3 12"), f},
		{"an NSEC3 of another class", listed(), swap(" NSEC3 ", " CH NSEC3 "), f},
		{"an NSEC3 without NS", listed(), swap(ofXW+" NS", ofXW+" A"), snapshot.NoDelegation},
		{"an NSEC3 with DS", listed(), swap(ofXW+" NS", ofXW+" NS DS"), f},
		{"an NSEC3 of the child", listed(), swap(ofXW+" NS", ofXW+" NS SOA"), f},

		{"opt-out with AD (RFC 5155, section 9.2)", leftOut(), notAD, f},
		{"no Opt-Out flag", leftOut(), swap("1 1 12", "1 0 12"), f},
		{"the Opt-Out flag at the closest encloser only", leftOut(), swap("1 1 12 aabbccdd "+ofXW, "1 0 12 aabbccdd "+ofXW), f},
		{"an unknown flag beside Opt-Out (RFC 5155, section 8.2)", leftOut(), swap("1 1 12 aabbccdd "+ofXW, "1 3 12 aabbccdd "+ofXW), f},
		{"an unknown algorithm", leftOut(), swap("1 1 12 aabbccdd "+ofXW, "2 1 12 aabbccdd "+ofXW), f},
		{"a span after the name", leftOut(), swap(ofA, ofAfterC), f},
		{"a span before the name", leftOut(), swap("aabbccdd "+ofXW, "aabbccdd "+ofA2), f},
		{"a span that begins with the name", leftOut(), swap(ofA, ofC), f},
		{"a span that ends with the name", leftOut(), swap("aabbccdd "+ofXW, "aabbccdd "+ofC), f},
		{"an unknown algorithm at the end of the chain", inLastSpan("n34.example"), swap("1 1 12 aabbccdd "+ofApex, "2 1 12 aabbccdd "+ofApex), f},
		{"a span whose owner is no hash", leftOut(), swap(ofA, "3"), f},
		{"a span whose owner is a longer one", leftOut(), swap(ofA, ofA+"00000000"), f},
		{"a span whose next one is shorter", leftOut(), swap(ofXW, ofXW[:24]), f},
		{"a span in other hashes", leftOut(), swap("aabbccdd "+ofXW, "aabbccde "+ofXW), f},
		{"a span of another class", leftOut(), swap(" NSEC3 1 1 12 aabbccdd "+ofXW, " CH NSEC3 1 1 12 aabbccdd "+ofXW), f},
		{"no span", leftOut(), without(ofA + ".example. 3600 NSEC3"), f},
		{"no signature of the span", leftOut(), without(ofA + ".example." + rrsig), f},
		{"the signature of another zone", leftOut(), swap("40430 example.", "40430 test."), f},
		{"the signature of a zone above", leftOut(), swap("40430 example.", "40430 ."), f},
		{"the signature of another record", leftOut(), swap(ofA+".example."+rrsig, ofNS1+".example."+rrsig), f},
		{"the signature of another type", leftOut(), swap("RRSIG NSEC3", "RRSIG NSEC"), f},
		{"the signature in another class", leftOut(), swap(ofA+".example. 3600 RRSIG", ofA+".example. 3600 CH RRSIG"), f},
		{"a hash that the last span does not hold", inLastSpan("c.example"), nil, f},
		{"51 iterations, which a resolver may not have verified (RFC 9276, section 3.2)", lately(51), nil, f},
		{"no closest encloser (RFC 5155, section 8.3)", leftOut(), without(ofApex + ".example. 3600 NSEC3"), f},
		{"no signature of the closest encloser", leftOut(), without(ofApex + ".example." + rrsig), f},
		{"a closest encloser that is a delegation (RFC 5155, section 8.3)", nameError(), swap(ofAI+" MX", ofAI+" NS"), f},
		{"a closest encloser with a DNAME (RFC 5155, section 8.3)", nameError(), swap(ofAI+" MX", ofAI+" DNAME"), f},
		{"a zone apex with a DNAME (RFC 5155, section 8.3)", leftOut(), swap(" MX RRSIG", " DNAME RRSIG"), f},
		{"a closest encloser of another zone", nameError(), inZone("w.example"), f},
		{"a span over the name, but not over the next closer one", nameError(), spans(xxNSEC), f},
		{"a closer encloser, whose next closer name no span covers", nameError(), with(signed(cxwNSEC)...), f},
		{"a zone that the name is not in", leftOut(), inZone("test"), f},
		{"the zone above", leftOut(), inZone("."), f},
		{"an answer", leftOut(), withAnswer("c.example. 60 A 192.0.2.1"), f},
		{"an alias without AD", leftOut(), withAnswer("c.example. 60 CNAME a.other."), f},
		{"an NSEC3 of the name itself", lately(12), with(signed(ofC + ".example. 3600 NSEC3 1 1 12 aabbccdd " + ofXW + " A RRSIG")...), f},
		{"an NSEC of the closest encloser", leftOut(), swap(ofApex+".example. 3600 NSEC3 1 1 12 aabbccdd "+ofNS1, "example. 3600 NSEC a.example."), f},
		{"more NSEC3 records than a proof has", leftOut(), with(many(25)...), f},

		{"a host's NSEC without AD", host(), notAD, f},
		{"a host's NSEC at another name", host(), swap("ns1.example.", "ns3.example."), f},
		{"a host's NSEC3 without AD", hashedHost(), notAD, f},
		{"a host's NSEC3 at another hash", hashedHost(), swap(ofNS1, ofA2), f},
		{"an alias without AD", alias(), notAD, f},
		{"an alias of another name", alias(), swap("www.example.", "ftp.example."), f},
		{"an alias in the authority section", alias(), toAuthority, f},
		{"an alias to nowhere (RFC 6604, section 3)", alias(), rcode(dns.RcodeNameError), snapshot.NoDelegation},
		{"the DNAME alone", alias(), swap("www.example. 60 CNAME", "example. 60 DNAME"), f},

		{"NXDOMAIN without AD", absent(), notAD, f},
		{"NOERROR in its stead", absent(), rcode(dns.RcodeSuccess), f},
	} {
		if test.spoil != nil {
			test.spoil(t, &test.reply)
		}
		if got := test.reply.finding(t); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// TestAReplyThatIsNoAnswerProvesNothing: whatever its records say.
func TestAReplyThatIsNoAnswerProvesNothing(t *testing.T) {
	for _, right := range []func() dsCase{delegated, unsigned, listed, leftOut, nameError, host, hashedHost, alias, absent} {
		spoils := map[string]spoil{"RA clear": noRA}
		for _, code := range []int{
			dns.RcodeFormatError, dns.RcodeServerFailure, dns.RcodeNotImplemented, dns.RcodeRefused, dns.RcodeYXDomain, dns.RcodeBadVers,
		} {
			spoils[dns.RcodeToString[code]] = rcode(code)
		}
		for _, code := range []uint16{3, 4, 6, 9, 15, 16, 17, 18, 19, 25, 27} {
			spoils[fmt.Sprint("EDE ", code)] = ede(code)
		}
		for name, spoil := range spoils {
			reply := right()
			spoil(t, &reply)
			if got := reply.finding(t); got != snapshot.Unproven {
				t.Errorf("%s, %s: %s, want %s", reply.name, name, got, snapshot.Unproven)
			}
		}
		reply := right()
		want := reply.finding(t)
		ede(29)(t, &reply) // a synthesized answer (RFC 9824), which is a good one
		if got := reply.finding(t); got != want {
			t.Errorf("%s, EDE 29: %s, want %s", reply.name, got, want)
		}
	}
}

// TestNamesAreComparedWithoutRegardToCase, and with their escapes.
func TestNamesAreComparedWithoutRegardToCase(t *testing.T) {
	for _, right := range []func() dsCase{delegated, unsigned, listed, leftOut, nameError, alias} {
		reply := right()
		want := reply.finding(t)
		for _, section := range [][]string{reply.message.answer, reply.message.authority} {
			for i, record := range section {
				owner, rest, _ := strings.Cut(record, " ")
				section[i] = strings.ToUpper(owner) + " " + strings.ReplaceAll(rest, " example. AAAA", " EXAMPLE. AAAA")
			}
		}
		if got := reply.finding(t); got != want {
			t.Errorf("%s in capitals: %s, want %s", reply.name, got, want)
		}
	}
	escaped := dsCase{`a\.b.example`, "example", nodata(true, `A\.B.example. 60 NSEC c.example. NS RRSIG NSEC`)}
	if got := escaped.finding(t); got != snapshot.InsecureDelegation {
		t.Errorf("%s: %s, want %s", escaped.name, got, snapshot.InsecureDelegation)
	}
	escaped.message = nodata(true, `a.b.example. 60 NSEC c.example. NS RRSIG NSEC`)
	if got := escaped.finding(t); got != snapshot.Unproven {
		t.Errorf("%s by the NSEC record of a.b.example: %s, want %s", escaped.name, got, snapshot.Unproven)
	}
}

// TestRecordsThatEndEarlyProveNothing: dns.Msg reads a record without RDATA, and one
// that ends after any field at the end of the message.
func TestRecordsThatEndEarlyProveNothing(t *testing.T) {
	for name, rr := range map[string]dns.RR{
		"NSEC":  &dns.NSEC{Hdr: dns.RR_Header{Name: "b.example.", Rrtype: dns.TypeNSEC, Class: dns.ClassINET}},
		"NSEC3": &dns.NSEC3{Hdr: dns.RR_Header{Name: ofA + ".example.", Rrtype: dns.TypeNSEC3, Class: dns.ClassINET}, Hash: 1, Iterations: 12, Salt: "aabbccdd"},
	} {
		m := dns.Msg{Ns: []dns.RR{rr}}
		m.Response, m.RecursionAvailable, m.AuthenticatedData = true, true, true
		wire, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []string{"a.example", "b.example"} {
			if got := readDS(dsAnswer{message: wire}, at, "example"); got.Finding != snapshot.Unproven {
				t.Errorf("%s without a next name, at %s: %s, want %s", name, at, got.Finding, snapshot.Unproven)
			}
		}
	}
}

// realReply is a line of testdata/proof/unbound.txt.
type realReply struct {
	name, zone string
	want       snapshot.Finding
	message    []byte
}

func realReplies(t testing.TB) []realReply {
	t.Helper()
	text, err := os.ReadFile("testdata/proof/unbound.txt")
	if err != nil {
		t.Fatal(err)
	}
	var replies []realReply
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		message, err := base64.StdEncoding.DecodeString(fields[3])
		if err != nil {
			t.Fatalf("%s: %v", fields[0], err)
		}
		replies = append(replies, realReply{fields[0], fields[1], snapshot.Finding(fields[2]), message})
	}
	return replies
}

func TestRepliesOfARealResolver(t *testing.T) {
	seen := make(map[snapshot.Finding]int)
	for _, reply := range realReplies(t) {
		step := readDS(dsAnswer{message: reply.message}, reply.name, reply.zone)
		if step.Finding != reply.want {
			t.Errorf("%s: %s, want %s", reply.name, step.Finding, reply.want)
		}
		seen[step.Finding]++
	}
	if len(seen) != 6 {
		t.Errorf("findings %v, want all six", seen)
	}
}

// FuzzDSReplyOfAResolver: without AD nothing is told but opt-out, and that only by a record with
// the flag that the enclosing zone has signed; with AD opt-out is never told.
func FuzzDSReplyOfAResolver(f *testing.F) {
	for _, reply := range realReplies(f) {
		f.Add(reply.message, reply.name, reply.zone)
	}
	f.Fuzz(func(t *testing.T, message []byte, name, zone string) {
		if _, ok := dns.IsDomainName(name); !ok {
			return
		}
		step := readDS(dsAnswer{message: message}, canonical(dns.Fqdn(name)), canonical(dns.Fqdn(zone)))
		var m dns.Msg
		err := m.Unpack(message)
		switch step.Finding {
		case snapshot.Unproven:
			return
		case snapshot.SignedDelegation, snapshot.InsecureDelegation, snapshot.NoDelegation, snapshot.NothingBelow:
			if !m.AuthenticatedData {
				t.Errorf("%s without AD", step.Finding)
			}
		case snapshot.OptOutDelegation:
			if m.AuthenticatedData || !holdsOptOut(&m, zone) {
				t.Errorf("%s in %v", step.Finding, &m)
			}
		}
		if err != nil || !m.RecursionAvailable || m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
			t.Errorf("%s in %v (%v)", step.Finding, &m, err)
		}
	})
}

func holdsOptOut(m *dns.Msg, zone string) bool {
	return slices.ContainsFunc(m.Ns, func(rr dns.RR) bool {
		nsec3, ok := rr.(*dns.NSEC3)
		return ok && nsec3.Flags == 1 && slices.ContainsFunc(m.Ns, func(rr dns.RR) bool {
			sig, ok := rr.(*dns.RRSIG)
			return ok && strings.EqualFold(sig.SignerName, dns.Fqdn(zone)) && strings.EqualFold(sig.Hdr.Name, nsec3.Hdr.Name)
		})
	})
}

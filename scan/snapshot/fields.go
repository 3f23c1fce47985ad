package snapshot

// Field is a field of a line of a snapshot.
type Field struct {
	// Name is its name, with those of the objects it is in before it.
	Name string
	// Meaning says in a sentence what the field holds.
	Meaning string
}

// LineFields returns the fields of the line of an answer, in order. What is empty or
// false by its nature is left out, but for ad, validated, ttl and attempts.
func LineFields() []Field {
	return []Field{
		{"name", "The name that was asked for CAA records, in small letters, an international name in its xn-- form."},
		{"time", "When the last reply came or was given up: RFC 3339, UTC. Zone files have none."},
		{"resolver", "Who was asked: an address and a port, a URL, or the base name of a zone file."},
		{"transport", "How: `udp`, `tcp`, `tls`, `https`, or `zone` from a zone file."},
		{"rcode", "The response code of the last reply, such as `NOERROR`; left out if none came that could be read."},
		{"ad", "Whether every reply that the answer rests on had the AD bit: the resolver says it has validated them."},
		{"validated", "Whether `ad` can be relied on, set or not: every reply came from a resolver that validates DNSSEC and is believed."},
		{"dnssec", "What validating the answer by `--dnssec own` has shown: `secure`, `insecure`, `bogus` or `unknown`. `ad` and `validated` are false then. Left out if resolvers validate."},
		{"flaw.reason", "Why the answer is bogus, or why it is insecure although the zone has DS records: `signature-expired`, `signature-not-yet-valid`, `signature-wrong`, `no-key`, `no-matching-key`, `no-signature`, `wrong-signer`, `wrong-labels`, `unknown-signature`, `denial-incomplete`, `too-much-work`, `unsigned-delegation`, `opt-out`, `unknown-algorithm` or `too-many-iterations`."},
		{"flaw.zone", "The zone whose keys, or whose denial, that is about."},
		{"flaw.owner", "The name of the records that it is about."},
		{"flaw.type", "Their type."},
		{"flaw.key_tag", "The tag of the key in the signature or the DS record."},
		{"flaw.algorithm", "Its algorithm, a number."},
		{"flaw.inception", "When the signature begins to be valid."},
		{"flaw.expiration", "When it ceases to be."},
		{"expires", "When the first signature ends that the CAA records rest on, if that is within three days."},
		{"ede[].code", "The code of an Extended DNS Error in the answer (RFC 8914)."},
		{"ede[].text", "Its text, with the escapes of a zone file."},
		{"ttl", "The least TTL of the answer's records; of an empty answer that of negative caching (RFC 2308). Seconds."},
		{"records_ttl", "The TTL of the CAA records, if an alias on the way to them has a lesser one."},
		{"aliases", "The names that CNAME and DNAME records led to, in order, spelt as in a zone file."},
		{"owner", "The name that has the CAA records: `name` or the last of `aliases`."},
		{"caa[].flags", "The flags of a CAA record, a number."},
		{"caa[].tag", "Its property tag, with the escapes of a zone file."},
		{"caa[].value", "Its value, with the same escapes."},
		{"caa[].rdata", "Its octets, in hexadecimal. Decisions are made from these; a line whose other fields say something else is refused."},
		{"failure", "Why there is no usable answer: a reason with the status lookup-failed."},
		{"asked", "The alias whose query failed, if that of `name` itself did not."},
		{"mark", "Why an answer does not count, if its response code and Extended DNS Errors do not say so: `aa`, `no-ra`, `foreign-soa` and `policy-soa` of an answer that does not come from the public DNS, `after-servfail` if a resolver that validates had answered SERVFAIL before, `keys` if the query for the DNSKEY or DS records of `asked` has failed, `root` if the keys of the root did not hold by the trust anchors and the clock of the machine."},
		{"proof[].name", "A name that the failure depends on. The proof is about whether it lies in a zone that is not signed."},
		{"proof[].state", "The result: `insecure`, `signed` or `unknown`."},
		{"proof[].steps[].name", "A name on the way to it from the top-level domain, asked for DS records."},
		{"proof[].steps[].finding", "What the reply shows: `signed-delegation`, `insecure-delegation`, `opt-out-delegation`, `no-delegation`, `nothing-below` or `unproven`."},
		{"proof[].steps[].resolver", "Who was asked."},
		{"proof[].steps[].rcode", "The response code; left out if no reply came."},
		{"proof[].steps[].ad", "Whether the reply had the AD bit."},
		{"proof[].steps[].time", "When it came."},
		{"attempts", "How many attempts the query took that gave the answer."},
		{"signed[].time", "With `--snapshot-proof`: as of when a reply was validated that the answer rests on, if that is not `time`."},
		{"signed[].aliases", "How many of `aliases` are in that reply."},
		{"signed[].rrsets", "The numbers of the RRsets in it, with their signatures. It is left out if there are none."},
	}
}

// HeaderFields returns the fields of a Header's line, in order.
func HeaderFields() []Field {
	return []Field{
		{"snapshot", "The format of the lines: 1, or 2 with `--snapshot-proof`. No line of an answer has this field."},
		{"program", "The version of caascan that wrote them."},
		{"started", "When the run began: RFC 3339, UTC."},
		{"resolvers[].resolver", "A resolver that is asked."},
		{"resolvers[].validates", "Whether its probe has shown that it validates DNSSEC."},
		{"resolvers[].believed", "Whether its AD bit is believed."},
		{"resolvers[].edns", "Whether it understands EDNS."},
		{"zones", "The base names of the zone files that answer instead."},
		{"flags.trust-ad", "Whether `--trust-ad` was given."},
		{"flags.allow-mixed", "Whether `--allow-mixed` was given."},
		{"flags.dnssec", "Who has validated the answers: `own` of a run that does it itself, `off`, or left out if resolvers do."},
		{"flags.trust-anchor", "The SHA-256 digest of the trust anchors that own validation rests on, if they are not those of the root."},
		{"flags.snapshot-proof", "Whether the signed records are kept that own validation rests on."},
		{"flags.probe-bogus", "The name of `--probe-bogus`."},
		{"flags.timeout", "The time of `--timeout`."},
		{"flags.attempts", "The number of `--attempts`."},
		{"flags.final-pass-after", "The time of `--final-pass-after`."},
		{"flags.overlay", "The base names of the files of `--overlay`. Their records are in no line, because no resolver sent them."},
		{"shard", "With `--shard`, the part of the list that was asked about, as I/N."},
		{"suffixes", "With `--shard`, the version of the public suffix list that divided the list."},
		{"notes", "What made the answers weaker than asked for when the run began, a sentence each."},
	}
}

// ProofFields returns the fields of the lines that a proof has besides those of answers: that
// of an RRset, and then that of a Link.
func ProofFields() []Field {
	return []Field{
		{"rrset", "The number of an RRset. Lines up to the next header name it by that."},
		{"octets", "Its records and the signatures over them, in wire form with a TTL of 0, one after the other, in base64."},
		{"link", "A name, spelt as in a zone file, whose DNSKEY or DS records were asked for."},
		{"type", "Which of them: `DNSKEY` or `DS`."},
		{"time", "As of when the reply was validated."},
		{"ttl", "For how many seconds from then it may be used."},
		{"rrsets", "The numbers of the RRsets in it: the records, or those that prove that there are none."},
	}
}

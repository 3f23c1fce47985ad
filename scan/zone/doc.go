// Package zone reads RFC 1035 master files and gives the answers that an
// authoritative server would give from them, in wire form and in process.
//
// A Set of zones answers as RFC 1034, section 4.3.2 says, with wildcards by RFC
// 4592, DNAME by RFC 6672 and negative answers by RFC 2308: NXDOMAIN and NODATA
// are told apart, empty non-terminals exist, and names at or below a zone cut
// are referred to the child, whose own zone answers if it is loaded.
//
// RDATA is kept octet for octet. The entries of the file are read here and not by
// dns.ZoneParser, because a record that is lost or changed on the way could permit
// what a zone denies. As of v1.1.73 that parser takes an unclosed quotation mark
// over the records after it, ends without an error at some faults, makes octet 44
// of \300, undoes escapes in the octets of RFC 3597, and opens any file of the
// machine for a $INCLUDE that a $GENERATE has made. The text of types other than CAA
// is left to the library.
//
// An Overlay is no zone: sets of CAA records that somebody plans to publish.
//
// There is no DNSSEC: signatures in a file are records like any other, and the
// DO bit changes nothing. Referrals carry no glue, for nobody here follows them.
package zone

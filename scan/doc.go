// Package scan answers, for every row of a list, whether CAA records permit a CA
// to issue S/MIME certificates for the mailbox or domain in it.
//
// A scan has two passes over the same rows. Collect asks the DNS once for every
// name that is needed; Results reads the rows again, in order, and joins each
// with the answers. Only the snapshot.Store is between them, so the second
// pass is a pure function of rows and answers. A lookup that failed is a result
// like any other; an error is broken plumbing.
//
// # The house
//
// Each package may import only what walls_test.go in cmd/caascan lists for it:
//
//   - scan/domain: names of the DNS, valid by construction; pure.
//   - scan/caa: properties, the decision for one CA, the fix; pure, without clock or network.
//   - scan/snapshot: one answer with all that came with it, and its line in a file.
//   - scan/zone: zone files, and the answers an authoritative server gives from them.
//   - scan/lookup: the climb, the cache, DNSSEC; scan/lookup/stream: TCP, TLS and HTTPS.
//     Only these and scan/zone know miekg/dns.
//   - scan: rows, targets, verdicts, reasons and warnings with their sentences.
//   - scan/input: lists in CSV, XLSX and text as rows.
//   - report: what a report says, and the forms that are lines of text.
//   - report/xlsx, report/html: the workbook and the page; neither knows the other.
//   - report/diff: an earlier report, read again and compared.
//   - cmd/caascan: flags, files, progress, exit codes; it chooses the format of a report.
//   - cmd/caascan/help: the manual, laid out for a terminal and for man(1).
//
// A new report format is a room below report if it has a form of its own, and a line in
// newWriter of cmd/caascan. A column is an entry of columns in report/column.go, a property
// tag a row in scan/caa/tag.go, a reason of a failed lookup a value in scan/snapshot and its
// sentence in scan/reason.go, a warning an entry in scan/warning.go, a transport a file in
// scan/lookup, an input form a file in scan/input, a subcommand a file in cmd/caascan. Each
// set is closed: the tables of the manual in cmd/caascan/help are tested against it.
//
// # Words
//
//   - RFC 8659 defines CAA records, RFC 9495 the tag issuemail for S/MIME.
//   - SBR: the S/MIME Baseline Requirements of the CA/Browser Forum.
//   - climb: the search for CAA records at a name and then its parents (RFC 8659, section 3).
//   - relevant RRset: the CAA records that the climb finds; nothing else decides.
//   - deciding name: the owner of that RRset, be it reached by an alias or as a parent.
//   - issuer domain name: what names a CA in a property, such as ca.example.
//   - secure, insecure, bogus: what DNSSEC validation says of an answer (RFC 4035, section 4.3).
//   - snapshot: the file of all answers of a run; a report can be made from it alone.
//   - outcome: what all domains share whose climbs ended alike; a verdict is one domain's.
//   - overlay: planned CAA records that take the place of those in the DNS for one run.
//   - fix: the whole RRset to publish at the deciding name so that a CA may issue.
//   - baseline: an earlier report that the rows are compared with.
//   - perspective: a place in the network from which a CA checks CAA too (SBR 4.2.2.2,
//     TLS BR 3.2.2.9).
package scan

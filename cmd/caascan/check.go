package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/snapshot"
)

type checkOptions struct {
	source    sourceOptions
	json      bool
	logFormat string
}

func newCheck(io streams) *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check NAME",
		Short: "Show every step of the lookup for one mailbox or domain, and the decision",
		Example: `  caascan check jane@example.com --issuer ca.example
  caascan check example.com --issuer "Old=old-ca.example" --issuer "New=ca.example" --json`,
		Long: `Check climbs from one name to its top-level domain as a scan would, and shows what
was asked, what came back, and what follows for each CA.`,
		Annotations:       about("issuers", "resolvers", "reasons", "warnings", "dnssec", "zones", "snapshot", "exit"),
		Args:              usageArgs(cobra.ExactArgs(1)),
		ValidArgsFunction: cobra.NoFileCompletions,
		GroupID:           lookupGroup,
		RunE:              func(cmd *cobra.Command, args []string) error { return runCheck(cmd.Context(), o, args[0], io) },
	}
	o.source.add(cmd.Flags())
	cmd.Flags().BoolVar(&o.json, "json", false, "write one JSON object")
	addLogFormat(cmd.Flags(), &o.logFormat)
	return cmd
}

// checked is what came of a check, in the form that --json writes.
type checked struct {
	Input     string                 `json:"input"`
	Domain    string                 `json:"domain"`
	Steps     []snapshot.Observation `json:"steps"`
	Others    []snapshot.Observation `json:"other_answers,omitempty"` // of snapshots, beside those of Steps
	FoundAt   string                 `json:"found_at,omitempty"`
	Owner     string                 `json:"owner,omitempty"` // where it is not FoundAt
	Decisions []checkedDecision      `json:"decisions"`
	DNSSEC    snapshot.DNSSEC        `json:"dnssec"`
	OnFailure scan.OnFailure         `json:"on_failure,omitempty"`
	Warnings  []scan.Warning         `json:"warnings,omitempty"`
	// Notes say which identifiers the names of owners stand for.
	Notes []string `json:"notes,omitempty"`
}

type checkedDecision struct {
	Issuer string      `json:"issuer"`
	Status scan.Status `json:"status"`
	Reason scan.Reason `json:"reason"`
	Detail string      `json:"detail"`
	Fix    []string    `json:"fix,omitempty"`
	// Of the fix: what to know before, whose it is where it is somebody else's, and
	// the contacts of the present set.
	Notes    []string `json:"fix_notes,omitempty"`
	Ask      string   `json:"fix_ask,omitempty"`
	Contacts []string `json:"fix_contacts,omitempty"`
}

func runCheck(ctx context.Context, o checkOptions, name string, io streams) error {
	issuers, err := o.source.parseIssuers()
	if err != nil {
		return err
	}
	if err := cmp.Or(o.source.findSnapshots(), o.source.validate()); err != nil {
		return err
	}
	said, err := warningsOnly(io.err, o.logFormat)
	if err != nil {
		return err
	}
	target := scan.ParseTarget(name)
	if target.Reason != "" {
		return usagef("%q is not a mailbox or domain (%s): %s", name, target.Reason, target.Reason.Meaning())
	}
	for _, issuer := range issuers {
		for _, doubt := range issuer.Doubts() {
			said.warn(doubt)
		}
	}
	src, err := o.source.open(ctx, nil)
	for _, warning := range src.warnings {
		said.warn(warning)
	}
	if err != nil {
		return err
	}
	stop := sayIfItWaits(src, o.source.timeout, said)
	steps, err := src.trace(ctx, target.Domain)
	stop()
	if err != nil {
		return err
	}
	for _, warning := range src.illness(0) {
		said.warn(warning)
	}
	scanner := scan.New(scan.Config{Issuers: issuers, Store: src.store})
	c := newChecked(name, target, issuers, scanner.Verdict(target.Domain))
	c.Steps = steps
	for at := range target.Domain.Climb() {
		c.Others = append(c.Others, src.store.Others(at)...)
	}
	if o.json {
		encoder := json.NewEncoder(io.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(c)
	}
	return c.print(io.out, target.Domain)
}

// soon is how long nothing is said of a wait.
const soon = 700 * time.Millisecond

// sayIfItWaits says, unless the function that it returns is called soon, that a name is
// still being asked, and when that is given up. The proof after it takes one try more at most.
func sayIfItWaits(src source, try time.Duration, said console) (stop func()) {
	timer := time.AfterFunc(soon, func() {
		if stats := src.stats(); stats.Silent > 0 {
			until := stats.Until.Add(try)
			said.warn(fmt.Sprintf("still asking, until %s: for %.0f s at the most", until.Local().Format(time.TimeOnly), time.Until(until).Seconds()))
		}
	})
	return func() { timer.Stop() }
}

func newChecked(input string, target scan.Target, issuers []caa.Issuer, v scan.Verdict) checked {
	c := checked{
		Input: input, Domain: target.Domain.String(), FoundAt: v.FoundAt.String(),
		DNSSEC: v.DNSSEC, OnFailure: v.OnFailure, Warnings: append(target.Warnings, v.Warnings...), Decisions: []checkedDecision{},
	}
	if v.Records.Owner != c.FoundAt {
		c.Owner = v.Records.Owner
	}
	for _, issuer := range issuers {
		if taken := issuer.Taken(); taken != "" {
			c.Notes = append(c.Notes, taken)
		}
	}
	for i, d := range v.Decisions {
		if i < len(issuers) {
			c.Decisions = append(c.Decisions, newCheckedDecision(issuers[i].Label, d, v.Domain))
		}
	}
	return c
}

func newCheckedDecision(label string, d scan.Decision, name domain.Name) checkedDecision {
	c := checkedDecision{Issuer: label, Status: d.Status, Reason: d.Reason, Detail: d.Detail.For(name)}
	if d.Fix != nil {
		c.Fix, c.Notes, c.Ask, c.Contacts = d.Fix.Lines(), d.Fix.Notes, d.Fix.Ask, d.Fix.Contacts
	}
	return c
}

// print writes c for people. All text from the DNS is escaped by what gives it.
func (c checked) print(w io.Writer, name domain.Name) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: CAA records for the domain %s\n\n", visible(c.Input), name)
	for i, o := range c.Steps {
		fmt.Fprintf(&b, "%d. %s\n", i+1, o.Name)
		printStep(&b, o)
	}
	for _, o := range c.Others {
		fmt.Fprintf(&b, "Another answer for %s, of another snapshot:\n", o.Name)
		printStep(&b, o)
	}
	b.WriteByte('\n')
	fmt.Fprintf(&b, "DNSSEC: %s. %s\n", c.DNSSEC, c.DNSSEC.Meaning())
	if c.OnFailure != scan.OnFailureNone {
		fmt.Fprintf(&b, "After this failure: %s. %s\n", c.OnFailure, c.OnFailure.Meaning())
	}
	if len(c.Decisions) == 0 {
		b.WriteString("No decision: name a CA with --issuer.\n")
	}
	for _, d := range c.Decisions {
		fmt.Fprintf(&b, "%s: %s (%s)\n   %s\n", d.Issuer, d.Status, d.Reason, d.Detail)
		d.printFix(&b)
	}
	if c.fixes() > 1 {
		b.WriteString("Each of these sets takes back the other: to permit several CAs, publish one with the records that all of them add.\n")
	}
	for _, note := range c.Notes {
		fmt.Fprintf(&b, "Note: %s\n", note)
	}
	for _, warning := range c.Warnings {
		fmt.Fprintf(&b, "Warning %s: %s\n", warning, warning.Meaning())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// fixes counts the CAs that are denied and for which there is something to publish.
func (c checked) fixes() (n int) {
	for _, d := range c.Decisions {
		if len(d.Fix) > 0 {
			n++
		}
	}
	return n
}

func (d checkedDecision) printFix(b *strings.Builder) {
	if len(d.Fix) == 0 {
		return
	}
	b.WriteString("   To permit it, publish this whole set in place of the present one:\n")
	for _, line := range d.Fix {
		fmt.Fprintf(b, "      %s\n", line)
	}
	for _, note := range d.Notes {
		fmt.Fprintf(b, "   Note: %s\n", note)
	}
	for _, contact := range d.Contacts {
		fmt.Fprintf(b, "   Contact: %s\n", contact)
	}
}

func printStep(b *strings.Builder, o snapshot.Observation) {
	fmt.Fprintf(b, "   asked: %s\n", askedWords(o))
	for _, alias := range o.Aliases {
		fmt.Fprintf(b, "   alias: %s\n", alias)
	}
	for _, p := range o.Records.Properties {
		fmt.Fprintf(b, "   found: %s. CAA %s\n", strings.TrimSuffix(o.Records.Owner, "."), p)
	}
	switch {
	case o.Failure != "":
		fmt.Fprintf(b, "   failed: %s. %s\n", o.Failure, scan.Reason(o.Failure).Meaning())
		if o.Asked != "" {
			fmt.Fprintf(b, "   at the alias: %s\n", o.Asked)
		}
	case len(o.Records.Properties) > 0:
		b.WriteString("   This is the relevant RRset: the climb ends here.\n")
	case o.Name.IsTLD():
		b.WriteString("   no CAA records; this is the top-level domain: the climb ends here.\n")
	default:
		fmt.Fprintf(b, "   no CAA records: on to %s.\n", o.Name.Parent())
	}
	for _, p := range o.Proofs {
		printProof(b, p)
	}
}

// printProof shows how far a name is known to be signed, or not.
func printProof(b *strings.Builder, p snapshot.Proof) {
	fmt.Fprintf(b, "   proof for %s: %s\n", p.Name, p.State)
	for _, s := range p.Steps {
		fmt.Fprintf(b, "      DS of %s at %s: %s", s.Name, s.Server, s.Finding)
		if s.Replied {
			fmt.Fprintf(b, " (%s%s, at %s)", snapshot.RCodeName(s.RCode), adWords(s.AD), s.Time.UTC().Format(time.RFC3339))
		}
		b.WriteByte('\n')
	}
}

func adWords(ad bool) string {
	if ad {
		return ", AD"
	}
	return ", no AD"
}

// askedWords says who was asked and what came back.
func askedWords(o snapshot.Observation) string {
	words := "nobody"
	if o.Server != "" {
		words = o.Server
	}
	if o.Transport == snapshot.Overlay {
		return fmt.Sprintf("the overlay, which has these records, TTL %d s", o.TTL)
	}
	if o.Transport != snapshot.Zone && o.Transport != "" {
		words += fmt.Sprintf(" over %s, attempt %d", o.Transport, o.Attempts)
	}
	if o.Replied() {
		words += ": " + o.Answer()
	}
	if o.Replied() && o.Transport != snapshot.Zone {
		words += adWords(o.AD)
	}
	if len(o.Records.Properties) > 0 {
		words += fmt.Sprintf(", TTL %d s", o.TTL)
	}
	if !o.Time.IsZero() {
		words += ", at " + o.Time.UTC().Format(time.RFC3339)
	}
	return words
}

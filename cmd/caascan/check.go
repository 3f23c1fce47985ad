package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/domain"
	"caascan/scan/lookup"
	"caascan/scan/snapshot"
)

type checkOptions struct {
	source    sourceOptions
	json      bool
	failOn    []string
	logFormat string
}

func newCheck(io streams) *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check NAME",
		Short: "Explain the result for one mailbox or domain, step by step",
		Example: `  caascan check jane@example.com --issuer ca.example
  caascan check example.com --issuer "Old=old-ca.example" --issuer "New=ca.example" --json`,
		Long: `Check looks up one name as a scan does: it climbs from the name towards the
top-level domain. It shows the decision for each CA first. Then it shows each step:
what was asked and what came back.`,
		Annotations:       about("issuers", "resolvers", "reasons", "warnings", "dnssec", "zones", "snapshot", "exit"),
		Args:              takes(1, "no name to check: caascan check jane@example.com --issuer DigiCert", "check takes one name; caascan scan reads a list of them"),
		ValidArgsFunction: cobra.NoFileCompletions,
		GroupID:           lookupGroup,
		RunE:              func(cmd *cobra.Command, args []string) error { return runCheck(cmd.Context(), o, args[0], io) },
	}
	o.source.add(cmd.Flags())
	cmd.Flags().BoolVar(&o.json, "json", false, "write one JSON object")
	addList(cmd.Flags(), &o.failOn, "fail-on", "`STATUS,...`: exit with 3 if any CA has one of these statuses: denied, lookup-failed")
	addLogFormat(cmd.Flags(), &o.logFormat)
	_ = cmd.RegisterFlagCompletionFunc("fail-on", someOf(string(scan.Denied), string(scan.LookupFailed))) // fails only for a flag that is not there
	return cmd
}

// checked is what came of a check, in the form that --json writes.
type checked struct {
	Input     string                 `json:"input"`
	Domain    string                 `json:"domain"`
	Steps     []snapshot.Observation `json:"steps"`
	Signed    []signedStep           `json:"signed,omitempty"`
	Chain     []lookup.ChainStep     `json:"chain,omitempty"`
	Others    []snapshot.Observation `json:"other_answers,omitempty"` // of snapshots, beside those of Steps
	FoundAt   string                 `json:"found_at,omitempty"`
	Owner     string                 `json:"owner,omitempty"` // if it is not FoundAt
	Decisions []checkedDecision      `json:"decisions"`
	DNSSEC    snapshot.DNSSEC        `json:"dnssec"`
	OnFailure scan.OnFailure         `json:"on_failure,omitempty"`
	Warnings  []scan.Warning         `json:"warnings,omitempty"`
	// Notes say which identifiers the names of owners stand for.
	Notes []string `json:"notes,omitempty"`
}

// signedStep is what own validation rests on at one of the steps.
type signedStep struct {
	Name    string             `json:"name"`
	Records []lookup.SignedSet `json:"records"`
}

// signedSteps are those of the steps that there is something signed of.
func signedSteps(steps []snapshot.Observation) []signedStep {
	var list []signedStep
	for _, o := range steps {
		s := signedStep{Name: o.Name.String()}
		for _, part := range o.Signed {
			s.Records = append(s.Records, lookup.DescribeSigned(part.Signed)...)
		}
		if len(s.Records) > 0 {
			list = append(list, s)
		}
	}
	return list
}

type checkedDecision struct {
	Issuer string      `json:"issuer"`
	Status scan.Status `json:"status"`
	Reason scan.Reason `json:"reason"`
	Detail string      `json:"detail"`
	Fix    []string    `json:"fix,omitempty"`
	// Of the fix: what to know before, whose it is if it is somebody else's, and
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
	failOn, err := o.parseFailOn()
	if err != nil {
		return err
	}
	said, err := warningsOnly(io.err, o.logFormat)
	if err != nil {
		return err
	}
	if hasListEnding(name) && !strings.Contains(name, "@") {
		return usagef("%q is a list, and check takes one name: caascan scan %s", bounded(name), shellWord(name))
	}
	target := scan.ParseTarget(name)
	if target.Reason != "" {
		return nameMistake(name, target.Reason)
	}
	for _, issuer := range issuers {
		for _, doubt := range issuer.Doubts() {
			said.warn(doubt)
		}
	}
	stop := sayIfItLasts(o.source.awaited, said)
	src, err := o.source.open(ctx, nil)
	stop()
	for _, warning := range src.warnings {
		said.warn(warning)
	}
	if err != nil {
		return err
	}
	src.keepLinks()
	stop = sayIfItWaits(src.stats, o.source.timeout, said)
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
	c.Steps, c.Others, c.Chain = steps, src.others(target.Domain), src.chain(target.Domain)
	c.Signed = signedSteps(steps)
	if err := o.write(io.out, c); err != nil {
		return err
	}
	if c.has(failOn) {
		return errFailOn
	}
	return nil
}

// write writes what was found, as text or as --json has it.
func (o checkOptions) write(w io.Writer, c checked) error {
	if !o.json {
		return c.print(w)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(c)
}

// parseFailOn reads --fail-on, which needs somebody to be denied.
func (o checkOptions) parseFailOn() ([]scan.Status, error) {
	failOn, err := parseWords("--fail-on", o.failOn, scan.Denied, scan.LookupFailed)
	if err == nil && len(failOn) > 0 && len(o.source.issuers) == 0 {
		return nil, usagef("--fail-on needs a CA to decide for: name it with --issuer, as in --issuer DigiCert")
	}
	return failOn, err
}

// has reports whether any CA has one of these statuses.
func (c checked) has(statuses []scan.Status) bool {
	return slices.ContainsFunc(c.Decisions, func(d checkedDecision) bool { return slices.Contains(statuses, d.Status) })
}

// soon is how long nothing is said of a wait, and after that how often is looked for one.
const (
	soon  = 700 * time.Millisecond
	again = 100 * time.Millisecond
)

// sayIfItWaits says, unless the function that it returns is called soon, that a name is
// still being asked, and when that is given up. The proof after it takes one try more at most.
func sayIfItWaits(stats func() lookup.Stats, try time.Duration, said console) (stop func()) {
	return sayIfItLasts(func() string {
		now := stats()
		if now.Silent == 0 {
			return ""
		}
		until := now.Until.Add(try)
		return fmt.Sprintf("still asking, for at most %.0f s (until %s)", time.Until(until).Seconds(), until.Local().Format(time.TimeOnly))
	}, said)
}

// sayIfItLasts says once what is waited for, unless the function that it returns is called
// soon. What waits returns is empty if nothing is waited for yet.
func sayIfItLasts(waits func() string, said console) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var waiting sync.WaitGroup
	waiting.Go(func() {
		for wait := soon; ; wait = again {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
			if words := waits(); words != "" {
				said.warn(words)
				return
			}
		}
	})
	return func() {
		cancel()
		waiting.Wait()
	}
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

// print writes c for people: the verdict first, then how it was found. All text from the DNS
// is escaped by what gives it.
func (c checked) print(w io.Writer) error {
	p := paperFor(w)
	c.printVerdict(p)
	p.verbatim("")
	p.line("", "The lookup for %s:", c.title())
	for i, o := range c.Steps {
		p.line("", "%d. %s", i+1, o.Name)
		printStep(p, o)
	}
	for _, o := range c.Others {
		p.line("", "Another answer for %s, of another snapshot:", o.Name)
		printStep(p, o)
	}
	printSigned(p, c.Signed)
	printChain(p, c.Chain)
	_, err := io.WriteString(w, p.String())
	return err
}

// title names what was asked for, and its domain if that is not the same.
func (c checked) title() string {
	if c.Input == c.Domain {
		return c.Domain
	}
	return visible(bounded(c.Input)) + ", domain " + c.Domain
}

func (c checked) printVerdict(p *paper) {
	if len(c.Decisions) == 0 {
		p.line("", "No decision: name a CA with --issuer.")
	}
	for _, d := range c.Decisions {
		p.line("", "%s: %s (%s)", d.Issuer, p.ink.status(d.Status, string(d.Status)), d.Reason)
		p.line("   ", "%s", d.Detail)
		d.printFix(p)
	}
	if c.fixes() > 1 {
		p.line("", "Publish one set only: each of them replaces the others. To permit several CAs, add their records to one set.")
	}
	if c.OnFailure != scan.OnFailureNone {
		p.line("", "If the lookup of a CA fails too: %s. %s", c.OnFailure, c.OnFailure.Meaning())
	}
	p.line("", "DNSSEC: %s. %s", c.DNSSEC, c.DNSSEC.Meaning())
	for _, note := range c.Notes {
		p.line("", "Note: %s", note)
	}
	for _, warning := range c.Warnings {
		p.line("", "Warning %s: %s", warning, warning.Meaning())
	}
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

func (d checkedDecision) printFix(p *paper) {
	if len(d.Fix) == 0 {
		return
	}
	p.line("   ", "To permit it, publish this whole set in place of the present one:")
	for _, line := range d.Fix {
		p.verbatim("      %s", line) // which may be copied
	}
	for _, note := range d.Notes {
		p.line("   ", "Note: %s", note)
	}
	for _, contact := range d.Contacts {
		p.line("   ", "Contact: %s", contact)
	}
}

func printStep(p *paper, o snapshot.Observation) {
	const indent = "   "
	p.line(indent, "asked: %s", askedWords(o))
	for _, alias := range o.Aliases {
		p.line(indent, "alias: %s", alias)
	}
	for _, property := range o.Records.Properties {
		p.verbatim(indent+"found: %s. CAA %s", strings.TrimSuffix(o.Records.Owner, "."), property)
	}
	switch {
	case o.Failure != "":
		p.line(indent, "failed: %s. %s", o.Failure, scan.Reason(o.Failure).Meaning())
		if o.Flaw != nil {
			p.line(indent, "because %s", o.Flaw)
		}
		switch {
		case o.Mark == snapshot.MarkProof:
			p.line(indent, "because %s", o.Mark.Words())
		case o.Mark == snapshot.MarkKeys:
			p.line(indent, "the DNSSEC keys or DS records of %s could not be had", o.Asked)
		case o.Mark == snapshot.MarkRoot:
			p.line(indent, "%s; look at the clock first", o.Mark.Words())
		case o.Failure == snapshot.TLDNotFound && o.Asked != "":
			p.line(indent, "the root proves that %s does not exist", o.Asked)
		case o.Asked != "":
			p.line(indent, "at the alias: %s", o.Asked)
		}
	case len(o.Records.Properties) > 0:
		p.line(indent, "This is the relevant RRset: the climb ends here.")
	case o.Name.IsTLD():
		p.line(indent, "no CAA records; this is the top-level domain: the climb ends here.")
	default:
		p.line(indent, "no CAA records: on to %s.", o.Name.Parent())
	}
	for _, proof := range o.Proofs {
		printProof(p, proof)
	}
}

// printProof shows how far a name is known to be signed, or not.
func printProof(p *paper, proof snapshot.Proof) {
	p.line("   ", "proof for %s: %s", proof.Name, proof.State)
	for _, s := range proof.Steps {
		line := fmt.Sprintf("DS of %s at %s: %s", s.Name, s.Server, s.Finding)
		if s.Replied {
			line += fmt.Sprintf(" (%s%s, at %s)", snapshot.RCodeName(s.RCode), adWords(s.AD), s.Time.UTC().Format(time.RFC3339))
		}
		p.line("      ", "%s", line)
	}
}

// printSigned shows the signed records that the answers were validated by.
func printSigned(p *paper, steps []signedStep) {
	if len(steps) == 0 {
		return
	}
	p.line("", "Signed records:")
	for _, s := range steps {
		p.line("   ", "%s:", s.Name)
		for _, record := range s.Records {
			p.line("      ", "%s", record)
		}
	}
}

// printChain shows the zones from the root down that the answers were validated by.
func printChain(p *paper, chain []lookup.ChainStep) {
	if len(chain) == 0 {
		return
	}
	p.line("", "Chain of trust:")
	for _, s := range chain {
		words := fmt.Sprintf("%s: %s, %s", s.Name, s.Finding, s.State)
		if len(s.DS) > 0 {
			words += "; DS " + strings.Join(s.DS, ", ")
		}
		if len(s.Keys) > 0 {
			words += "; keys " + strings.Join(s.Keys, ", ")
		}
		if s.Expires != nil {
			words += "; signed until " + s.Expires.UTC().Format(time.RFC3339)
		}
		if s.Why != "" {
			words += "; " + s.Why
		}
		p.line("   ", "%s", words)
		for _, record := range s.Records {
			p.line("      ", "%s", record)
		}
	}
}

func adWords(ad bool) string {
	if ad {
		return ", AD"
	}
	return ", no AD"
}

// validatedWords says what the reply is worth.
func validatedWords(o snapshot.Observation) string {
	if o.Own != "" {
		return ", " + string(o.Own)
	}
	return adWords(o.AD)
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
		words += validatedWords(o)
	}
	if len(o.Records.Properties) > 0 {
		words += fmt.Sprintf(", TTL %d s", o.TTL)
	}
	if !o.Time.IsZero() {
		words += ", at " + o.Time.UTC().Format(time.RFC3339)
	}
	return words
}

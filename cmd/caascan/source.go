package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"caascan/report"
	"caascan/scan"
	"caascan/scan/caa"
	"caascan/scan/dnssec"
	"caascan/scan/domain"
	"caascan/scan/lookup"
	"caascan/scan/snapshot"
	"caascan/scan/zone"
)

// sourceOptions say where answers come from and how hard to ask.
type sourceOptions struct {
	issuers     []string
	resolvers   []string
	zones       []string
	overlays    []string
	snapshots   []string
	concurrency int
	rate        float64
	timeout     time.Duration
	attempts    int
	finalPass   time.Duration
	probeBogus  string
	probeCAA    string
	allowMixed  bool
	trustAD     bool
	dnssec      string
	trustAnchor string
}

func (o *sourceOptions) add(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&o.issuers, "issuer", "i", nil, "`CA`: the CA to decide for: a name that caascan issuers lists, or its issuer domain names with commas between them; LABEL=CA sets its label in the reports (repeatable; default: CAASCAN_ISSUER)")
	flags.StringArrayVarP(&o.resolvers, "resolver", "r", nil, "`ADDRESS`: ask this recursive resolver: 192.0.2.1, [2001:db8::1]:5353, tls://host[:port][#name] or https://host/dns-query (repeatable, or with commas; default: CAASCAN_RESOLVER, else the system's)")
	flags.StringArrayVar(&o.zones, "zone", nil, "`[ORIGIN=]FILE`: answer from this zone file alone, without the network; ORIGIN is the origin of its relative names (repeatable)")
	flags.StringArrayVar(&o.overlays, "overlay", nil, "`FILE`: treat the CAA records of this zone file as if they were published (repeatable)")
	flags.StringArrayVar(&o.snapshots, "from-snapshot", nil, "`FILE`: answer from this snapshot of earlier runs alone, without the network; a folder means all its .jsonl files, a pattern all files that match (repeatable)")
	flags.IntVar(&o.concurrency, "concurrency", lookup.DefaultConcurrency, "`N`: how many queries may wait for their answers at a time; overdue ones do not count")
	flags.Float64Var(&o.rate, "rate", 0, "`N`: the most queries to send in a second, retries included; 0 is no limit")
	flags.DurationVar(&o.timeout, "timeout", lookup.DefaultTimeout, "`TIME`: how long to wait in one try of a query, such as 5s")
	flags.IntVar(&o.attempts, "attempts", lookup.DefaultAttempts, "`N`: tries of a query in each pass")
	flags.DurationVar(&o.finalPass, "final-pass-after", defaultFinalPass, "`TIME`: how long to wait before a failed name is asked once more, slowly; 60s is good for large lists")
	flags.StringVar(&o.probeBogus, "probe-bogus", "", "`NAME`: a name with bogus DNSSEC signatures; a resolver that answers for it does not validate")
	flags.StringVar(&o.probeCAA, "probe-caa", "", "`NAME`: a name that has CAA records; a resolver that finds none there is left out")
	flags.BoolVar(&o.allowMixed, "allow-mixed", false, "also ask resolvers that do not validate DNSSEC, although others do")
	flags.StringVar(&o.dnssec, "dnssec", dnssecAuto, "who validates DNSSEC (`auto|own|resolver|off`): resolvers, caascan itself, nobody; auto: the resolvers if all of them validate and are believed, else caascan")
	flags.StringVar(&o.trustAnchor, "trust-anchor", "", "a `file` with DS or DNSKEY records of the root to trust in place of those of the DNS, for own validation")
	flags.BoolVar(&o.trustAD, "trust-ad", false, "believe what a resolver says about DNSSEC, even over a network that could forge it")
}

// defaultFinalPass is as long as resolvers keep a failure at least, by habit (RFC
// 9520, section 3.2).
const defaultFinalPass = 5 * time.Second

// The values of --dnssec.
const (
	dnssecAuto     = "auto"
	dnssecOwn      = "own"
	dnssecResolver = "resolver"
	dnssecOff      = "off"
)

// validations are what each value of --dnssec asks for.
func validations() map[string]lookup.Validation {
	return map[string]lookup.Validation{
		dnssecAuto: lookup.Auto, dnssecOwn: lookup.Own, dnssecResolver: lookup.ByResolver, dnssecOff: lookup.Off,
	}
}

// anchors reads --trust-anchor; nil without it.
func (o *sourceOptions) anchors() (dnssec.Anchors, error) {
	if o.trustAnchor == "" {
		return nil, nil
	}
	file, err := os.Open(o.trustAnchor)
	if err != nil {
		return nil, usagef("--trust-anchor %s cannot be read: %w", o.trustAnchor, cause(err))
	}
	defer func() { _ = file.Close() }() // it was only read
	anchors, err := dnssec.ReadAnchors(file, o.trustAnchor)
	if err != nil {
		return nil, usagef("--trust-anchor %w", err)
	}
	return anchors, nil
}

// parseIssuers reads --issuer. Two CAs must not have one label: reports name
// their columns by it.
func (o *sourceOptions) parseIssuers() ([]caa.Issuer, error) {
	labels := make(map[string]bool)
	var issuers []caa.Issuer
	for _, text := range o.issuers {
		issuer, err := caa.ParseIssuer(text)
		if err != nil {
			return nil, issuerMistake(text, err)
		}
		if labels[issuer.Label] {
			return nil, usagef("--issuer %q: another --issuer has the label %q: write LABEL=domain with another label", text, issuer.Label)
		}
		labels[issuer.Label] = true
		issuers = append(issuers, issuer)
	}
	return issuers, nil
}

// validate finds what no lookup could be made with.
func (o *sourceOptions) validate() error {
	switch {
	case len(o.zones) > 0 && len(o.resolvers) > 0:
		return usagef("--zone answers from files alone, --resolver from the DNS: give one of them")
	case len(o.snapshots) > 0 && len(o.zones)+len(o.resolvers) > 0:
		return usagef("--from-snapshot answers from files alone: leave --resolver and --zone out")
	case o.probeCAA != "" && len(o.zones)+len(o.snapshots) > 0:
		return usagef("--probe-caa tests resolvers, and --zone and --from-snapshot ask none: leave it out")
	case len(o.resolverList()) > snapshot.MostResolvers:
		return usagef("--resolver is given %d times: at most %d can be asked", len(o.resolverList()), snapshot.MostResolvers)
	case o.concurrency < 1 || o.concurrency > lookup.MaxConcurrency:
		return usagef("--concurrency %d: it must be from 1 to %d", o.concurrency, lookup.MaxConcurrency)
	case !(o.rate >= 0):
		return usagef("--rate %v: it must not be negative", o.rate)
	case o.timeout <= 0:
		return usagef("--timeout %v: it must be more than 0, such as 5s", o.timeout)
	case o.attempts < 1:
		return usagef("--attempts %d: it must be at least 1", o.attempts)
	case o.finalPass < 0:
		return usagef("--final-pass-after %v: it must not be negative", o.finalPass)
	}
	if _, known := validations()[o.dnssec]; !known {
		return usagef("--dnssec %q: write auto, own, resolver or off", o.dnssec)
	}
	if _, err := o.anchors(); err != nil {
		return err
	}
	if _, err := probeName("--probe-bogus", o.probeBogus); err != nil {
		return err
	}
	if _, err := probeName("--probe-caa", o.probeCAA); err != nil {
		return err
	}
	for _, text := range o.zones {
		if _, _, err := parseZone(text); err != nil {
			return err
		}
	}
	_, err := o.servers()
	return err
}

// resolverList returns each resolver of --resolver, which takes lists with commas too.
func (o *sourceOptions) resolverList() []string {
	var all []string
	for _, list := range o.resolvers {
		for text := range strings.SplitSeq(list, ",") {
			all = append(all, strings.TrimSpace(text))
		}
	}
	return all
}

// servers reads --resolver.
func (o *sourceOptions) servers() ([]lookup.Server, error) {
	var servers []lookup.Server
	for _, text := range o.resolverList() {
		server, err := parseServer(text)
		if err != nil {
			return nil, err
		}
		servers = append(servers, server)
	}
	return servers, nil
}

// awaited says whose answers open waits for; it is empty if it asks nobody.
func (o *sourceOptions) awaited() string {
	switch list := o.resolverList(); {
	case len(o.zones)+len(o.snapshots) > 0:
		return ""
	case len(list) == 0:
		return "still waiting for an answer from the system's resolvers"
	default:
		return "still waiting for an answer from " + bounded(strings.Join(list, ", "))
	}
}

// probeName reads the name that a flag has resolvers asked for.
func probeName(flag, text string) (domain.Name, error) {
	if text == "" {
		return domain.Name{}, nil
	}
	name, err := domain.Parse(text)
	if err != nil {
		return domain.Name{}, usagef("%s %q: %w", flag, text, err)
	}
	return name, nil
}

// source is an open source of answers.
type source struct {
	store     *snapshot.Store // what is known
	resolver  *lookup.Client  // nil with evidence
	evidence  *evidence       // nil if somebody is asked
	overlay   *zone.Overlay
	links     map[string][]snapshot.Link // see keepLinks
	anchors   dnssec.Anchors             // of --trust-anchor; nil: those of the DNS
	resolvers []string                   // the addresses that are asked
	zoneFiles []string                   // the base names of the files that answer instead
	warnings  []string                   // what makes the answers weaker than asked for
	facts     []string                   // what else is to be known of them
}

// open loads the zone files, or finds the resolvers that answer. Nothing has been
// looked up yet. What happens to the resolvers later is told to onEvent.
func (o *sourceOptions) open(ctx context.Context, onEvent func(lookup.Event)) (source, error) {
	cfg := lookup.Config{
		Concurrency: o.concurrency, Rate: o.rate, Timeout: o.timeout, Attempts: o.attempts,
		FinalPassAfter: o.finalPass, AllowMixed: o.allowMixed, TrustAD: o.trustAD, OnEvent: onEvent,
	}
	overlay, err := zone.LoadOverlay(o.overlays...)
	if err != nil {
		return source{}, err
	}
	if len(o.snapshots) > 0 {
		return o.openEvidence(overlay)
	}
	cfg.Store, cfg.Overlay = new(snapshot.Store), overlay
	src, err := o.openAnswers(ctx, cfg)
	src.store, src.overlay = cfg.Store, overlay
	return src, err
}

func (o *sourceOptions) openAnswers(ctx context.Context, cfg lookup.Config) (source, error) {
	if len(o.zones) > 0 {
		return o.openZones(cfg)
	}
	servers, err := o.servers()
	if err == nil && len(servers) == 0 {
		servers, err = lookup.SystemServers()
	}
	if err != nil {
		return source{}, adviseResolver(err)
	}
	cfg.Servers = servers
	cfg.DNSSEC = validations()[o.dnssec]
	if cfg.Anchors, err = o.anchors(); err != nil {
		return source{}, err
	}
	if cfg.ProbeBogus, err = probeName("--probe-bogus", o.probeBogus); err != nil {
		return source{}, err
	}
	if cfg.ProbeCAA, err = probeName("--probe-caa", o.probeCAA); err != nil {
		return source{}, err
	}
	resolver, err := lookup.New(cfg)
	if err != nil {
		return source{}, err
	}
	src, err := probe(ctx, resolver)
	src.anchors = cfg.Anchors
	if err == nil && resolver.Clock() != nil {
		err = o.clockIsWrong(&src, resolver.Clock())
	}
	if err != nil {
		return src, err
	}
	if o.dnssec == dnssecOwn && src.validates() != dnssecOwn {
		src.warnings = append(src.warnings, "no resolver passes DNSSEC records that hold, so nothing is validated: caa_dnssec is unknown")
	}
	return src, err
}

// clockIsWrong makes of a clock that nothing can be validated by an error, if it is to be
// validated here, and else a warning.
func (o *sourceOptions) clockIsWrong(src *source, err error) error {
	if o.dnssec == dnssecOwn {
		return err
	}
	src.warnings = append(src.warnings, "caascan cannot validate DNSSEC itself: "+flat(err.Error()))
	return nil
}

// validates says as --dnssec does who validates the answers, "" where there is nothing to
// validate.
func (s *source) validates() string {
	if s.resolver == nil || len(s.zoneFiles) > 0 {
		return ""
	}
	switch s.resolver.Validates() {
	case lookup.Own:
		return dnssecOwn
	case lookup.Off:
		return dnssecOff
	case lookup.ByResolver, lookup.Auto:
	}
	return ""
}

// files are what is read, and so must not be written over.
func (o *sourceOptions) files() []string {
	var zones []string
	for _, text := range o.zones {
		_, file, _ := parseZone(text) // which has been checked
		zones = append(zones, file)
	}
	anchors := slices.DeleteFunc([]string{o.trustAnchor}, func(file string) bool { return file == "" })
	return slices.Concat(zones, o.overlays, o.snapshots, anchors)
}

// parseZone reads --zone: a file, or the origin of its relative names before "=".
func parseZone(text string) (origin domain.Name, file string, err error) {
	before, after, ok := strings.Cut(text, "=")
	if _, err := os.Stat(text); err == nil || !ok || strings.ContainsAny(before, `/\`) {
		return domain.Name{}, text, nil
	}
	if origin, err = domain.Parse(before); err != nil {
		return domain.Name{}, "", usagef("--zone %q: the origin before = is %w", text, err)
	}
	return origin, after, nil
}

func (o *sourceOptions) openZones(cfg lookup.Config) (source, error) {
	var zones []*zone.Zone
	var src source
	for _, text := range o.zones {
		origin, file, err := parseZone(text)
		if err != nil {
			return source{}, err
		}
		z, err := zone.LoadOrigin(file, origin)
		if err != nil {
			return source{}, err
		}
		zones = append(zones, z)
		src.zoneFiles = append(src.zoneFiles, z.File())
	}
	set, err := zone.NewSet(zones...)
	if err != nil {
		return source{}, err
	}
	cfg.Zones = set
	src.resolver, err = lookup.New(cfg)
	return src, err
}

// probe leaves out the resolvers that do not answer, or do not validate if
// another one does.
func probe(ctx context.Context, resolver *lookup.Client) (source, error) {
	leftOut, err := resolver.Probe(ctx)
	src := source{resolver: resolver}
	for _, l := range leftOut {
		src.warnings = append(src.warnings, flat(fmt.Sprintf("resolver %v is left out: %v", l.Server, l.Err)))
	}
	if err != nil {
		return src, adviseResolver(err)
	}
	for _, state := range resolver.Servers() {
		if state.Doubt != "" {
			src.warnings = append(src.warnings, flat(fmt.Sprintf("resolver %s is treated as not validating DNSSEC: %s", state.Server, state.Doubt)))
		}
	}
	for _, a := range askedOf(resolver) {
		src.resolvers = append(src.resolvers, a.Resolver+" ("+validationWords(a, src.validates())+")")
	}
	return src, nil
}

// askedOf returns the resolvers that are asked.
func askedOf(resolver *lookup.Client) []snapshot.Asked {
	var list []snapshot.Asked
	for _, s := range resolver.Servers() {
		list = append(list, snapshot.Asked{Resolver: s.Server, Validates: s.Validates, Believed: s.Believed, EDNS: !s.Plain})
	}
	return list
}

// header says of a run what its answers rest on.
func (o *sourceOptions) header(src source, started time.Time) snapshot.Header {
	h := snapshot.Header{
		Program: version(), Started: started, Resolvers: askedOf(src.resolver), Zones: src.zoneFiles, Notes: src.warnings,
		Flags: snapshot.Flags{
			TrustAD: o.trustAD, AllowMixed: o.allowMixed, ProbeBogus: o.probeBogus,
			Timeout: o.timeout.String(), Attempts: o.attempts, FinalPass: o.finalPass.String(),
		},
	}
	h.Flags.DNSSEC = src.validates()
	if anchors, err := o.anchors(); err == nil && h.Flags.DNSSEC == dnssecOwn && len(anchors) > 0 {
		h.Flags.TrustAnchor = fmt.Sprintf("%x", sha256.Sum256([]byte(anchors.String())))
	}
	for _, path := range o.overlays {
		h.Flags.Overlays = append(h.Flags.Overlays, filepath.Base(path))
	}
	return h
}

// validationWords says what a resolver is worth to who wants DNSSEC validated.
func validationWords(a snapshot.Asked, validates string) string {
	switch {
	case validates == dnssecOwn:
		return "passes DNSSEC records, which caascan validates"
	case validates == dnssecOff:
		return "asked without DNSSEC validation"
	case !a.EDNS:
		return "does not understand EDNS, so DNSSEC is unknown"
	case a.Believed:
		return "validates DNSSEC"
	case a.Validates:
		return "validates DNSSEC, but the network on the way to it could forge that"
	}
	return "does not validate DNSSEC"
}

// illness says, once names have been looked up, which resolvers have not done as
// they should: the answers are weaker, or later, than asked for. Of answers that were
// there already so many are used again.
func (s *source) illness(reused int) []string {
	if s.resolver == nil {
		return nil
	}
	var words []string
	for _, state := range s.resolver.Servers() {
		switch {
		case state.Unvalidated > 0:
			words = append(words, fmt.Sprintf("resolver %s stopped validating DNSSEC during the scan, and no other could be asked: %s without AD since then count as not validated (caa_dnssec unknown)", state.Server, counted(state.Unvalidated, "answer")))
		case state.Illnesses > 0:
			words = append(words, flat(fmt.Sprintf("resolver %s was left alone for a while (%s): %s", state.Server, counted(state.Illnesses, "time"), state.Why)))
		case state.Out:
			words = append(words, fmt.Sprintf("resolver %s was no longer asked: %s", state.Server, state.Why))
		case state.Queries >= manyQueries && state.Answers == 0 && reused == 0 || state.Longest >= longStreak:
			words = append(words, fmt.Sprintf("resolver %s failed %d queries in a row (%s), though it answers a probe", state.Server, state.Longest, state.Cause))
		}
	}
	return words
}

// control says, if so many domains were answered and not one of them has CAA records,
// that somebody may not pass the type on. Zone files hold what they hold, and what an overlay
// has nobody passed on.
func (s *source) control(t *report.Tally) string {
	const anyCA = 0 // whether there are records is the same for all
	without := t.Reason(anyCA, scan.Reason(caa.NoCAA)).Domains
	with := t.Status(anyCA, scan.Permitted).Domains + t.Status(anyCA, scan.Denied).Domains - without
	if without < manyAnswered || len(s.zoneFiles) > 0 || with > 0 && s.overlay.Len() == 0 {
		return ""
	}
	if with > 0 {
		for d := range t.Domains() {
			if hasPublished(d) {
				return ""
			}
		}
	}
	return fmt.Sprintf("none of the %d domains that were answered has CAA records, and neither has any of their parents: does the resolver pass them on? "+
		"To find out, use --probe-caa NAME with a name that is known to have some", without)
}

func hasPublished(d report.DomainTotal) bool {
	return len(d.Outcome.Records.Properties) > 0 && d.Outcome.Resolver != string(snapshot.Overlay)
}

// manyAnswered domains without a CAA record are more than chance: of public lists some in a
// hundred have one.
const manyAnswered = 200

// manyQueries without an answer speak against a resolver rather than the names, unless
// those are what is left because they failed before.
const manyQueries = 16

// longStreak of failures is more than a list has by chance.
const longStreak = 64

// trace returns the answer of each step of a climb.
func (s *source) trace(ctx context.Context, name domain.Name) ([]snapshot.Observation, error) {
	if s.resolver == nil {
		return s.store.Climb(name), nil
	}
	return s.resolver.Trace(ctx, name)
}

// others returns the answers that snapshots have beside those of a climb.
func (s source) others(name domain.Name) (others []snapshot.Observation) {
	for at := range name.Climb() {
		others = append(others, s.store.Others(at)...)
	}
	return others
}

// keepLinks keeps what own validation learns of zones, for chain. It is for few names.
func (s *source) keepLinks() {
	if s.resolver == nil {
		return
	}
	var mu sync.Mutex
	s.links = make(map[string][]snapshot.Link)
	s.resolver.KeepProof(func(l snapshot.Link) {
		mu.Lock()
		defer mu.Unlock()
		s.links[l.Name] = append(slices.DeleteFunc(s.links[l.Name], func(old snapshot.Link) bool { return old.Type == l.Type }), l)
	})
}

// chain is what own validation knows of the zones above a name, with the signed records if
// keepLinks was called before the name was looked up.
func (s *source) chain(name domain.Name) []lookup.ChainStep {
	if s.resolver == nil {
		return nil
	}
	steps := s.resolver.Chain(name)
	for i := range steps {
		for _, l := range s.links[steps[i].Name] {
			steps[i].Records = append(steps[i].Records, lookup.DescribeSigned(l.Signed)...)
		}
	}
	return steps
}

// stats is how far the lookups have come; nothing if nobody is asked.
func (s *source) stats() lookup.Stats {
	if s.resolver == nil {
		return lookup.Stats{}
	}
	return s.resolver.Stats()
}

func adviseResolver(err error) error {
	return fmt.Errorf("%w: use --resolver to name one that answers, such as --resolver 127.0.0.1", err)
}

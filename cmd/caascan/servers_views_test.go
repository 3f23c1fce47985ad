//go:build servers

package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"golang.org/x/time/rate"

	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

// viewed denies in the public DNS. Each of the resolvers of these tests has something of its
// own to say of it.
const viewed = "deny.secure.nsec."

// view is a resolver that does not answer from the public DNS.
type view struct {
	name   string
	start  func(t *testing.T) string // returns its address
	input  string
	status string // with the reason
	detail string // a part of it
	stderr string // a part of it, where there is no usable resolver
}

// TestViews holds what real resolvers with views, block lists and captive portals of their own
// say of a name to what no CA may make of it.
func TestViews(t *testing.T) {
	program := build(t)
	d := startSignedDNS(t)
	public := d.startResolver(t, d.validatorConfig("yes"))
	for _, v := range d.views(public) {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			input := writeText(t, filepath.Join(t.TempDir(), "list.csv"), "domain\n"+v.input+"\n")
			got := runProgram(t, program, "", "scan", input, "--issuer", "ca.example", "-o", "-", "--timeout", "2s", "--final-pass-after", "0s",
				"--resolver", v.start(t))
			if v.stderr != "" {
				if got.code == exitDone || !strings.Contains(got.stderr, v.stderr) {
					t.Errorf("%+v, want no usable resolver: %s", got, v.stderr)
				}
				return
			}
			if got.code != exitDone {
				t.Fatalf("%+v", got)
			}
			report := readReport(t, got.stdout)
			cells := pick(report[0], report[1], "caa_status", "caa_reason", "caa_detail")
			if cells[0]+" "+cells[1] != v.status || !strings.Contains(cells[2], v.detail) {
				t.Errorf("%q, want %s, %s", cells, v.status, v.detail)
			}
		})
	}
}

// What the details say of each mark.
const (
	byAuthority = "AA is set"
	byPolicy    = "a response policy"
)

func (d signedDNS) views(public string) []view {
	name := strings.TrimSuffix(viewed, ".")
	viewed := func(what string, start func(t *testing.T) string, detail string) view {
		return view{name: what, start: start, input: name, status: "lookup-failed filtered", detail: detail}
	}
	views := []view{
		{name: "the public DNS", start: func(*testing.T) string { return public }, input: name, status: "denied issuer-not-listed"},
		{name: "named without a view", start: d.named(public, "", ""), input: name, status: "denied issuer-not-listed"},
		{name: "dnsmasq without a view", start: dnsmasq(public), input: name, status: "denied issuer-not-listed"},
		{name: "unbound, a redirect of everything", start: d.unboundView(`local-zone: "." redirect
  local-data: ". A 192.0.2.1"`), input: name, stderr: "no SOA record for the root"},
		{name: "dnsmasq, an address for everything", start: dnsmasq("", "--address=/#/192.0.2.1"), input: name, stderr: "no usable resolver"},
		{name: "dnsmasq, a local domain", start: dnsmasq(public, "--local=/"+name+"/"), input: name, status: "lookup-failed malformed-reply"},
		viewed("named, an internal zone", d.named(public, `zone "`+name+`" { type primary; file "view.zone"; };`, ""), byAuthority),
	}
	for what, config := range map[string]string{
		"static":            `local-zone: "NAME" static` + "\n  " + `local-data: "NAME SOA ns.NAME h.NAME 1 2 3 4 5"` + "\n  " + `local-data: "NAME A 192.0.2.1"`,
		"transparent":       `local-zone: "NAME" transparent` + "\n  " + `local-data: "NAME A 192.0.2.1"`,
		"redirect":          `local-zone: "NAME" redirect` + "\n  " + `local-data: "NAME A 192.0.2.1"`,
		"always_nxdomain":   `local-zone: "NAME" always_nxdomain`,
		"always_nodata":     `local-zone: "NAME" always_nodata`,
		"a static one, TLD": `local-zone: "nsec." static`,
	} {
		views = append(views, viewed("unbound, local-zone "+what, d.unboundView(strings.ReplaceAll(config, "NAME", name+".")), byAuthority))
	}
	for what, target := range map[string]string{"NXDOMAIN": ".", "NODATA": "*."} {
		views = append(views,
			viewed("unbound, a policy of "+what, d.unboundPolicy(name, target), ""),
			viewed("named, a policy of "+what, d.named(public, `zone "policy" { type primary; file "policy.zone"; };`, `response-policy { zone "policy"; } qname-wait-recurse no;`, name+" CNAME "+target), byPolicy),
		)
	}
	return views
}

// TestSwitchedOffValidationShows: a permissive mode, and a negative trust anchor (RFC 7646),
// make insecure answers of bogus ones without a word, so that they take a name that is known
// to be bogus to be seen.
func TestSwitchedOffValidationShows(t *testing.T) {
	program := build(t)
	d := startSignedDNS(t)
	validating := d.startResolver(t, d.validatorConfig("yes"))
	const known = "wrongds.bogus"
	input := writeText(t, filepath.Join(t.TempDir(), "list.csv"), "domain\nexpired.bogus\ndeny.secure.nsec\nsecure.nsec\n")
	scan := func(t *testing.T, resolvers ...string) (rows [][]string, stderr string) {
		t.Helper()
		args := []string{"scan", input, "--issuer", "ca.example", "-o", "-", "--timeout", "2s", "--final-pass-after", "0s", "--probe-bogus", known}
		for _, resolver := range resolvers {
			args = append(args, "--resolver", resolver)
		}
		got := runProgram(t, program, "", args...)
		if got.code != exitDone {
			t.Fatalf("%+v", got)
		}
		report := readReport(t, got.stdout)
		for _, row := range report[1:] {
			rows = append(rows, pick(report[0], row, "caa_status", "caa_reason", "caa_dnssec", "caa_warnings"))
		}
		return rows, got.stderr
	}
	alone := [][]string{
		{"permitted", "issuer-listed", "unknown", "dnssec-not-validated"},
		{"denied", "issuer-not-listed", "unknown", "dnssec-not-validated"},
		{"permitted", "issuer-listed", "unknown", "dnssec-not-validated"},
	}
	beside := [][]string{
		{"lookup-failed", "dnssec-bogus", "bogus", ""},
		{"denied", "issuer-not-listed", "secure", ""},
		{"permitted", "issuer-listed", "secure", ""},
	}
	for _, config := range []string{"val-permissive-mode: yes", `domain-insecure: "bogus."`} {
		t.Run("unbound, "+config, func(t *testing.T) {
			t.Parallel()
			resolver := d.unboundView(config)(t)
			const seen = "it answers for " + known + " with NOERROR in place of SERVFAIL\n"
			rows, stderr := scan(t, resolver)
			if diff := cmp.Diff(alone, rows); diff != "" || stderr != "caascan: resolver "+resolver+" is treated as not validating DNSSEC: "+seen {
				t.Errorf("stderr %q, report (-want +got)\n%s", stderr, diff)
			}
			rows, stderr = scan(t, resolver, validating)
			if diff := cmp.Diff(beside, rows); diff != "" || !strings.HasPrefix(stderr, "caascan: resolver "+resolver+" is left out: ") || strings.Count(stderr, "\n") != 1 {
				t.Errorf("beside one that validates: stderr %q, report (-want +got)\n%s", stderr, diff)
			}
		})
	}
}

// perSecond is how many queries a limited resolver answers.
const perSecond = 400

// startBusy starts a resolver that does not validate, and over UDP answers SERVFAIL in place
// of what it takes too much of.
func startBusy(t *testing.T, takes func(dnstest.Query) bool) string {
	t.Helper()
	z, err := zone.Parse(strings.NewReader(busyZone), "busy.zone")
	if err != nil {
		t.Fatal(err)
	}
	server, err := dnstest.Start(dnstest.Config{Zones: []*zone.Zone{z}, Handle: func(q dnstest.Query) []dnstest.Reply {
		if q.Transport != dnstest.UDP || takes(q) {
			return q.Replies()
		}
		var m dns.Msg
		if err := m.Unpack(q.Wire); err != nil {
			return nil
		}
		refusal := new(dns.Msg).SetRcode(&m, dns.RcodeServerFailure)
		refusal.RecursionAvailable = true
		wire, err := refusal.Pack()
		if err != nil {
			return nil
		}
		return []dnstest.Reply{{Wire: wire}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server.Addr()
}

// busyZone permits below one domain and denies below another.
const busyZone = `. 60 SOA ns.invalid. h.invalid. 1 2 3 4 5
*.permits.example. 60 A 192.0.2.1
*.denies.example. 60 CAA 0 issuemail "other.example"
`

// TestARateLimitIsNoValidationError: a resolver that does not validate says SERVFAIL of more
// than it likes to answer, which is no word of DNSSEC. By a limit all names are answered in
// the end; where others take half of what it answers, some never are.
func TestARateLimitIsNoValidationError(t *testing.T) {
	program := build(t)
	limiter, others := rate.NewLimiter(perSecond, perSecond), new(atomic.Uint64)
	for _, test := range []struct {
		name  string
		takes func(dnstest.Query) bool
		names int
		least int // of them are answered
	}{
		{"so many a second", func(dnstest.Query) bool { return limiter.Allow() }, 5 * perSecond, 5 * perSecond},
		{"half of them, but what all need", func(q dnstest.Query) bool {
			return strings.Count(q.Name, ".") < 2 || rand.New(rand.NewPCG(1, others.Add(1))).IntN(2) == 0
		}, 250, 125},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			counts, stderr := scanBusy(t, program, startBusy(t, test.takes), test.names)
			failed := counts["lookup-failed servfail"]
			if failed > test.names-test.least || counts["permitted no-caa"]+counts["denied issuer-not-listed"]+failed != test.names {
				t.Errorf("stderr %q, %v, want %d answered, and no failure but SERVFAIL", stderr, counts, test.least)
			}
		})
	}
}

// scanBusy scans so many names, and counts how many have which status and reason. Each status
// is the one that its name says, or a failure.
func scanBusy(t *testing.T, program, resolver string, names int) (counts map[string]int, stderr string) {
	t.Helper()
	var list strings.Builder
	list.WriteString("domain\n")
	for i := range names / 2 {
		fmt.Fprintf(&list, "n%d.permits.example\nn%d.denies.example\n", i, i)
	}
	input := writeText(t, filepath.Join(t.TempDir(), "list.csv"), list.String())
	got := runProgram(t, program, "", "scan", input, "--issuer", "ca.example", "-o", "-", "--final-pass-after", "1s", "--resolver", resolver)
	if got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	counts = make(map[string]int)
	report := readReport(t, got.stdout)
	for _, row := range report[1:] {
		cells := pick(report[0], row, "caa_domain", "caa_status", "caa_reason")
		counts[cells[1]+" "+cells[2]]++
		if permits := strings.Contains(cells[0], "permits"); cells[1] == "permitted" && !permits || cells[1] == "denied" && permits {
			t.Errorf("%q", cells)
		}
	}
	return counts, got.stderr
}

// unboundView starts a validating unbound with more of its server clause.
func (d signedDNS) unboundView(config string) func(t *testing.T) string {
	return func(t *testing.T) string {
		return d.startAny(t, d.validatorConfig("yes")+"server:\n  "+config+"\n")
	}
}

func (d signedDNS) unboundPolicy(name, target string) func(t *testing.T) string {
	return func(t *testing.T) string {
		file := filepath.Join(t.TempDir(), "policy.zone")
		writeFile(t, file, policyZone+name+" CNAME "+target+"\n")
		config := strings.Replace(d.validatorConfig("yes"), `"validator iterator"`, `"respip validator iterator"`, 1)
		return d.startAny(t, config+fmt.Sprintf("rpz:\n  name: \"policy\"\n  zonefile: %q\n", file))
	}
}

// policyZone begins a policy zone.
const policyZone = "$TTL 60\n$ORIGIN policy.\n@ SOA localhost. h. 1 2 3 4 5\n@ NS localhost.\n"

// startAny starts an unbound, which is ready when it answers anything.
func (d signedDNS) startAny(t *testing.T, config string) string {
	t.Helper()
	program, dir := find(t, "unbound"), t.TempDir()
	path := filepath.Join(dir, "unbound.conf")
	return startAnswering(t, func(port uint16) []string {
		text := fmt.Sprintf(config+d.unserved, dir, port)
		for _, zone := range d.zones {
			text += fmt.Sprintf(unboundStub, zone, d.authority.Port())
		}
		writeFile(t, path, text)
		return []string{program, "-d", "-c", path}
	})
}

// namedConfig forwards everything to one resolver, which is asked over loopback alone.
const namedConfig = `options {
  directory "%[1]s";
  pid-file none;
  session-keyfile none;
  managed-keys-directory "%[1]s";
  listen-on port %[2]d { 127.0.0.1; };
  listen-on-v6 { none; };
  query-source address 127.0.0.1;
  forwarders { %[3]s; };
  forward only;
  recursion yes;
  allow-query { any; };
  allow-recursion { any; };
  dnssec-validation no;
  empty-zones-enable no;
  %[4]s
};
controls { };
%[5]s
`

// named starts a BIND with more statements, of the options too. It has a zone of its own for
// the name, and the policies.
func (d signedDNS) named(public, statements, options string, policies ...string) func(t *testing.T) string {
	return func(t *testing.T) string {
		program, dir := find(t, "named"), t.TempDir()
		writeFile(t, filepath.Join(dir, "view.zone"), "$TTL 60\n@ SOA ns.invalid. h.invalid. 1 2 3 4 5\n@ NS ns.invalid.\n@ A 192.0.2.1\n")
		writeFile(t, filepath.Join(dir, "policy.zone"), policyZone+strings.Join(policies, "\n")+"\n")
		path := filepath.Join(dir, "named.conf")
		resolver := netip.MustParseAddrPort(public)
		forwarder := fmt.Sprintf("%s port %d", resolver.Addr(), resolver.Port())
		return startAnswering(t, func(port uint16) []string {
			writeFile(t, path, fmt.Sprintf(namedConfig, dir, port, forwarder, options, statements))
			return []string{program, "-g", "-c", path}
		})
	}
}

// dnsmasq starts one that forwards to a resolver, with more arguments.
func dnsmasq(public string, args ...string) func(t *testing.T) string {
	return func(t *testing.T) string {
		program := find(t, "dnsmasq")
		if public != "" {
			args = append(args, "--server="+strings.Replace(public, ":", "#", 1))
		}
		return startAnswering(t, func(port uint16) []string {
			return append([]string{
				program, "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=",
				"--listen-address=127.0.0.1", "--bind-interfaces", fmt.Sprintf("--port=%d", port), "--user=", "--log-facility=-",
			}, args...)
		})
	}
}

// startAnswering starts a server, which is ready when it answers anything, and returns its
// address.
func startAnswering(t *testing.T, command func(port uint16) []string) string {
	t.Helper()
	const tries = 3
	var log string
	for range tries {
		address := freeAddress(t)
		answers := func() bool {
			_, _, err := (&dns.Client{Timeout: time.Second}).Exchange(new(dns.Msg).SetQuestion("ready.invalid.", dns.TypeA), address.String())
			return err == nil
		}
		var ready bool
		if ready, log = launch(t, command(address.Port()), answers); ready {
			return address.String()
		}
	}
	t.Fatalf("the server does not start:\n%s", log)
	return ""
}

// TestARestartWithoutTheValidatorIsFoundOut: unbound takes a configuration without its
// validator in the middle of a run, on the same address. The name whose signatures have
// expired, which comes last, is answered after that and is not told as validated.
func TestARestartWithoutTheValidatorIsFoundOut(t *testing.T) {
	program, d, dir := build(t), startSignedDNS(t), t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	writeFile(t, file("modules.conf"), "module-config: \"validator iterator\"\n")
	config := strings.NewReplacer(`module-config: "validator iterator"`, `include: "`+file("modules.conf")+`"`, `pidfile: ""`, `pidfile: "`+file("pid")+`"`).
		Replace(d.validatorConfig("yes"))
	resolver := d.startResolver(t, config)
	list := "domain\n"
	for i := range 60 {
		list += fmt.Sprintf("m%d.secure.nsec\n", i)
	}
	writeFile(t, file("list.csv"), list+"expired.bogus\n")
	cmd := exec.CommandContext(t.Context(), program, "scan", file("list.csv"), "--issuer", "ca.example", "--resolver", resolver,
		"--rate", "15", "--snapshot", file("answers.jsonl"), "-o", file("report.csv"))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %s", err, stderr.String())
		}
	}()
	begun := until(t, ended, func() bool {
		text, err := os.ReadFile(file("answers.jsonl"))
		return err == nil && strings.Count(string(text), "\n") > 5
	})
	pid, err := strconv.Atoi(strings.TrimSpace(readText(t, file("pid"))))
	if err != nil || !begun {
		t.Fatalf("begun %v, %v", begun, err)
	}
	writeFile(t, file("modules.conf"), "module-config: \"iterator\"\n")
	if err := syscall.Kill(pid, syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-ended
	report := readReport(t, readText(t, file("report.csv")))
	got := pick(report[0], report[len(report)-1], "caa_domain", "caa_dnssec")
	if diff := cmp.Diff([]string{"expired.bogus", "unknown"}, got); diff != "" || !strings.Contains(stderr.String(), "stopped validating DNSSEC during the scan") {
		t.Errorf("stderr %q, last row (-want +got)\n%s", stderr.String(), diff)
	}
}

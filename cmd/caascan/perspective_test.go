package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

// placeZone is what the honest places see. The domain of the tests is corp.example; other
// places see it otherwise.
const placeZone = `$ORIGIN .
$TTL 300
@ SOA ns.example. hostmaster.example. 1 7200 900 1209600 300
plain.example. TXT "x"
denied.example. CAA 0 issuemail ";"
corp.example. CAA 0 issuemail "ca.example" ; answer: insecure
`

// placeWorld is what is seen from a place.
type placeWorld string

const (
	honest          placeWorld = "honest"
	poisoned        placeWorld = "poisoned"         // somebody forges the records of corp.example
	failingInsecure placeWorld = "failing-insecure" // its servers do not answer, and it is not signed
	failingSigned   placeWorld = "failing-signed"   // likewise, and it is signed
	unreachable     placeWorld = "unreachable"      // no name is answered
	lying           placeWorld = "lying"            // all is permitted
)

// start starts the resolver of a place, on an address of its own.
func (w placeWorld) start(t *testing.T, address int) string {
	t.Helper()
	text := placeZone
	switch w {
	case honest, unreachable:
	case poisoned:
		text = strings.Replace(text, `issuemail "ca.example"`, `issuemail "forger.example"`, 1)
	case failingInsecure, failingSigned:
		text = strings.Replace(text, "answer: insecure", "answer: insecure servfail ede=22", 1)
	case lying:
		text = strings.Replace(text, `";"`, `"ca.example"`, 1)
	}
	z, err := zone.Parse(strings.NewReader(text), string(w)+".zone")
	if err != nil {
		t.Fatal(err)
	}
	server, err := dnstest.Start(dnstest.Config{Zones: []*zone.Zone{z}, Validates: true, Listen: fmt.Sprintf("127.0.0.%d:0", address), Handle: w.replies})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server.Addr()
}

// The records of the proof that corp.example is signed, or is not (RFC 4035, section 5.2).
const (
	signedDelegation   = " 300 IN DS 12345 13 2 AABBCCDDEEFFAABBCCDDEEFFAABBCCDDEEFFAABBCCDDEEFFAABBCCDDEEFFAABB"
	unsignedDelegation = " 300 IN NSEC z.example. NS RRSIG NSEC"
)

func (w placeWorld) replies(q dnstest.Query) []dnstest.Reply {
	switch {
	case w == unreachable && (q.Type == dns.TypeCAA || q.Type == dns.TypeDS):
		return nil
	case q.Type != dns.TypeDS:
		return q.Replies()
	}
	var m, asked dns.Msg
	if err := asked.Unpack(q.Wire); err != nil {
		return nil
	}
	m.SetReply(&asked)
	m.RecursionAvailable, m.AuthenticatedData = true, true
	rr, err := dns.NewRR(asked.Question[0].Name + signedDelegation)
	if q.Name == "corp.example" && w != failingSigned {
		rr, err = dns.NewRR(asked.Question[0].Name + unsignedDelegation)
		m.Ns = []dns.RR{rr}
	} else {
		m.Answer = []dns.RR{rr}
	}
	wire, err2 := m.Pack()
	if err != nil || err2 != nil {
		return nil
	}
	return []dnstest.Reply{{Wire: wire}}
}

// places makes the snapshot of each of these worlds, as another place would: from the names
// alone. They are named by their numbers.
func places(t *testing.T, names string, worlds ...placeWorld) []string {
	t.Helper()
	var files []string
	for i, w := range worlds {
		file := filepath.Join(t.TempDir(), fmt.Sprintf("%d-%s.jsonl", i, w))
		got := runWith(t.Context(), names, "scan", "-", "--resolver", w.start(t, i+2), "--snapshot", file,
			"--timeout", "150ms", "--attempts", "1", "--final-pass-after", "0s")
		if got.code != exitDone {
			t.Fatalf("%s: exit %d, stderr %q", w, got.code, got.stderr)
		}
		files = append(files, file)
	}
	return files
}

const placeList = "email\nana@corp.example\nben@plain.example\ncy@denied.example\nno address\n"

// primaryOn makes the snapshot of a primary perspective, of which the run began on a date.
func primaryOn(t *testing.T, w placeWorld, date string) string {
	t.Helper()
	file := places(t, "corp.example\nplain.example\ndenied.example\n", w)[0]
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), `"started":"`)
	_, after, _ := strings.Cut(rest, `"`)
	if err := os.WriteFile(file, []byte(before+`"started":"`+date+`T12:00:00Z"`+after), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestPerspectives compares what was seen from six worlds, each with a resolver on an address
// of its own. The columns are of corp.example, plain.example, denied.example and a cell
// without a domain.
func TestPerspectives(t *testing.T) {
	list := filepath.Join(t.TempDir(), "staff.csv")
	if err := os.WriteFile(list, []byte(placeList), 0o600); err != nil {
		t.Fatal(err)
	}
	names := runWith(t.Context(), "", "names", list)
	if names.code != exitDone || names.stdout != "corp.example\ndenied.example\nplain.example\nexample\n" {
		t.Fatalf("names: exit %d, %q, stderr %q", names.code, names.stdout, names.stderr)
	}
	worlds := []placeWorld{honest, honest, honest, honest, honest, poisoned, poisoned, failingInsecure, failingSigned, unreachable, lying}
	files := make(map[placeWorld][]string)
	for i, file := range places(t, names.stdout, worlds...) {
		files[worlds[i]] = append(files[worlds[i]], file)
	}
	const december, november, may = "2026-12-15", "2026-12-14", "2026-06-14"
	for _, test := range []struct {
		sentence     string
		primary      placeWorld
		date         string
		perspectives string // world@rir, the n-th of a world takes its n-th snapshot
		accept       bool
		want         []string // caa_perspectives/caa_corroborated
	}{
		{
			"five honest ones, in three regions", honest, december, "honest@ripe honest@ripe honest@arin honest@arin honest@apnic", false,
			[]string{"0 1 2 3 4/yes", "0 1 2 3 4/yes", "/not-applicable", "/not-applicable"},
		},
		{
			"all in one region", honest, december, "honest@ripe honest@ripe honest@ripe honest@ripe honest@ripe", false,
			[]string{"0 1 2 3 4/no", "0 1 2 3 4/no", "/not-applicable", "/not-applicable"},
		},
		{
			"one in another region", honest, december, "honest@ripe honest@ripe honest@ripe honest@ripe honest@lacnic", false,
			[]string{"0 1 2 3 4/yes", "0 1 2 3 4/yes", "/not-applicable", "/not-applicable"},
		},
		{
			"no region is given", honest, december, "honest honest honest honest honest", false,
			[]string{"0 1 2 3 4/unknown", "0 1 2 3 4/unknown", "/not-applicable", "/not-applicable"},
		},
		{
			"four are too few on that day", honest, december, "honest@ripe honest@arin honest@apnic honest@arin", false,
			[]string{"0 1 2 3/unknown", "0 1 2 3/unknown", "/not-applicable", "/not-applicable"},
		},
		{
			"and enough the day before", honest, november, "honest@ripe honest@arin honest@apnic honest@arin", false,
			[]string{"0 1 2 3/yes", "0 1 2 3/yes", "/not-applicable", "/not-applicable"},
		},
		{
			"three are enough in spring", honest, may, "honest@ripe honest@arin honest@apnic", false,
			[]string{"0 1 2/yes", "0 1 2/yes", "/not-applicable", "/not-applicable"},
		},
		{
			"one of five is poisoned", honest, december, "honest@ripe honest@ripe honest@arin honest@arin poisoned@apnic", false,
			[]string{"0 1 2 3/yes", "0 1 2 3 4/yes", "/not-applicable", "/not-applicable"},
		},
		{
			"two are", honest, december, "honest@ripe honest@arin honest@arin poisoned@apnic poisoned@lacnic", false,
			[]string{"0 1 2/no", "0 1 2 3 4/yes", "/not-applicable", "/not-applicable"},
		},
		{
			"two of six", honest, december, "honest@ripe honest@arin honest@arin honest@ripe poisoned@apnic poisoned@lacnic", false,
			[]string{"0 1 2 3/yes", "0 1 2 3 4 5/yes", "/not-applicable", "/not-applicable"},
		},
		{
			"one place cannot be reached, and one is poisoned", honest, december, "honest@ripe honest@arin honest@arin unreachable@apnic poisoned@lacnic", false,
			[]string{"0 1 2/no", "0 1 2 4/yes", "/not-applicable", "/not-applicable"},
		},
		{
			"a failure that a CA may accept, and one that is poisoned", honest, december, "honest@ripe honest@arin honest@arin failing-insecure@apnic poisoned@lacnic", false,
			[]string{"0 1 2/no", "0 1 2 3 4/yes", "/not-applicable", "/not-applicable"},
		},
		{
			"the same for a CA that accepts it", honest, december, "honest@ripe honest@arin honest@arin failing-insecure@apnic poisoned@lacnic", true,
			[]string{"0 1 2 3/yes", "0 1 2 3 4/yes", "/not-applicable", "/not-applicable"},
		},
		{
			"a failure of what is signed nobody accepts", honest, december, "honest@ripe honest@arin honest@arin failing-signed@apnic poisoned@lacnic", true,
			[]string{"0 1 2/no", "0 1 2 3 4/yes", "/not-applicable", "/not-applicable"},
		},
		{
			"nor one that says nothing", honest, december, "honest@ripe honest@arin honest@arin unreachable@apnic poisoned@lacnic", true,
			[]string{"0 1 2/no", "0 1 2 4/yes", "/not-applicable", "/not-applicable"},
		},
		{
			"the primary is the poisoned one: a denial needs nobody", poisoned, december, "honest@ripe honest@ripe honest@arin honest@arin honest@apnic", false,
			[]string{"/not-applicable", "0 1 2 3 4/yes", "/not-applicable", "/not-applicable"},
		},
		{
			"the primary is lied to, and all others are not", lying, december, "honest@ripe honest@ripe honest@arin honest@arin honest@apnic", false,
			[]string{"0 1 2 3 4/yes", "0 1 2 3 4/yes", "/no", "/not-applicable"},
		},
		{
			"one other is lied to as well", lying, december, "honest@ripe honest@ripe honest@arin lying@arin honest@apnic", false,
			[]string{"0 1 2 3 4/yes", "0 1 2 3 4/yes", "3/no", "/not-applicable"},
		},
		{
			"the primary fails", failingInsecure, december, "honest@ripe honest@ripe honest@arin honest@arin honest@apnic", false,
			[]string{"/not-applicable", "0 1 2 3 4/yes", "/not-applicable", "/not-applicable"},
		},
		{
			"the same for a CA that accepts it", failingInsecure, december, "honest@ripe honest@ripe honest@arin honest@arin honest@apnic", true,
			[]string{"0 1 2 3 4/yes", "0 1 2 3 4/yes", "/not-applicable", "/not-applicable"},
		},
		{
			"what is signed here no CA accepts", failingSigned, december, "honest@ripe honest@ripe honest@arin honest@arin honest@apnic", true,
			[]string{"/not-applicable", "0 1 2 3 4/yes", "/not-applicable", "/not-applicable"},
		},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			args := []string{"scan", list, "--issuer", "ca.example", "--from-snapshot", primaryOn(t, test.primary, test.date), "-o", "-", "--columns", "caa_perspectives,caa_corroborated"}
			taken := make(map[placeWorld]int)
			for i, text := range strings.Fields(test.perspectives) {
				world, region, _ := strings.Cut(text, "@")
				name := fmt.Sprint(i)
				if region != "" {
					name += "@" + region
				}
				w := placeWorld(world)
				args = append(args, "--perspective", name+"="+files[w][taken[w]])
				taken[w]++
			}
			if test.accept {
				args = append(args, "--accept-failures")
			}
			got := runWith(t.Context(), "", args...)
			if got.code != exitDone {
				t.Fatalf("exit %d, stderr %q", got.code, got.stderr)
			}
			var cells []string
			for _, row := range readReport(t, got.stdout)[1:] {
				cells = append(cells, strings.Join(row, "/"))
			}
			if diff := cmp.Diff(test.want, cells); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestMetricsOfPerspectives: two of three places see forged records of corp.example, and one of
// them may. What has no domain does not count.
func TestMetricsOfPerspectives(t *testing.T) {
	const list, names = "ana@corp.example\nbea@corp.example\nben@plain.example\ncy@denied.example\nno address\n", "corp.example\nplain.example\ndenied.example\n"
	file := filepath.Join(t.TempDir(), "caascan.prom")
	args := []string{"scan", "-", "--issuer", "ca.example", "--from-snapshot", primaryOn(t, honest, "2026-05-01"), "-o", "-", "--metrics", file}
	compared := args
	for i, snapshot := range places(t, names, honest, poisoned, poisoned) {
		compared = append(compared, "--perspective", []string{"fra@ripe", "iad@arin", "gru@lacnic"}[i]+"="+snapshot)
	}
	for _, test := range []struct {
		args []string
		want map[string]float64
	}{
		{compared, map[string]float64{
			"caascan_corroborated_rows ca.example yes": 1, "caascan_corroborated_rows ca.example no": 2,
			"caascan_corroborated_rows ca.example not-applicable": 1, "caascan_corroborated_rows ca.example unknown": 0,
			"caascan_corroborated_domains ca.example yes": 1, "caascan_corroborated_domains ca.example no": 1,
			"caascan_corroborated_domains ca.example not-applicable": 1, "caascan_corroborated_domains ca.example unknown": 0,
		}},
		{args, map[string]float64{}},
	} {
		if got := runWith(t.Context(), list, test.args...); got.code != exitDone {
			t.Fatalf("exit %d, stderr %q", got.code, got.stderr)
		}
		if diff := cmp.Diff(test.want, keep(readMetrics(t, file), "caascan_corroborated")); diff != "" {
			t.Errorf("metrics mismatch (-want +got)\n%s", diff)
		}
	}
}

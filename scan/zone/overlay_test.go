package zone_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/zone"
)

// listOverlay returns the sets, a line each record, RDATA in hexadecimal.
func listOverlay(o *zone.Overlay) string {
	var lines []string
	for set := range o.All() {
		for _, p := range set.Properties {
			lines = append(lines, fmt.Sprintf("%s %d %x", set.Owner, set.TTL, p.RDATA()))
		}
	}
	return strings.Join(lines, "\n")
}

// TestOverlay: sets of any zone, without a SOA record, sorted, each record once (RFC
// 2181, section 5) and with the least TTL (section 5.2).
func TestOverlay(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "; a plan without anything to do\n", ""},
		{"names of several zones", "b.test. 60 CAA 0 i \"x\"\nA.example. CAA 0 i \"x\"", "a.example 60 00016978\nb.test 60 00016978"},
		{"without a TTL", "a.example. CAA 0 i \"x\"", "a.example 3600 00016978"},
		{"sorted, once, the least TTL", "a.test. 60 CAA 0 i \"y\"\na.test. 30 CAA 0 i \"x\"\na.test. 90 CAA 0 i \"y\"", "a.test 30 00016978\na.test 30 00016979"},
		{"$ORIGIN and $TTL", "$ORIGIN test.\n$TTL 1h\n@ CAA 0 i \"x\"\na CAA 0 i \"x\"", "a.test 3600 00016978\ntest 3600 00016978"},
		{"the form of RFC 3597", `a.test. TYPE257 \# 4 00016978`, "a.test 3600 00016978"},
		{"an owner with escapes", `\$a\;b\.c.test. CAA 0 i "x"`, `$a\;b\.c.test 3600 00016978`},
		{"the root", `. CAA 0 i "x"`, `. 3600 00016978`},
	} {
		o, err := zone.ParseOverlay(strings.NewReader(test.text), "plan.zone")
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(test.want, listOverlay(o)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestWhatIsNoOverlayIsToldWithItsLine(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"another type", "a.test. CAA 0 i \"x\"\na.test. A 192.0.2.1", `plan.zone:2: A record at "a.test": an overlay may hold CAA records only`},
		{"a zone's SOA", "test. SOA a. b. 1 2 3 4 5", `plan.zone:1: SOA record at "test": an overlay may hold CAA records only`},
		{"a U-label", "bücher.test. CAA 0 i \"x\"", `plan.zone:1: owner "b\u00fccher.test." has letters beyond ASCII: in the DNS it is xn--bcher-kva.test`},
		{"octets", "b\xff.test. CAA 0 i \"x\"", `plan.zone:1: owner "b\xff.test." has letters beyond ASCII: write other octets as \DDD`},
		{"a wildcard", "\n*.test. CAA 0 i \"x\"", `plan.zone:2: "*.test" is a wildcard: an overlay must hold the names themselves`},
		{"no RDATA of a CAA record", `a.test. TYPE257 \# 2 0000`, `plan.zone:1: not the RDATA of a CAA record`},
		{"no zone file", `a.test. CAA 0 i "x`, `plan.zone:1: quotation mark is not closed`},
		{"a file to include", `$INCLUDE x`, `plan.zone:1: $INCLUDE is not allowed here`},
	} {
		_, err := zone.ParseOverlay(strings.NewReader(test.text), "plan.zone")
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

// TestAnOverlayInSeveralFiles: half a set in each would be none.
func TestAnOverlayInSeveralFiles(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a, b := file("a.zone", "a.test. CAA 0 i \"x\"\n"), file("b.zone", "b.test. CAA 0 i \"x\"\n")
	o, err := zone.LoadOverlay(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if want := "a.test 3600 00016978\nb.test 3600 00016978"; listOverlay(o) != want || o.Len() != 2 {
		t.Errorf("%s", listOverlay(o))
	}
	again := file("again.zone", "\nA.test. CAA 0 i \"y\"\n")
	if _, err = zone.LoadOverlay(a, b, again); err == nil || !strings.Contains(err.Error(), "again.zone:2: ") || !strings.Contains(err.Error(), "a.zone too") {
		t.Errorf("one name in two files: %v", err)
	}
	if _, err := zone.LoadOverlay(filepath.Join(folder, "none")); err == nil {
		t.Error("a file that is not there is no error")
	}
	var none *zone.Overlay
	if _, known := none.Find("a.test"); known || listOverlay(none) != "" || listOverlay(new(zone.Overlay)) != "" {
		t.Error("no overlay knows something")
	}
	if o, err := zone.LoadOverlay(); err != nil || o.Len() != 0 {
		t.Errorf("no file: %d sets, %v", o.Len(), err)
	}
}

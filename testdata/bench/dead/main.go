// Dead is a world with dead names, as every real list has them: it writes a list, and
// serves it as a resolver some way off would that gets no answer for some of the names.
//
//	dead -out FOLDER [-names N] [-dead SHARE] [-kinds drop,servfail,slow] [-run] [-delay D] [-listen ADDRESS] [-authority]
//
// It writes domains.txt, a name a line; domains.dnsperf, the same for dnsperf; and
// dead.zone, a master file for scan/lookup/dnstest whose comments declare what becomes
// of the dead names: drop is no reply, servfail is SERVFAIL at once, slow is SERVFAIL
// after 3 s. Dead names are spread evenly, or with -run stand in one run at the head
// of the list, as in a sorted one. Then it prints its address and serves until it is
// interrupted. With -delegate HOST it serves nothing: it writes zones for a real
// resolver instead, in which dead names are delegated to HOST.
//
// The world is small enough to be held to: no name but the dead ones may fail.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

// options are the flags.
type options struct {
	out       string
	names     int
	dead      float64
	kinds     string
	run       bool
	delay     time.Duration
	listen    string
	authority bool
}

func main() {
	var o options
	flag.StringVar(&o.out, "out", "", "`folder` for the files; it is made if it does not exist")
	flag.IntVar(&o.names, "names", 2000, "names in the list")
	flag.Float64Var(&o.dead, "dead", 0.02, "`share` of the names that are dead, from 0 to 1")
	flag.StringVar(&o.kinds, "kinds", "drop", "how dead names fail, in turn: drop, servfail, slow, with commas")
	flag.BoolVar(&o.run, "run", false, "dead names stand in one run at the head of the list")
	flag.DurationVar(&o.delay, "delay", 0, "how long each reply is on its way")
	flag.StringVar(&o.listen, "listen", "", "`address` to be asked at (default: a free port of 127.0.0.1)")
	flag.BoolVar(&o.authority, "authority", false, "play the name servers behind a real resolver")
	flag.Parse()
	if o.out == "" || flag.NArg() > 0 || o.names < 1 || !(o.dead >= 0 && o.dead <= 1) {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "dead:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	w, err := newWorld(o)
	if err != nil {
		return err
	}
	if err := w.write(o.out); err != nil {
		return err
	}
	zones, err := load(filepath.Join(o.out, zoneFile), filepath.Join(o.out, rootFile))
	if err != nil {
		return err
	}
	servers := []dnstest.Config{{Zones: zones, Listen: o.listen, Authoritative: o.authority, Validates: !o.authority, Handle: delayed(o.delay)}}
	if o.authority {
		for _, d := range delegations {
			servers = append(servers, dnstest.Config{Zones: zones, Listen: d.address + ":53", Fault: d.fault})
		}
	}
	return serve(ctx, servers)
}

func load(files ...string) (zones []*zone.Zone, err error) {
	for _, file := range files {
		z, err := zone.Load(file)
		if err != nil {
			return nil, err
		}
		zones = append(zones, z)
	}
	return zones, nil
}

// delayed holds each reply back.
func delayed(delay time.Duration) func(q dnstest.Query) []dnstest.Reply {
	return func(q dnstest.Query) []dnstest.Reply {
		replies := q.Replies()
		for i := range replies {
			replies[i].After += delay
		}
		return replies
	}
}

// serve runs servers until ctx ends, and prints the address of the first.
func serve(ctx context.Context, configs []dnstest.Config) error {
	for i, config := range configs {
		config.Forget = true
		server, err := dnstest.Start(config)
		if err != nil {
			return err
		}
		defer server.Close()
		if i == 0 {
			fmt.Println(server.Addr())
		}
	}
	<-ctx.Done()
	return nil
}

// delegations are where the dead names are delegated to with -authority.
var delegations = map[string]struct{ address, fault string }{
	"drop":     {"127.0.53.9", "drop"},
	"servfail": {"127.0.53.10", "refused"},
	"slow":     {"127.0.53.11", "delay=3s"},
}

// The kinds of dead names, with the words by which dnstest has them.
var words = map[string]string{"drop": "drop", "servfail": "servfail", "slow": "servfail delay=3s"}

const (
	zoneFile  = "dead.zone"
	rootFile  = "root.zone"
	rootZone  = "$ORIGIN .\n$TTL 86400\n@ SOA a.root hostmaster.root 1 1800 900 604800 86400\n@ NS a.root\na.root A 127.0.0.1\nexample NS ns.example\nns.example A 127.0.0.1\n"
	zoneHead  = "$ORIGIN example.\n$TTL 86400\n@ SOA ns hostmaster 1 1800 900 604800 86400\n@ NS ns\nns A 127.0.0.1\n"
	firstPart = "m"
)

// world is the names in the order of the list, and the kind of each dead one.
type world struct {
	names     []string
	kinds     map[string]string
	delegated bool
}

func newWorld(o options) (*world, error) {
	kinds := strings.Split(o.kinds, ",")
	for _, kind := range kinds {
		if words[kind] == "" {
			return nil, fmt.Errorf("kind %q: it is drop, servfail or slow", kind)
		}
	}
	w := &world{kinds: make(map[string]string), delegated: o.authority}
	for i := range o.names {
		name := fmt.Sprintf("%s%d", firstPart, i)
		w.names = append(w.names, name)
		if o.isDead(i) {
			w.kinds[name] = kinds[len(w.kinds)%len(kinds)]
		}
	}
	return w, nil
}

// isDead reports whether the i-th name is dead.
func (o options) isDead(i int) bool {
	if o.run {
		return i < int(o.dead*float64(o.names))
	}
	return int(float64(i+1)*o.dead) > int(float64(i)*o.dead)
}

func (w *world) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return errors.Join(
		writeFile(filepath.Join(dir, "domains.txt"), w.names, func(name string) string { return name + ".example\n" }),
		writeFile(filepath.Join(dir, "domains.dnsperf"), w.names, func(name string) string { return name + ".example CAA\n" }),
		writeFile(filepath.Join(dir, rootFile), []string{""}, func(string) string { return rootZone }),
		writeFile(filepath.Join(dir, zoneFile), append([]string{""}, w.names...), w.records),
	)
}

// records are those of a name; "" is the apex.
func (w *world) records(name string) string {
	kind, isDead := w.kinds[name]
	switch {
	case name == "" && w.delegated:
		return zoneHead + serverAddresses()
	case name == "":
		return zoneHead
	case isDead && w.delegated:
		return fmt.Sprintf("%s NS %s-ns\n", name, kind)
	case isDead:
		return name + " A 192.0.2.1 ; answer: " + words[kind] + "\n"
	case strings.HasSuffix(name, "0"):
		return name + " CAA 0 issuemail \"ca.example\"\n"
	}
	return name + " A 192.0.2.1\n"
}

// serverAddresses are the records of the servers to which names are delegated.
func serverAddresses() string {
	var records strings.Builder
	for kind, d := range delegations {
		fmt.Fprintf(&records, "%s-ns A %s\n", kind, d.address)
	}
	return records.String()
}

// writeFile writes a file in which each name has its lines.
func writeFile(path string, names []string, lines func(name string) string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	to := bufio.NewWriterSize(file, 1<<20)
	for _, name := range names {
		_, _ = to.WriteString(lines(name)) // bufio keeps the first error for Flush
	}
	return errors.Join(to.Flush(), file.Close())
}

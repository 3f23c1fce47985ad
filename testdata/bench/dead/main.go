// Dead is a world with dead names, as every real list has them: it writes a list, and
// serves it as a resolver some way off would that gets no answer for some of the names.
//
//	dead -out FOLDER [-names N] [-dead SHARE] [-kinds drop,servfail,slow] [-run] [-delay D] [-listen ADDRESS]
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
	out      string
	names    int
	dead     float64
	kinds    string
	run      bool
	delay    time.Duration
	listen   string
	delegate string
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
	flag.StringVar(&o.delegate, "delegate", "", "write zones for a real resolver, with dead names delegated to this `address`")
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
	if err := w.write(o.out); err != nil || o.delegate != "" {
		return err
	}
	return serve(ctx, o, filepath.Join(o.out, zoneFile))
}

// serve answers from the master file, each reply some time on its way.
func serve(ctx context.Context, o options, file string) error {
	z, err := zone.Load(file)
	if err != nil {
		return err
	}
	server, err := dnstest.Start(dnstest.Config{
		Zones: []*zone.Zone{z}, Listen: o.listen, Forget: true, Validates: true,
		Handle: func(q dnstest.Query) []dnstest.Reply {
			replies := q.Replies()
			for i := range replies {
				replies[i].After += o.delay
			}
			return replies
		},
	})
	if err != nil {
		return err
	}
	fmt.Println(server.Addr())
	<-ctx.Done()
	server.Close()
	return nil
}

// The kinds of dead names, with the words by which dnstest has them.
var words = map[string]string{"drop": "drop", "servfail": "servfail", "slow": "servfail delay=3s"}

const (
	zoneFile  = "dead.zone"
	zoneHead  = "$ORIGIN example.\n$TTL 86400\n@ SOA ns hostmaster 1 1800 900 604800 86400\n@ NS ns\nns A 127.0.0.1\n"
	firstPart = "m"
)

// world is the names in the order of the list, and the word of each dead one.
type world struct {
	names    []string
	fails    map[string]string
	delegate string
}

func newWorld(o options) (*world, error) {
	kinds := strings.Split(o.kinds, ",")
	for _, kind := range kinds {
		if words[kind] == "" {
			return nil, fmt.Errorf("kind %q: it is drop, servfail or slow", kind)
		}
	}
	w := &world{fails: make(map[string]string), delegate: o.delegate}
	for i := range o.names {
		name := fmt.Sprintf("%s%d", firstPart, i)
		w.names = append(w.names, name)
		if o.isDead(i) {
			w.fails[name] = words[kinds[len(w.fails)%len(kinds)]]
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
		writeFile(filepath.Join(dir, zoneFile), append([]string{""}, w.names...), w.records),
	)
}

// records are those of a name; "" is the apex.
func (w *world) records(name string) string {
	fault, isDead := w.fails[name]
	switch {
	case name == "":
		return zoneHead
	case isDead && w.delegate != "":
		return fmt.Sprintf("%[1]s NS ns.%[1]s\nns.%[1]s A %[2]s\n", name, w.delegate)
	case isDead:
		return name + " A 192.0.2.1 ; answer: " + fault + "\n"
	case strings.HasSuffix(name, "0"):
		return name + " CAA 0 issuemail \"ca.example\"\n"
	}
	return name + " A 192.0.2.1\n"
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

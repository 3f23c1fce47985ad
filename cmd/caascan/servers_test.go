//go:build servers

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// world is the program as it is built, and the authority that all resolvers of
// these tests ask.
type world struct {
	program   string // the path of the built program
	raced     string // the same with the race detector
	authority netip.AddrPort
	bigList   string // the path of a list of bigRows rows
}

// TestWithRealPrograms runs the program as users do, in a process of its own,
// with servers that others wrote: NSD is the authority, unbound the resolver.
// Nothing leaves loopback.
func TestWithRealPrograms(t *testing.T) {
	w := world{program: build(t), raced: build(t, "-race"), bigList: writeBigList(t)}
	large := filepath.Join(t.TempDir(), "large.zone")
	writeFile(t, large, largeZone())
	w.authority = startNSD(t, map[string]string{".": demoZone, "large.example.": large})
	t.Run("NSD takes the demo zone as it is", demoZoneIsSound)
	t.Run("the demo through a resolver", w.demo)
	t.Run("queries", w.queries)
	t.Run("a large RRset", w.largeRRset)
	t.Run("real lists through a resolver", w.realLists)
	t.Run("dead resolvers", w.deadResolvers)
	t.Run("signals", w.signals)
	t.Run("a signal between two reports", w.signalBetweenReports)
	t.Run("a terminal", w.terminal)
	t.Run("check on a terminal", w.checkOnTerminal)
	t.Run("Ctrl-C on a terminal", w.controlC)
	t.Run("nobody reads on", w.brokenPipe)
}

// patience is how long anything here may take before it counts as hanging.
const patience = 90 * time.Second

func build(t *testing.T, flags ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "caascan")
	args := append([]string{"build", "-o", program}, flags...)
	if output, err := exec.CommandContext(t.Context(), "go", append(args, ".")...).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	return program
}

// find returns the path of an installed program. Where it is not installed the
// test is skipped, but never in CI.
func find(t *testing.T, name string) string {
	t.Helper()
	for _, place := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(place); err == nil {
			return path
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// runProgram runs a built program to its end and sees that it leaves no
// temporary files.
func runProgram(t *testing.T, program, stdin string, args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	temp := t.TempDir()
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if left := filesIn(t, temp); len(left) > 0 {
		t.Errorf("%v leaves temporary files: %v", args, left)
	}
	return ran{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// until asks again and again whether a moment has come, and gives up when ended
// is closed.
func until(t *testing.T, ended <-chan struct{}, come func() bool) bool {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !come() {
		select {
		case <-tick.C:
		case <-ended:
			return come()
		case <-limit:
			return false
		}
	}
	return true
}

// nsdConfig needs no rights and no folder but its own, and answers as often as it
// is asked.
const nsdConfig = `server:
  ip-address: 127.0.0.1@%[2]d
  server-count: 1
  rrl-ratelimit: 0
  username: ""
  chroot: ""
  zonesdir: "%[1]s"
  database: ""
  pidfile: "%[1]s/nsd.pid"
  zonelistfile: "%[1]s/zone.list"
  xfrdfile: "%[1]s/xfrd.state"
  xfrdir: "%[1]s"
remote-control:
  control-enable: no
`

// startNSD serves zones from their files.
func startNSD(t *testing.T, zones map[string]string) netip.AddrPort {
	t.Helper()
	program, dir := find(t, "nsd"), t.TempDir()
	config := filepath.Join(dir, "nsd.conf")
	return startServer(t, slices.Collect(maps.Keys(zones)), func(port uint16) []string {
		text := fmt.Sprintf(nsdConfig, dir, port)
		for name, file := range zones {
			path, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			text += fmt.Sprintf("zone:\n  name: %q\n  zonefile: %q\n", name, path)
		}
		writeFile(t, config, text)
		return []string{program, "-d", "-c", config}
	})
}

// unboundConfig only resolves. It sends from 127.0.0.1, so the system lets it
// reach nothing but loopback: the name server of subsidiary.example is dead.
const unboundConfig = `server:
  interface: 127.0.0.1
  port: %[2]d
  outgoing-interface: 127.0.0.1
  do-not-query-localhost: no
  do-ip6: no
  num-threads: 1
  module-config: "iterator"
  username: ""
  chroot: ""
  directory: "%[1]s"
  pidfile: ""
  use-syslog: no
  logfile: "%[1]s/unbound.log"
  log-queries: yes
remote-control:
  control-enable: no
`

// unboundStub says where the authority of a zone is.
const unboundStub = `stub-zone:
  name: %q
  stub-addr: 127.0.0.1@%d
`

// unbound is a running resolver.
type unbound struct {
	address string
	log     string // the path of the file where it notes every query
}

// startUnbound starts a resolver with an empty cache, which asks one authority for
// all zones.
func startUnbound(t *testing.T, authority netip.AddrPort, zones ...string) unbound {
	t.Helper()
	return startUnboundWith(t, unboundConfig, authority, zones, zones)
}

// startUnboundWith starts a resolver with a configuration like unboundConfig, which
// is ready when it answers for some of the zones.
func startUnboundWith(t *testing.T, config string, authority netip.AddrPort, zones, ready []string) unbound {
	t.Helper()
	program, dir := find(t, "unbound"), t.TempDir()
	path := filepath.Join(dir, "unbound.conf")
	address := startServer(t, ready, func(port uint16) []string {
		text := fmt.Sprintf(config, dir, port)
		for _, zone := range zones {
			text += fmt.Sprintf(unboundStub, zone, authority.Port())
		}
		writeFile(t, path, text)
		return []string{program, "-d", "-c", path}
	})
	return unbound{address.String(), filepath.Join(dir, "unbound.log")}
}

// startUnbound starts a resolver for the demo.
func (w world) startUnbound(t *testing.T) unbound {
	t.Helper()
	return startUnbound(t, w.authority, ".", "large.example.")
}

// startServer starts a server on a port that is free and waits until it answers
// for the zones. Another process may take the port first, so there are tries.
func startServer(t *testing.T, zones []string, command func(port uint16) []string) netip.AddrPort {
	t.Helper()
	const tries = 3
	var log string
	for range tries {
		address := freeAddress(t)
		var ready bool
		if ready, log = launch(t, command(address.Port()), func() bool { return answersFor(address, zones) }); ready {
			return address
		}
	}
	t.Fatalf("the server does not start:\n%s", log)
	return netip.AddrPort{}
}

// launch starts a server in the foreground, which ends with the test, and
// reports whether it is ready; if it is not, also what it said.
func launch(t *testing.T, command []string, ready func() bool) (ok bool, log string) {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = time.Second // for children that hold the pipe
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it ends by a signal
		close(ended)
	}()
	t.Cleanup(func() { stopServer(t, cmd.Process, ended) })
	if until(t, ended, ready) {
		return true, ""
	}
	stopServer(t, cmd.Process, ended)
	return false, said.String()
}

func stopServer(t *testing.T, process *os.Process, ended <-chan struct{}) {
	t.Helper()
	if err := process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	select {
	case <-ended:
	case <-time.After(patience):
		t.Errorf("process %d does not end", process.Pid)
		_ = process.Kill()
		<-ended
	}
}

// answersFor reports whether a server has loaded the zones.
func answersFor(address netip.AddrPort, zones []string) bool {
	client := dns.Client{Timeout: time.Second}
	for _, zone := range zones {
		reply, _, err := client.Exchange(new(dns.Msg).SetQuestion(zone, dns.TypeSOA), address.String())
		if err != nil || reply.Rcode != dns.RcodeSuccess || len(reply.Answer) == 0 {
			return false
		}
	}
	return true
}

// freeAddress returns an address on loopback that is free over UDP and TCP.
func freeAddress(t *testing.T) netip.AddrPort {
	t.Helper()
	const tries = 20
	for range tries {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		udp, err := net.ListenPacket("udp", tcp.Addr().String())
		tcp.Close()
		if err == nil {
			udp.Close()
			return netip.MustParseAddrPort(tcp.Addr().String())
		}
	}
	t.Fatal("no port is free")
	return netip.AddrPort{}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// filesIn returns the sizes of the files below a folder, and 0 for each folder
// in it, by path. What vanishes meanwhile is left out.
func filesIn(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	sizes := make(map[string]int64)
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if path == dir || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		sizes[path] = 0
		if info, err := entry.Info(); err == nil && !entry.IsDir() {
			sizes[path] = info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sizes
}

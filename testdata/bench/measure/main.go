// Measure is what the script beside it cannot do itself:
//
//	measure ports N                       print N ports that are free on 127.0.0.1
//	measure wait SERVER                   until a server answers for the root
//	measure run TABLE LABEL LOG CMD...    run a program, note what it took in TABLE
//	measure check EXPECTED INPUT REPORT LOG [XLSX]
//	                                      hold a report, and what the run said of
//	                                      itself in LOG, to what is expected
//	measure medians TABLE                 print the medians and their ratios
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/miekg/dns"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: measure ports|wait|run|check|medians …: see the comment in main.go")

func run(args []string) error {
	if len(args) < 2 {
		return errUsage
	}
	command, args := args[0], args[1:]
	switch {
	case command == "ports" && len(args) == 1:
		return printPorts(args[0])
	case command == "wait" && len(args) == 1:
		return wait(args[0])
	case command == "run" && len(args) > 3:
		return measure(args[0], args[1], args[2], args[3:])
	case command == "check" && (len(args) == 4 || len(args) == 5):
		return check(args[0], args[1], args[2], args[3], args[4:])
	case command == "medians" && len(args) == 1:
		return printMedians(os.Stdout, args[0])
	}
	return errUsage
}

// printPorts prints different ports that are free over UDP and TCP. All are held
// until the last is found.
func printPorts(count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	for range n {
		port, err := hold()
		if err != nil {
			return err
		}
		fmt.Println(port)
	}
	return nil
}

// hold takes a port until the process ends.
func hold() (port int, err error) {
	const tries = 20
	for range tries {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		if _, err := net.ListenPacket("udp", tcp.Addr().String()); err == nil {
			return tcp.Addr().(*net.TCPAddr).Port, nil
		}
	}
	return 0, errors.New("no port of 127.0.0.1 is free")
}

// wait returns when a server answers for the SOA record of the root, as caascan's
// probe wants it.
func wait(server string) error {
	const patience = 30 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := dns.Client{Timeout: time.Second}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		reply, _, err := client.ExchangeContext(ctx, new(dns.Msg).SetQuestion(".", dns.TypeSOA), server)
		if err == nil && reply.Rcode == dns.RcodeSuccess && len(reply.Answer) > 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer for the root within %v: %w", server, patience, err)
		}
	}
}

// Proxy stands in front of a DNS server and makes the way to it long and lossy, for
// measurements. It prints its address, runs until it is interrupted, and prints what
// has passed.
//
// Its own ceiling has to be known before what is measured through it can be believed:
//
//	proxy -server 127.0.0.1:53 -listen 127.0.0.1:5353 -query-delay 50ms &
//	dnsperf -s 127.0.0.1 -p 5353 -d names.dnsperf -n 1 -c 1 -q 5000
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"caascan/scan/lookup/dnstest"
)

func main() {
	var config dnstest.ProxyConfig
	flag.StringVar(&config.Server, "server", "", "`address` of the server behind it")
	flag.StringVar(&config.Listen, "listen", "", "`address` to be asked at (default: a free port of 127.0.0.1)")
	flag.DurationVar(&config.QueryDelay, "query-delay", 0, "how long each query is on its way")
	flag.DurationVar(&config.ReplyDelay, "reply-delay", 0, "how long each reply is on its way")
	flag.Float64Var(&config.QueryLoss, "query-loss", 0, "`share` of the queries that get lost, from 0 to 1")
	flag.Float64Var(&config.ReplyLoss, "reply-loss", 0, "`share` of the replies that get lost, from 0 to 1")
	flag.BoolVar(&config.Recursive, "recursive", false, "make the replies look like those of a resolver: AA clear, RA set")
	flag.Uint64Var(&config.Seed, "seed", 1, "decides which get lost")
	flag.Parse()
	if config.Server == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(config); err != nil {
		fmt.Fprintln(os.Stderr, "proxy:", err)
		os.Exit(1)
	}
}

func run(config dnstest.ProxyConfig) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p, err := dnstest.StartProxy(config)
	if err != nil {
		return err
	}
	fmt.Println(p.Addr())
	<-ctx.Done()
	p.Close()
	fmt.Printf("%+v\n", p.Passed())
	return nil
}

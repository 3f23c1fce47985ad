package dnstest_test

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

func ExampleStart() {
	z, err := zone.Parse(strings.NewReader(`
example.        60 SOA ns.example. h.example. 1 7200 600 86400 300
good.example.   60 CAA 0 issuemail "ca.example"
broken.example. 60 CAA 0 issuemail "ca.example" ; answer: servfail
`), "demo.zone")
	if err != nil {
		fmt.Println(err)
		return
	}
	server, err := dnstest.Start(dnstest.Config{Zones: []*zone.Zone{z}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	for _, name := range []string{"good.example.", "broken.example.", "broken.example."} {
		reply, err := dns.Exchange(new(dns.Msg).SetQuestion(name, dns.TypeCAA), server.Addr())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(name, dns.RcodeToString[reply.Rcode], len(reply.Answer))
	}
	fmt.Println("queries for broken.example:", server.Count("broken.example"))
	// Output:
	// good.example. NOERROR 1
	// broken.example. SERVFAIL 0
	// broken.example. SERVFAIL 0
	// queries for broken.example: 2
}

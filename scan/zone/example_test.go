package zone_test

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"caascan/scan/zone"
)

func ExampleSet_Answer() {
	z, err := zone.Parse(strings.NewReader(`
$ORIGIN example.
@     3600 IN SOA ns hostmaster 1 7200 600 86400 300
mail       CAA 0 issuemail "ca.example"
`), "demo.zone")
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := zone.NewSet(z)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"mail.example.", "web.example.", "mail.test."} {
		query, err := new(dns.Msg).SetQuestion(name, dns.TypeCAA).Pack()
		if err != nil {
			fmt.Println(err)
			return
		}
		answer, err := set.Answer(query)
		if err != nil {
			fmt.Println(err)
			return
		}
		reply := new(dns.Msg)
		if err := reply.Unpack(answer.Wire); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(name, answer.Kind, dns.RcodeToString[reply.Rcode], len(reply.Answer))
	}
	// Output:
	// mail.example. authoritative NOERROR 1
	// web.example. authoritative NXDOMAIN 0
	// mail.test. out-of-zone REFUSED 0
}

func ExampleParse() {
	_, err := zone.Parse(strings.NewReader("example. CAA 0 issuemail\n"), "demo.zone")
	fmt.Println(err)
	// Output: demo.zone:1: CAA record: flags, tag and one value, not 2 items
}

package dnssec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"caascan/scan/dnssec"
)

// TestNoReplyIsLongerThanAMessage: what somebody has written as RRsets of a reply is no more than
// a server can send, so that no line of a snapshot costs more than a reply does.
func TestNoReplyIsLongerThanAMessage(t *testing.T) {
	set := func(owner string, octets int) string {
		var b strings.Builder
		for i := 0; b.Len() < octets; i++ {
			rr, err := dns.NewRR(fmt.Sprintf("%s 0 IN CAA 0 a \"%d\"", owner, i))
			if err != nil {
				t.Fatal(err)
			}
			wire := make([]byte, 512)
			end, err := dns.PackRR(rr, wire, 0, nil, false)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(wire[:end])
		}
		return b.String()
	}
	const message = 64 << 10
	if _, err := dnssec.NewReply([]string{set("a.", message)}, 0); err != nil {
		t.Errorf("an RRset of a long message: %v", err)
	}
	for what, sets := range map[string][]string{
		"one RRset":   {set("a.", 3*message)},
		"all of them": {set("a.", message), set("b.", message), set("c.", message)},
	} {
		if _, err := dnssec.NewReply(sets, 0); err == nil {
			t.Errorf("%s: read, and no message is that long", what)
		}
	}
}

package lookup

import (
	"context"
	"fmt"
	"slices"

	"github.com/miekg/dns"

	"caascan/scan/snapshot"
)

// lacksCAA asks for the CAA records of ProbeCAA, a name that is known to have some, and
// returns what came in their stead: a server, or what stands before it, that does not pass
// the type on makes "no CAA records" of every name.
func (r *Client) lacksCAA(ctx context.Context, u *upstream, shown shown) error {
	name := r.cfg.ProbeCAA.String()
	f := formOf(u, shown)
	var failed error
	for range r.cfg.Attempts {
		query, err := packQuery(dns.Id(), name, dns.TypeCAA, f)
		if err != nil {
			return err
		}
		var answer dns.Msg
		message, err := r.ask(ctx, u, f, query)
		if err == nil {
			err = answer.Unpack(message)
		}
		switch {
		case err != nil:
			failed = fmt.Errorf("it does not answer for the CAA records of %s: %w", name, err)
		case answer.Rcode == dns.RcodeSuccess && slices.ContainsFunc(answer.Answer, isCAA):
			return nil
		default:
			failed = fmt.Errorf("it has no CAA records for %s, which is known to have some (%s)", name, snapshot.RCodeName(uint16(answer.Rcode)))
		}
	}
	return failed
}

func isCAA(rr dns.RR) bool {
	_, ok := rr.(*dns.CAA)
	return ok && rr.Header().Class == dns.ClassINET
}

// formOf is the form of the first query to a server of which this has just been shown.
func formOf(u *upstream, shown shown) form {
	switch {
	case u.overUDP() && shown.plain:
		return plain
	case u.overUDP():
		return withEDNS
	case shown.plain:
		return plainTCP
	}
	return ednsTCP
}

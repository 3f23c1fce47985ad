package lookup

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/miekg/dns"
)

// controlled is how a server has answered its control question.
type controlled struct {
	up      *upstream
	verdict verdict
	asked   int           // questions
	took    time.Duration // of the reply, if there was one
}

// verdict is what a control question shows of a server.
type verdict int

const (
	atEase    verdict = iota // it answers in time
	inTrouble                // late, or with an error
	silent                   // not at all
)

// mostLost is how many control questions in a row show that a server is silent. Between
// them the wait doubles.
const mostLost = 3

// control asks a server for the SOA record of the root, which every resolver has at
// hand, to tell a server in trouble from names that are dead. Networks lose messages, so
// it is at ease, too, if one question is lost and the next two are answered in time; a
// limiter may let one pass by chance. cuts says that it truncates whatever it sends over
// UDP.
func (r *Client) control(ctx context.Context, u *upstream, wait time.Duration, cuts bool) controlled {
	c := controlled{up: u, verdict: inTrouble}
	for lost, wanted := 0, 1; lost < mostLost; {
		began := time.Now()
		err := r.askControl(ctx, u, wait<<lost, cuts)
		c.asked++
		switch {
		case errors.Is(err, errControl):
			return c
		case err != nil:
			lost, wanted = lost+1, 2
			continue
		}
		if c.took = time.Since(began); c.took > wait || lost > 1 {
			return c
		}
		if wanted--; wanted == 0 {
			c.verdict = atEase
			return c
		}
	}
	c.verdict, c.took = silent, 0
	return c
}

// errControl says that a control question was answered with an error, or cut short.
var errControl = errors.New("no answer to a control question")

func (r *Client) askControl(ctx context.Context, u *upstream, wait time.Duration, cuts bool) error {
	f := u.firstForm()
	query, err := packProbe(dns.Id(), f)
	if err != nil {
		return err
	}
	ask := r.askOnce
	if cuts {
		ask = r.askWithin
	}
	message, err := ask(ctx, wait, u, f, query, nil)
	if err != nil {
		return err
	}
	if standing := checkStream(message, query); standing == cutShort {
		return errControl
	}
	if rcode := binary.BigEndian.Uint16(message[flagsAt:]) & rcodes; rcode != dns.RcodeSuccess {
		return errControl
	}
	return nil
}

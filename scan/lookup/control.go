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
// limiter may let one pass by chance.
func (r *Client) control(ctx context.Context, u *upstream, way controlWay) controlled {
	c := controlled{up: u, verdict: inTrouble}
	for lost, wanted := 0, 1; lost < mostLost; {
		began := time.Now()
		patient := way
		patient.wait <<= lost
		err := r.askControl(ctx, u, patient)
		c.asked++
		switch {
		case errors.Is(err, errControl):
			return c
		case err != nil:
			lost, wanted = lost+1, 2
			continue
		}
		if c.took = time.Since(began); c.took > way.wait || lost > 1 {
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

// controlWay is how a server is asked its control question.
type controlWay struct {
	wait time.Duration // for the reply
	form form
	cuts bool // it truncates whatever it sends over UDP
}

func (u *upstream) controlWay() controlWay {
	return controlWay{wait: u.flow.controlWait(), form: u.firstForm(), cuts: !u.uncut}
}

func (r *Client) askControl(ctx context.Context, u *upstream, way controlWay) error {
	query, err := packProbe(dns.Id(), way.form)
	if err != nil {
		return err
	}
	ask := r.askOnce
	if way.cuts {
		ask = r.askWithin
	}
	message, err := ask(ctx, way.wait, u, way.form, query, nil)
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

package dnstest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"caascan/scan/lookup/dnstest"
	"caascan/scan/zone"
)

const messageType = "application/dns-message"

// startTLS starts a server with TLS and returns what its clients need.
func startTLS(t testing.TB, config dnstest.Config) (*dnstest.Server, *tls.Config) {
	t.Helper()
	certificate, pool := dnstest.Certificate(t, "resolver.example")
	config.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	return start(t, config), &tls.Config{RootCAs: pool, ServerName: "resolver.example"}
}

func dialTLS(t testing.TB, s *dnstest.Server, config *tls.Config) client {
	t.Helper()
	conn, err := tls.Dial("tcp", s.TLSAddr(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return client{t, conn}
}

// web is a client of DNS over HTTPS.
func web(t testing.TB, config *tls.Config) *http.Client {
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}

func post(t testing.TB, c *http.Client, url, contentType string, body []byte) (*http.Response, []byte) {
	t.Helper()
	response, err := c.Post(url, contentType, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	message, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, message
}

// TestTLSAndHTTPS answer the same as TCP does, faults too.
func TestTLSAndHTTPS(t *testing.T) {
	s, config := startTLS(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}})
	c := web(t, config)
	for question, want := range map[string]string{
		"plain.example. CAA do": "NOERROR rd ra 1-1-0-1 do",
		"nothing.example. CAA":  "NXDOMAIN rd ra 1-0-1-0",
		"servfail.example. A":   "SERVFAIL rd ra 1-0-0-0",
		"bogus.example. A edns": `SERVFAIL rd ra 1-0-0-1 ede=6"signature expired"`,
		"noquestion.example. A": "NOTIMP rd ra 0-0-0-0",
		"noreply.example. A":    "NOERROR rd ra 1-1-0-0", // as it is for UDP alone
		"tc.example. A":         "NOERROR rd ra 1-1-0-0", // the same
		"badport.example. A":    "NOERROR rd ra 1-1-0-0", // the same
		"tctcp.example. A":      "NOERROR tc rd ra 1-0-0-0",
		"delay.example. A edns": "NOERROR rd ra 1-1-0-1",
	} {
		if got := render(t, dialTLS(t, s, config).ask(question)); got != want {
			t.Errorf("%s over TLS is %s, want %s", question, got, want)
		}
		response, message := post(t, c, s.HTTPSURL(), messageType, query(t, question))
		if got := render(t, message); got != want {
			t.Errorf("%s over HTTPS is %s, want %s", question, got, want)
		}
		if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || response.ProtoMajor != 2 || kind != messageType {
			t.Errorf("%s over HTTPS: %s, %s, %s; want 200, HTTP/2 and a DNS message", question, response.Status, response.Proto, kind)
		}
	}
}

func TestQueriesOverTLSAndHTTPS(t *testing.T) {
	s, config := startTLS(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}})
	dialTLS(t, s, config).ask("plain.example. CAA do")
	post(t, web(t, config), s.HTTPSURL(), messageType, query(t, "plain.example. CAA"))
	var got []dnstest.Transport
	for _, q := range s.Queries() {
		got = append(got, q.Transport)
		if !q.From.Addr().IsLoopback() || q.From.Port() == 0 {
			t.Errorf("over %s from %v, want a port of 127.0.0.1", q.Transport, q.From)
		}
	}
	if diff := cmp.Diff([]dnstest.Transport{dnstest.TLS, dnstest.HTTPS}, got); diff != "" {
		t.Errorf("transports mismatch (-want +got):\n%s", diff)
	}
}

func TestRequestsThatAreNoQueries(t *testing.T) {
	s, config := startTLS(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}})
	c, q := web(t, config), query(t, "plain.example. CAA")
	for _, test := range []struct {
		url, contentType string
		body             []byte
		want             int
	}{
		{s.HTTPSURL(), messageType, q, http.StatusOK},
		{s.HTTPSURL() + "/other", messageType, q, http.StatusNotFound},
		{s.HTTPSURL(), "text/plain", q, http.StatusUnsupportedMediaType},
		{s.HTTPSURL(), messageType, []byte("no query"), http.StatusBadRequest},
	} {
		if response, _ := post(t, c, test.url, test.contentType, test.body); response.StatusCode != test.want {
			t.Errorf("%s %s %x: status %s, want %d", test.url, test.contentType, test.body, response.Status, test.want)
		}
	}
	response, err := c.Get(s.HTTPSURL() + "?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: status %s, want 405", response.Status)
	}
	if got := len(s.Queries()); got != 1 {
		t.Errorf("%d queries, want the one", got)
	}
}

// TestStreamsWithoutReply: a closed one is seen at once, over another nothing comes
// until the client leaves.
func TestStreamsWithoutReply(t *testing.T) {
	s, config := startTLS(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}})
	c := dialTLS(t, s, config)
	c.send(query(t, "drop.example. A"))
	if got, want := render(t, c.ask("plain.example. CAA")), "NOERROR rd ra 1-1-0-0"; got != want {
		t.Errorf("behind drop over TLS comes %s, want %s", got, want)
	}
	c.send(query(t, "tcpclose.example. A"))
	if _, err := c.read(); !errors.Is(err, io.EOF) {
		t.Errorf("tcp-close over TLS: %v, want the end of the connection", err)
	}
	browser := web(t, config)
	if response, err := browser.Post(s.HTTPSURL(), messageType, bytes.NewReader(query(t, "tcpclose.example. A"))); err == nil {
		response.Body.Close()
		t.Error("tcp-close over HTTPS: there is a response")
	}
}

// TestDropOverHTTPS: the request waits until the client gives up, and keeps no
// other one waiting.
func TestDropOverHTTPS(t *testing.T) {
	s, config := startTLS(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}})
	browser := web(t, config)
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.HTTPSURL(), bytes.NewReader(query(t, "drop.example. A")))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", messageType)
	ended := make(chan error)
	go func() {
		response, err := browser.Do(request)
		if err == nil {
			response.Body.Close()
		}
		ended <- err
	}()
	ask := func() { post(t, browser, s.HTTPSURL(), messageType, query(t, "plain.example. CAA")) }
	for s.Count("drop.example") == 0 {
		ask()
	}
	ask()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("drop over HTTPS: %v, want it to wait until it is cancelled", err)
	}
}

// TestDrip: the octets come one by one, and all of them.
func TestDrip(t *testing.T) {
	const pause = 2 * time.Millisecond
	z := parse(t, soa+"drip.example. 60 A 192.0.2.1 ; answer: tcp-drip\n")
	s, config := startTLS(t, dnstest.Config{Zones: []*zone.Zone{z}, Drip: pause})
	const want = "NOERROR rd ra 1-1-0-0"
	for name, c := range map[string]client{"TCP": dial(t, "tcp", s), "TLS": dialTLS(t, s, config)} {
		began := time.Now()
		reply := c.ask("drip.example. A")
		if got := render(t, reply); got != want {
			t.Errorf("over %s comes %s, want %s", name, got, want)
		}
		if took, least := time.Since(began), time.Duration(2+len(reply))*pause; took < least {
			t.Errorf("over %s the reply took %v, want %v or more", name, took, least)
		}
	}
	began := time.Now()
	_, reply := post(t, web(t, config), s.HTTPSURL(), messageType, query(t, "drip.example. A"))
	if took, least := time.Since(began), time.Duration(len(reply))*pause; took < least || render(t, reply) != want {
		t.Errorf("over HTTPS %s comes in %v, want %s in %v or more", render(t, reply), took, want, least)
	}
	if got := render(t, dial(t, "udp", s).ask("drip.example. A")); got != want {
		t.Errorf("over UDP comes %s, want %s", got, want)
	}
}

func TestDripIsASecondWhereNothingElseIsSaid(t *testing.T) {
	z := parse(t, soa+"drip.example. 60 A 192.0.2.1 ; answer: tcp-drip\n")
	pauses := make(chan time.Duration, 1)
	s := start(t, dnstest.Config{Zones: []*zone.Zone{z}, Handle: func(q dnstest.Query) []dnstest.Reply {
		reply := q.Replies()[0]
		pauses <- reply.Drip
		return []dnstest.Reply{{Wire: reply.Wire}}
	}})
	dial(t, "tcp", s).ask("drip.example. A")
	if pause := <-pauses; pause != time.Second {
		t.Errorf("pause %v, want a second", pause)
	}
}

// TestHandleOverHTTPS: the first reply that is one goes out.
func TestHandleOverHTTPS(t *testing.T) {
	handle := func(q dnstest.Query) []dnstest.Reply {
		reply := q.Replies()[0]
		late := dnstest.Reply{Wire: []byte("late"), After: time.Hour}
		return []dnstest.Reply{late, {}, {Wire: reply.Wire, Close: true}, {Wire: []byte("second")}}
	}
	s, config := startTLS(t, dnstest.Config{Zones: []*zone.Zone{parse(t, faults)}, Handle: handle})
	for range 2 { // the second on a new connection
		_, message := post(t, web(t, config), s.HTTPSURL(), messageType, query(t, "plain.example. CAA"))
		if got, want := render(t, message), "NOERROR rd ra 1-1-0-0"; got != want {
			t.Errorf("reply is %s, want %s", got, want)
		}
	}
}

// TestCloseEndsTLSAndHTTPS, also what is being answered: the test ends at all.
func TestCloseEndsTLSAndHTTPS(t *testing.T) {
	z := parse(t, soa+"late.example. 60 A 192.0.2.1 ; answer: delay=24h\ndrip.example. 60 A 192.0.2.1 ; answer: tcp-drip\n")
	arrived := make(chan struct{})
	s, config := startTLS(t, dnstest.Config{Zones: []*zone.Zone{z}, Drip: time.Hour, Handle: func(q dnstest.Query) []dnstest.Reply {
		arrived <- struct{}{}
		return q.Replies()
	}})
	c, browser := dialTLS(t, s, config), web(t, config)
	c.send(query(t, "drip.example. A"))
	ended := make(chan error)
	for _, name := range []string{"late", "drip"} {
		go func() {
			response, err := browser.Post(s.HTTPSURL(), messageType, bytes.NewReader(query(t, name+".example. A")))
			if err == nil {
				_, err = io.ReadAll(response.Body)
				response.Body.Close()
			}
			ended <- err
		}()
	}
	for range 3 {
		<-arrived
	}
	s.Close()
	for range 2 {
		if err := <-ended; err == nil {
			t.Error("a request over HTTPS was answered behind Close")
		}
	}
	if _, err := c.read(); err == nil {
		t.Error("the connection over TLS lives on behind Close")
	}
	if _, err := tls.Dial("tcp", s.TLSAddr(), config); err == nil {
		t.Error("the server still listens for TLS")
	}
	if _, err := browser.Get(s.HTTPSURL()); err == nil {
		t.Error("the server still listens for HTTPS")
	}
}

func TestWithoutTLSThereIsNoAddress(t *testing.T) {
	if s := start(t, dnstest.Config{}); s.TLSAddr() != "" || s.HTTPSURL() != "" {
		t.Errorf("addresses %q and %q, want none", s.TLSAddr(), s.HTTPSURL())
	}
	if s, err := dnstest.Start(dnstest.Config{TLS: &tls.Config{}}); err == nil {
		s.Close()
		t.Error("a server with TLS and no certificate starts")
	}
}

// TestCertificate: it is for its names and the address, for today and for the
// year 2000, in which the time of testing/synctest begins; and nobody trusts it
// who has not been given its root.
func TestCertificate(t *testing.T) {
	certificate, pool := dnstest.Certificate(t, "one.example", "two.example")
	_, otherPool := dnstest.Certificate(t, "one.example")
	for _, test := range []struct {
		name string
		at   time.Time
		pool *x509.CertPool
		good bool
	}{
		{"one.example", time.Now(), pool, true},
		{"two.example", time.Now(), pool, true},
		{"127.0.0.1", time.Now(), pool, true},
		{"one.example", time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC), pool, true},
		{"three.example", time.Now(), pool, false},
		{"127.0.0.2", time.Now(), pool, false},
		{"one.example", time.Now(), otherPool, false},
	} {
		_, err := certificate.Leaf.Verify(x509.VerifyOptions{DNSName: test.name, CurrentTime: test.at, Roots: test.pool})
		if (err == nil) != test.good {
			t.Errorf("%s at %v: %v, want it to be good: %v", test.name, test.at, err, test.good)
		}
	}
	text, err := os.ReadFile(dnstest.RootFile(t, certificate))
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" || len(rest) > 0 {
		t.Fatalf("the file of the root has %q", text)
	}
	fromFile := x509.NewCertPool()
	if !fromFile.AppendCertsFromPEM(text) || !fromFile.Equal(pool) {
		t.Error("the file does not hold the root of the pool")
	}
}

package stream

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// httpsServer is a server on loopback that is called dns.example.
type httpsServer struct {
	*httptest.Server
	t     testing.TB
	roots *x509.CertPool
	dials atomic.Int32

	mu         sync.Mutex // guards what follows
	open, most int        // connections
}

const httpsURL = "https://dns.example/dns-query"

// startHTTPS starts a server; change may change it before.
func startHTTPS(t testing.TB, handler http.HandlerFunc, change func(*httptest.Server)) *httpsServer {
	t.Helper()
	a := newAuthority(t)
	s := &httpsServer{Server: httptest.NewUnstartedServer(handler), t: t, roots: a.roots}
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{Certificates: []tls.Certificate{a.issue("dns.example", time.Now().Add(time.Hour))}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
	change(s.Server)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func asItIs(*httptest.Server) {}

func withoutHTTP2(s *httptest.Server) { s.EnableHTTP2 = false }

func (s *httpsServer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" || address != "dns.example:443" {
		s.t.Errorf("dialed %s %s, want tcp dns.example:443", network, address)
	}
	s.dials.Add(1)
	s.count(1)
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Listener.Addr().String())
	return &counted{Conn: conn, closed: sync.OnceFunc(func() { s.count(-1) })}, err
}

func (s *httpsServer) count(change int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open += change
	s.most = max(s.most, s.open)
}

func (s *httpsServer) client() *HTTPSClient {
	c := NewHTTPS(config(s.dial, s.roots), httpsURL)
	s.t.Cleanup(c.HangUp)
	return c
}

func (s *httpsServer) wantDials(want int32) {
	s.t.Helper()
	if got := s.dials.Load(); got != want {
		s.t.Errorf("%d connections were opened, want %d", got, want)
	}
}

// answerHTTP answers a query of RFC 8484.
func answerHTTP(w http.ResponseWriter, r *http.Request) {
	query, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/dns-message")
	_, _ = w.Write(reply(query))
}

func TestAQueryOverHTTPSIsPosted(t *testing.T) {
	query := []byte("\x12\x34\x01\x20\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x04test\x00\x01\x01\x00\x01")
	s := startHTTPS(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Proto != "HTTP/2.0" || r.Method != "POST" || r.Host != "dns.example" || r.URL.String() != "/dns-query" {
			t.Errorf("%s %s %s of %s, want HTTP/2.0 POST /dns-query of dns.example", r.Proto, r.Method, r.URL, r.Host)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/dns-message", "Accept": "application/dns-message", "Content-Length": "24",
			"Cookie": "", "Idempotency-Key": "", "Accept-Encoding": "",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Equal(body, query) {
			t.Errorf("body %x (%v), want the query %x", body, err, query)
		}
		http.SetCookie(w, &http.Cookie{Name: "id", Value: "1"})
		w.Header().Set("Content-Type", "application/dns-message")
		_, _ = w.Write(reply(body))
	}, asItIs)
	c := s.client()
	mustExchange(t, c, query)
	mustExchange(t, c, query) // without the cookie, over the same connection
	s.wantDials(1)
}

func TestAServerWithoutHTTP2IsAskedOverItsConnections(t *testing.T) {
	s := startHTTPS(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Proto != "HTTP/1.1" {
			t.Errorf("%s, want HTTP/1.1", r.Proto)
		}
		answerHTTP(w, r)
	}, withoutHTTP2)
	c := s.client()
	mustExchange(t, c, queryFor(t, "mail.example"))
	mustExchange(t, c, queryFor(t, "mail.example"))
	s.wantDials(1)
}

// TestManyQueriesOverHTTPSAtOnceAreAnswered, though none finds a connection, over 64
// at a time. (Over HTTP/2, those that turn out not to be needed are being closed
// while others are opened.)
func TestManyQueriesOverHTTPSAtOnceAreAnswered(t *testing.T) {
	for title, test := range map[string]struct {
		change func(*httptest.Server)
		most   int
	}{
		"HTTP/2":   {asItIs, 128},
		"HTTP/1.1": {withoutHTTP2, 64},
	} {
		t.Run(title, func(t *testing.T) {
			s := startHTTPS(t, answerHTTP, test.change)
			c := s.client()
			var asking sync.WaitGroup
			for id := range uint16(200) {
				asking.Go(func() { mustExchange(t, c, queryWithID(t, id, "mail.example")) })
			}
			asking.Wait()
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.most > test.most {
				t.Errorf("%d connections at a time, want at most %d", s.most, test.most)
			}
		})
	}
}

// TestQueriesOverHTTP2ShareAConnectionThatStands: they are all out at once.
func TestQueriesOverHTTP2ShareAConnectionThatStands(t *testing.T) {
	const together = 50
	var out atomic.Int32
	all := make(chan struct{})
	s := startHTTPS(t, func(w http.ResponseWriter, r *http.Request) {
		switch n := out.Add(1); {
		case n == 1+together:
			close(all)
		case n > 1:
			<-all
		}
		answerHTTP(w, r)
	}, asItIs)
	c := s.client()
	mustExchange(t, c, queryFor(t, "mail.example"))
	var asking sync.WaitGroup
	for id := range uint16(together) {
		asking.Go(func() { mustExchange(t, c, queryWithID(t, id, "mail.example")) })
	}
	asking.Wait()
	s.wantDials(1)
}

func TestWhatIsNoDNSMessageOverHTTPSIsRefused(t *testing.T) {
	const secret = "what the body says"
	respond := func(status int, kind string, body func(query []byte) []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			query, _ := io.ReadAll(r.Body)
			w.Header()["Content-Type"] = nil
			if kind != "" {
				w.Header().Set("Content-Type", kind)
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			_, _ = w.Write(body(query))
		}
	}
	const dnsMessage = "application/dns-message"
	reply := func(query []byte) []byte { return append(reply(query), secret...) }
	padded := func(size int) func([]byte) []byte {
		return func(query []byte) []byte { return append(reply(query), make([]byte, size-len(reply(query)))...) }
	}
	for title, test := range map[string]struct {
		handler http.HandlerFunc
		says    string // "" wants the reply
	}{
		"a reply":                 {respond(200, dnsMessage, reply), ""},
		"a type with a parameter": {respond(200, "Application/DNS-message; x=y", reply), ""},
		"65,535 octets":           {respond(200, dnsMessage, padded(65535)), ""},
		"65,536 octets":           {respond(200, dnsMessage, padded(65536)), "over 65535 octets"},
		"301":                     {respond(301, dnsMessage, reply), "HTTP status 301"},
		"302":                     {respond(302, dnsMessage, reply), "HTTP status 302"},
		"307":                     {respond(307, dnsMessage, reply), "HTTP status 307"},
		"308":                     {respond(308, dnsMessage, reply), "HTTP status 308"},
		"201":                     {respond(201, dnsMessage, reply), "HTTP status 201"},
		"404":                     {respond(404, dnsMessage, reply), "HTTP status 404"},
		"500":                     {respond(500, dnsMessage, reply), "HTTP status 500"},
		"HTML":                    {respond(200, "text/html", reply), "the response is not a DNS message"},
		"a longer type":           {respond(200, "application/dns-message+x", reply), "the response is not a DNS message"},
		"no type":                 {respond(200, "", reply), "the response is not a DNS message"},
		"no body":                 {respond(200, dnsMessage, func([]byte) []byte { return nil }), "not a reply to the query"},
		"the query":               {respond(200, dnsMessage, bytes.Clone), "not a reply to the query"},
		"a reply of another ID":   {respond(200, dnsMessage, func(query []byte) []byte { query[1] ^= 1; return reply(query) }), "not a reply to the query"},
		"a reply of another name": {respond(200, dnsMessage, func(query []byte) []byte { query[13] ^= 1; return reply(query) }), "not a reply to the query"},
		"a reply that is cut short": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			answerHTTP(w, r)
		}, "reading the response"},
		"a long header": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 128<<10))
			answerHTTP(w, r)
		}, "Post"}, // in the words of the HTTP client
	} {
		t.Run(title, func(t *testing.T) {
			s := startHTTPS(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/dns-query" {
					t.Errorf("%s was asked for", r.URL.Path)
				}
				test.handler(w, r)
			}, asItIs)
			query := queryFor(t, "mail.example")
			message, err := s.client().Exchange(t.Context(), query)
			switch {
			case test.says == "" && (err != nil || !isReply(message, query)):
				t.Errorf("exchange: %v, want the reply", err)
			case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), httpsURL)):
				t.Errorf("exchange: %v, want an error of %s that says %q", err, httpsURL, test.says)
			case err != nil && strings.Contains(err.Error(), secret):
				t.Errorf("exchange: %v, with text of the body", err)
			}
		})
	}
}

func TestTheCertificateOfAServerOverHTTPSIsChecked(t *testing.T) {
	a := newAuthority(t)
	for title, test := range map[string]struct {
		host    string
		valid   time.Duration
		roots   *x509.CertPool
		refusal any
	}{
		"its own":                 {"dns.example", time.Hour, a.roots, nil},
		"another name":            {"other.example", time.Hour, a.roots, new(x509.HostnameError)},
		"expired":                 {"dns.example", -time.Hour, a.roots, new(x509.CertificateInvalidError)},
		"of an unknown authority": {"dns.example", time.Hour, newAuthority(t).roots, new(x509.UnknownAuthorityError)},
	} {
		t.Run(title, func(t *testing.T) {
			s := startHTTPS(t, answerHTTP, func(s *httptest.Server) {
				s.TLS.Certificates = []tls.Certificate{a.issue(test.host, time.Now().Add(test.valid))}
			})
			s.roots = test.roots
			query := queryFor(t, "mail.example")
			if test.refusal == nil {
				mustExchange(t, s.client(), query)
			} else if _, err := s.client().Exchange(t.Context(), query); err == nil || !errors.As(err, test.refusal) {
				t.Errorf("exchange: %v, want %T", err, test.refusal)
			}
		})
	}
}

func TestHTTPSIsNotSpokenOverTLS11(t *testing.T) {
	s := startHTTPS(t, answerHTTP, func(s *httptest.Server) {
		s.EnableHTTP2 = false
		s.TLS.MinVersion, s.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	})
	if _, err := s.client().Exchange(t.Context(), queryFor(t, "mail.example")); err == nil {
		t.Error("a reply came over TLS 1.1")
	}
}

// TestNoProxyIsUsed looks into the client, because net/http reads the environment only
// once in a process.
func TestNoProxyIsUsed(t *testing.T) {
	c := NewHTTPS(config(new(net.Dialer).DialContext, nil), httpsURL)
	if c.client.Transport.(*http.Transport).Proxy != nil {
		t.Error("there may be a proxy")
	}
}

// TestAnHTTPSConnectionClosedWhileIdleIsMadeGood: the second query meets the end of
// the connection, and a POST would not be repeated if the HTTP client did not know
// that it may be.
func TestAnHTTPSConnectionClosedWhileIdleIsMadeGood(t *testing.T) {
	var requests atomic.Int32
	s := startHTTPS(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 2 {
			panic(http.ErrAbortHandler) // closes the connection
		}
		answerHTTP(w, r)
	}, withoutHTTP2)
	c := s.client()
	mustExchange(t, c, queryFor(t, "mail.example"))
	mustExchange(t, c, queryFor(t, "mail.example"))
	s.wantDials(2)
}

func TestAnExchangeOverHTTPSEndsWithItsContext(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	s := startHTTPS(t, func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-release
	}, asItIs)
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := s.client().Exchange(ctx, queryFor(t, "mail.example")); !errors.Is(err, context.Canceled) {
		t.Errorf("exchange: %v, want the end of its context", err)
	}
}

// pipeHTTPS plays a server called dns.example over pipes, so that time can be
// synctest's, with which a bubble fails where a goroutine is left.
type pipeHTTPS struct {
	*streamServer
	roots *x509.CertPool
	conns chan net.Conn
	wrap  func(net.Conn, int32) net.Conn // the client's side
}

func servePipes(t testing.TB, handler http.HandlerFunc, protocols ...string) *pipeHTTPS {
	a := newAuthority(t)
	config := &tls.Config{
		Certificates: []tls.Certificate{a.issue("dns.example", time.Now().Add(time.Hour))}, NextProtos: protocols,
	}
	p := &pipeHTTPS{roots: a.roots, conns: make(chan net.Conn), wrap: func(conn net.Conn, _ int32) net.Conn { return conn }}
	p.streamServer = &streamServer{t: t}
	server := &http.Server{Handler: handler, TLSConfig: config, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.ServeTLS(p, "", "") }()
	t.Cleanup(func() { server.Close() })
	return p
}

// Accept, Close and Addr make it a net.Listener.
func (p *pipeHTTPS) Accept() (net.Conn, error) {
	conn, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p *pipeHTTPS) Close() error {
	close(p.conns)
	return nil
}

func (p *pipeHTTPS) Addr() net.Addr { return new(net.UnixAddr) }

func (p *pipeHTTPS) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p.conns <- server
	return p.wrap(client, p.dials.Add(1)), nil
}

func (p *pipeHTTPS) client() *HTTPSClient { return NewHTTPS(config(p.dial, p.roots), httpsURL) }

func TestHangUpOverHTTPSLeavesNothing(t *testing.T) {
	for _, protocol := range []string{"h2", "http/1.1"} {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mute atomic.Bool
				p := servePipes(t, func(w http.ResponseWriter, r *http.Request) {
					if mute.Load() {
						_, _ = io.Copy(io.Discard, r.Body) // only then is the end of the connection seen
						<-r.Context().Done()
						return
					}
					answerHTTP(w, r)
				}, protocol)
				c := p.client()
				mustExchange(t, c, queryFor(t, "mail.example"))
				mute.Store(true)
				var asking sync.WaitGroup
				for id := range uint16(3) {
					asking.Go(func() {
						if _, err := c.Exchange(t.Context(), queryWithID(t, id, "mail.example")); err == nil {
							t.Error("a reply came to a query that was not answered")
						}
					})
				}
				synctest.Wait()
				start, before := time.Now(), p.dials.Load()
				c.HangUp()
				asking.Wait()
				synctest.Wait()
				if len(c.conns) != 0 || len(c.calls) != 0 || time.Since(start) != 0 {
					t.Errorf("%d connections and %d calls after %v, want none at once", len(c.conns), len(c.calls), time.Since(start))
				}
				mute.Store(false)
				mustExchange(t, c, queryFor(t, "mail.example"))
				p.wantDials(before + 1)
				c.HangUp()
			})
		})
	}
}

func TestHangUpOverHTTPSEndsHandshakesThatStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := false
		s := &streamServer{t: t, serve: func(conn net.Conn, _ int) {
			_, _ = io.Copy(io.Discard, conn) // it never says hello
			closed = true
		}}
		c := NewHTTPS(config(s.dial, x509.NewCertPool()), httpsURL)
		start := time.Now()
		_, err := c.Exchange(within(t, time.Second), queryFor(t, "mail.example"))
		wantTimeout(t, start, time.Second, err)
		c.HangUp()
		synctest.Wait()
		if !closed {
			t.Error("the connection was left open")
		}
	})
}

func TestAHandshakeOverHTTPSMayTakeTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &streamServer{t: t, serve: func(conn net.Conn, _ int) { _, _ = io.Copy(io.Discard, conn) }}
		c := NewHTTPS(config(s.dial, x509.NewCertPool()), httpsURL)
		defer c.HangUp()
		start := time.Now()
		_, err := c.Exchange(within(t, time.Minute), queryFor(t, "mail.example"))
		if took := time.Since(start); err == nil || took != 10*time.Second {
			t.Errorf("exchange ended after %v with %v, want an error after 10 s", took, err)
		}
	})
}

func TestHangUpOverHTTPSEndsADial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left atomic.Bool
		c := NewHTTPS(config(func(ctx context.Context, _, _ string) (net.Conn, error) {
			defer left.Store(true)
			<-ctx.Done()
			return nil, ctx.Err()
		}, nil), httpsURL)
		_, err := c.Exchange(within(t, time.Second), queryFor(t, "mail.example"))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("exchange: %v, want the end of its context", err)
		}
		c.HangUp()
		if !left.Load() {
			t.Error("hangUp returned before the dial had")
		}
	})
}

func TestAnIdleHTTPSConnectionIsClosedAfterTenSeconds(t *testing.T) {
	for _, protocol := range []string{"h2", "http/1.1"} {
		t.Run(protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := servePipes(t, answerHTTP, protocol)
				c := p.client()
				defer c.HangUp()
				mustExchange(t, c, queryFor(t, "mail.example"))
				time.Sleep(9 * time.Second)
				mustExchange(t, c, queryFor(t, "mail.example"))
				p.wantDials(1)
				time.Sleep(11 * time.Second)
				mustExchange(t, c, queryFor(t, "mail.example"))
				p.wantDials(2)
			})
		})
	}
}

// deaf is a connection whose writes reach nobody once it has been cut.
type deaf struct {
	net.Conn
	cut *atomic.Bool
}

func (d deaf) Write(octets []byte) (int, error) {
	if d.cut.Load() {
		return len(octets), nil
	}
	return d.Conn.Write(octets)
}

// TestAnHTTP2ConnectionThatHangsIsNotUsedForever: one that brings nothing for 5 s is
// tested for 5 s, while queries go on coming.
func TestAnHTTP2ConnectionThatHangsIsNotUsedForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cut atomic.Bool
		p := servePipes(t, answerHTTP, "h2")
		p.wrap = func(conn net.Conn, number int32) net.Conn {
			if number == 1 {
				return deaf{conn, &cut}
			}
			return conn
		}
		c := p.client()
		defer c.HangUp()
		mustExchange(t, c, queryFor(t, "mail.example"))
		cut.Store(true)
		start := time.Now()
		for id := uint16(0); ; id++ {
			_, err := c.Exchange(within(t, 2*time.Second), queryWithID(t, id, fmt.Sprintf("m%d.example", id)))
			if err == nil {
				break
			}
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("it took %v until a query was answered, want 10 s at most", took)
		}
		p.wantDials(2)
	})
}

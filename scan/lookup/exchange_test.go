package lookup

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"caascan/scan/snapshot"
)

// streamWorld plays a server over streams: serve gets each connection.
func streamWorld(serve func(number int, conn net.Conn)) (*streamClient, *atomic.Int64) {
	var dialled atomic.Int64
	return newStreamClient(func(context.Context) (net.Conn, error) {
		client, server := net.Pipe()
		go serve(int(dialled.Add(1)), server)
		return client, nil
	}), &dialled
}

// echo answers a query with itself, as a reply.
func echo(query []byte) []byte {
	reply := append([]byte(nil), query...)
	reply[flagsAt] |= flagQR >> 8
	return reply
}

func send(conn net.Conn, message []byte) {
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...))
}

func query(t testing.TB, id uint16, name string) []byte {
	t.Helper()
	q, err := packQuery(id, name, 257, ednsTCP)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestQueriesShareAConnectionAndRepliesComeInAnyOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 50
		client, dialled := streamWorld(func(_ int, conn net.Conn) {
			var queries [][]byte
			for range many {
				q, err := readFramed(conn)
				if err != nil {
					return
				}
				queries = append(queries, q)
			}
			for i := range queries { // only now, and the last one first
				send(conn, echo(queries[len(queries)-1-i]))
			}
			_, _ = readFramed(conn) // until it is closed
		})
		first := query(t, 9999, "first.example")
		var asking sync.WaitGroup
		ask := func(q []byte) {
			reply, err := client.exchange(t.Context(), q)
			if err != nil || string(reply) != string(echo(q)) {
				t.Errorf("%x: reply %x (%v), want its own", q, reply, err)
			}
		}
		asking.Go(func() { ask(first) })
		synctest.Wait() // the connection is there
		for id := range uint16(many - 1) {
			asking.Go(func() { ask(query(t, id, "mail.example")) })
		}
		asking.Wait()
		if dialled.Load() != 1 {
			t.Errorf("%d connections, want 1", dialled.Load())
		}
		client.hangUp()
	})
}

// TestEqualIDsDoNotShareAConnection: replies could not be told apart.
func TestEqualIDsDoNotShareAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, dialled := streamWorld(func(_ int, conn net.Conn) {
			for {
				q, err := readFramed(conn)
				if err != nil {
					return
				}
				time.Sleep(time.Second)
				send(conn, echo(q))
			}
		})
		var asking sync.WaitGroup
		for _, name := range []string{"a.example", "b.example"} {
			q := query(t, 7, name)
			asking.Go(func() {
				if reply, err := client.exchange(t.Context(), q); err != nil || string(reply) != string(echo(q)) {
					t.Errorf("%s: %x (%v)", name, reply, err)
				}
			})
		}
		asking.Wait()
		if dialled.Load() != 2 {
			t.Errorf("%d connections, want 2", dialled.Load())
		}
		client.hangUp()
	})
}

// TestAConnectionThatWasClosedMeanwhileIsNoFailure (RFC 7766, section 6.2.4).
func TestAConnectionThatWasClosedMeanwhileIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, dialled := streamWorld(func(number int, conn net.Conn) {
			for {
				q, err := readFramed(conn)
				if err != nil || number == 1 && string(q[headerSize+1:headerSize+2]) == "b" {
					conn.Close() // at the second query, without a word
					return
				}
				send(conn, echo(q))
			}
		})
		for _, name := range []string{"a.example", "b.example"} {
			if _, err := client.exchange(t.Context(), query(t, 7, name)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if dialled.Load() != 2 {
			t.Errorf("%d connections, want 2", dialled.Load())
		}
		client.hangUp()
	})
}

// TestAFreshConnectionThatBreaksIsAFailure: it is not tried for ever.
func TestAFreshConnectionThatBreaksIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, dialled := streamWorld(func(_ int, conn net.Conn) {
			_, _ = readFramed(conn)
			conn.Close()
		})
		if _, err := client.exchange(t.Context(), query(t, 7, "a.example")); !errors.Is(err, errBroken) || dialled.Load() != 1 {
			t.Errorf("%v after %d connections, want errBroken after 1", err, dialled.Load())
		}
		client.hangUp()
	})
}

// TestADrippingConnectionIsNotUsedAgain: the next query has another one.
func TestADrippingConnectionIsNotUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, dialled := streamWorld(func(number int, conn net.Conn) {
			q, err := readFramed(conn)
			if err != nil {
				return
			}
			if number > 1 {
				send(conn, echo(q))
				return
			}
			for _, octet := range append([]byte{0, byte(len(q))}, echo(q)...) {
				time.Sleep(time.Second)
				if _, err := conn.Write([]byte{octet}); err != nil {
					return
				}
			}
		})
		within, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := client.exchange(within, query(t, 7, "a.example")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want the end of the context", err)
		}
		if _, err := client.exchange(t.Context(), query(t, 8, "b.example")); err != nil || dialled.Load() != 2 {
			t.Errorf("%v over %d connections, want a reply over the second", err, dialled.Load())
		}
		client.hangUp()
		time.Sleep(2 * time.Second) // until the server has seen it
	})
}

func TestAnIdleConnectionIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed atomic.Bool
		client, _ := streamWorld(func(_ int, conn net.Conn) {
			q, _ := readFramed(conn)
			send(conn, echo(q))
			_, err := readFramed(conn)
			closed.Store(err != nil)
		})
		if _, err := client.exchange(t.Context(), query(t, 7, "a.example")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(idleTime - time.Second)
		if closed.Load() {
			t.Error("it was closed too early")
		}
		time.Sleep(2 * time.Second)
		if !closed.Load() {
			t.Error("it is kept for ever")
		}
		client.hangUp()
	})
}

// certificate is one for these names and addresses, and the pool with its root.
func certificate(t *testing.T, expires time.Time, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "resolver"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: expires,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// serveTLS answers queries over TLS with what answer returns.
func serveTLS(t *testing.T, cert tls.Certificate, answer func(query []byte) []byte) string {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for {
					q, err := readFramed(conn)
					if err != nil {
						return
					}
					send(conn, answer(q))
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// secureAnswer is what a validating resolver says: of the root, and of a name with a set.
func secureAnswer(t *testing.T) func(query []byte) []byte {
	return func(query []byte) []byte {
		m := message{ra: true, ad: true, authority: []string{exampleSOA}}
		if strings.Contains(string(query), "\x04mail\x07example") {
			m = message{ra: true, ad: true, answer: []string{"mail.example." + permits}}
		}
		return m.pack(t, query)
	}
}

// lookOver looks mail.example up at a server and says what came of it.
func lookOver(t *testing.T, address string, roots *x509.CertPool) (snapshot.Observation, error) {
	t.Helper()
	r, err := New(Config{Servers: []Server{mustServer(address)}, Roots: roots, Timeout: 2 * time.Second, Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Probe(t.Context()); err != nil {
		return snapshot.Observation{}, err
	}
	steps, err := r.Trace(t.Context(), mustName(t, "mail.example"))
	if err != nil {
		t.Fatal(err)
	}
	return steps[0], nil
}

func TestOverTLSTheCertificateIsChecked(t *testing.T) {
	later := time.Now().Add(time.Hour)
	good, roots := certificate(t, later, "resolver.example", "127.0.0.1")
	expired, expiredRoots := certificate(t, time.Now().Add(-time.Hour), "resolver.example", "127.0.0.1")
	onlyName, onlyNameRoots := certificate(t, later, "resolver.example")
	for _, test := range []struct {
		name  string
		cert  tls.Certificate
		roots *x509.CertPool
		as    string // behind the address
		works bool
	}{
		{"the name behind #", good, roots, "#resolver.example", true},
		{"the address itself", good, roots, "", true},
		{"another name", good, roots, "#other.example", false},
		{"a certificate without the address", onlyName, onlyNameRoots, "", false},
		{"an expired one", expired, expiredRoots, "#resolver.example", false},
		{"an unknown root", good, x509.NewCertPool(), "#resolver.example", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			address := "tls://" + serveTLS(t, test.cert, secureAnswer(t)) + test.as
			o, err := lookOver(t, address, test.roots)
			if !test.works {
				if err == nil || !strings.Contains(err.Error(), "certificate") {
					t.Errorf("%v, %+v, want an error about the certificate", err, o)
				}
				return
			}
			if err != nil || o.DNSSEC() != snapshot.Secure || o.Transport != snapshot.TLS || o.Server != address || len(o.Records.Properties) != 1 {
				t.Errorf("%+v (%v), want a secure set over TLS from %s", o, err, address)
			}
		})
	}
}

// serveHTTPS serves DNS over HTTPS.
func serveHTTPS(t *testing.T, handler http.HandlerFunc) (address string, roots *x509.CertPool) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.URL + "/dns-query", roots
}

func dnsOverHTTPS(answer func(query []byte) []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != messageType || r.ProtoMajor != 2 || r.URL.Path != "/dns-query" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", messageType)
		_, _ = w.Write(answer(q))
	}
}

func TestOverHTTPS(t *testing.T) {
	answer := secureAnswer(t)
	address, roots := serveHTTPS(t, dnsOverHTTPS(answer))
	o, err := lookOver(t, address, roots)
	if err != nil || o.DNSSEC() != snapshot.Secure || o.Transport != snapshot.HTTPS || o.Server != address || len(o.Records.Properties) != 1 {
		t.Errorf("%+v (%v), want a secure set over HTTPS from %s", o, err, address)
	}
	if _, err := lookOver(t, address, x509.NewCertPool()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v, want an error about the certificate", err)
	}
}

func TestWhatIsNoResponseOverHTTPS(t *testing.T) {
	answer := secureAnswer(t)
	for _, test := range []struct {
		name, words string
		handler     http.HandlerFunc
	}{
		{"a status", "HTTP status 503", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", messageType)
			w.WriteHeader(http.StatusServiceUnavailable)
		}},
		{"a redirect", "HTTP status 307", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}},
		{"a page", "no DNS message", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "<html>log in</html>") }},
		{"too much", "over 65535 octets", dnsOverHTTPS(func(q []byte) []byte { return append(answer(q), make([]byte, maxMessage)...) })},
		{"another ID", "no reply", dnsOverHTTPS(func(q []byte) []byte {
			reply := answer(q)
			reply[0] ^= 1
			return reply
		})},
	} {
		t.Run(test.name, func(t *testing.T) {
			address, roots := serveHTTPS(t, test.handler)
			client := newHTTPSClient(address, new(net.Dialer).DialContext, roots)
			defer client.hangUp()
			message, err := client.exchange(t.Context(), query(t, 7, "mail.example"))
			if err == nil || !strings.Contains(err.Error(), test.words) {
				t.Errorf("%d octets (%v), want an error with %q", len(message), err, test.words)
			}
		})
	}
}

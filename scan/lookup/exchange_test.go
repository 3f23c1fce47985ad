package lookup

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"caascan/scan/snapshot"
)

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

func send(conn net.Conn, message []byte) {
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...))
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
					if reply := answer(q); reply != nil {
						send(conn, reply)
					}
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
		reply := answer(q)
		if reply == nil {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", messageType)
		_, _ = w.Write(reply)
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

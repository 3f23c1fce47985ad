package dnstest

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
)

const (
	httpsPath   = "/dns-query"              // RFC 8484, section 4.1.1
	messageType = "application/dns-message" // RFC 8484, section 6
	maxMessage  = 1<<16 - 1                 // RFC 1035, section 4.2.2
)

// listenTLS opens the ports for DNS over TLS and HTTPS.
func (s *Server) listenTLS() error {
	var err error
	if s.tls, err = tls.Listen("tcp", anyPort, s.config.TLS); err != nil {
		return err
	}
	if s.https, err = net.Listen("tcp", anyPort); err != nil {
		_ = s.tls.Close()
		return err
	}
	s.web = &http.Server{
		Handler:   http.HandlerFunc(s.serveHTTP),
		TLSConfig: s.config.TLS.Clone(),
		ErrorLog:  log.New(io.Discard, "", 0), // clients that do not like the certificate
	}
	return nil
}

// serveHTTP answers one request, unless the client leaves before.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		return
	}
	defer s.running.Done()
	query, status := readRequest(r)
	replies := make(chan Reply, 1)
	first := func(reply Reply) {
		if reply.Wire == nil && !reply.Close {
			return
		}
		select {
		case replies <- reply:
		default:
		}
	}
	from, _ := netip.ParseAddrPort(r.RemoteAddr) // it is one
	if status == http.StatusOK && !s.serve(query, HTTPS, from, first) {
		status = http.StatusBadRequest
	}
	if status != http.StatusOK {
		http.Error(w, http.StatusText(status), status)
		return
	}
	select {
	case reply := <-replies:
		s.respond(w, reply)
	case <-r.Context().Done():
	case <-s.done:
		panic(http.ErrAbortHandler)
	}
}

// enter notes a request for Close, and reports whether that is still to come.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		return false
	}
	s.running.Add(1)
	return true
}

// readRequest returns the message in a request, or why there is none.
func readRequest(r *http.Request) (message []byte, status int) {
	switch {
	case r.URL.Path != httpsPath:
		return nil, http.StatusNotFound
	case r.Method != http.MethodPost:
		return nil, http.StatusMethodNotAllowed
	case r.Header.Get("Content-Type") != messageType:
		return nil, http.StatusUnsupportedMediaType
	}
	message, err := io.ReadAll(io.LimitReader(r.Body, maxMessage))
	if err != nil {
		return nil, http.StatusBadRequest
	}
	return message, http.StatusOK
}

func (s *Server) respond(w http.ResponseWriter, reply Reply) {
	if reply.Wire == nil {
		panic(http.ErrAbortHandler) // no response: the stream is closed
	}
	if reply.Close {
		w.Header().Set("Connection", "close")
	}
	w.Header().Set("Content-Type", messageType)
	if err := s.write(flushing{w}, reply.Wire, reply.Drip); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// flushing sends what is written at once.
type flushing struct{ http.ResponseWriter }

// Write returns once the octets are on their way.
func (f flushing) Write(octets []byte) (int, error) {
	n, err := f.ResponseWriter.Write(octets)
	if err == nil {
		err = http.NewResponseController(f.ResponseWriter).Flush()
	}
	return n, err
}

package lookup

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// httpsClient is an exchanger over HTTPS (RFC 8484), with HTTP/2 where the server
// has it. It goes through no proxy, whatever the environment says, and follows no
// redirect: the server that was named is the one whose certificate is checked.
type httpsClient struct {
	url    string
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	client *http.Client

	mu    sync.Mutex // guards what follows
	calls map[*call]bool
	conns map[*httpsConn]bool
}

// call is an exchange, or the dialing of a connection, that is under way.
type call struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// httpsConn is a connection that can be closed without the HTTP client's help.
type httpsConn struct {
	net.Conn
	client *httpsClient
}

// messageType is the media type of DNS messages (RFC 8484, section 6).
const messageType = "application/dns-message"

const (
	// maxHTTPSConns bounds the connections that the first queries make, each of which
	// dials because none stands yet, and those to a server without HTTP/2.
	maxHTTPSConns   = 64
	maxHeader       = 64 << 10 // octets of a response before its body
	tlsTimeout      = 10 * time.Second
	silenceAllowed  = 5 * time.Second // on a connection over HTTP/2 before it is tested
	silenceTestTime = 5 * time.Second // for the reply to the test
)

func newHTTPSClient(url string, dial func(ctx context.Context, network, address string) (net.Conn, error), roots *x509.CertPool) *httpsClient {
	c := &httpsClient{url: url, dial: dial, calls: make(map[*call]bool), conns: make(map[*httpsConn]bool)}
	c.client = &http.Client{
		Transport: &http.Transport{
			DialContext:            c.connect,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    tlsTimeout,
			ForceAttemptHTTP2:      true,
			HTTP2:                  &http.HTTP2Config{SendPingTimeout: silenceAllowed, PingTimeout: silenceTestTime},
			MaxConnsPerHost:        maxHTTPSConns,
			MaxIdleConnsPerHost:    maxHTTPSConns,
			IdleConnTimeout:        idleTime,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

func (c *httpsClient) exchange(ctx context.Context, query []byte) ([]byte, error) {
	ctx, leave := c.enter(ctx)
	defer leave()
	request, err := c.request(ctx, query)
	if err != nil {
		return nil, err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	message, err := readResponse(response)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.url, err)
	}
	if check(message, query) == notOurs {
		return nil, fmt.Errorf("%s: the response is no reply to the query", c.url)
	}
	return message, nil
}

// exchangeAlone is exchange: over HTTP/2 no reply holds up another.
func (c *httpsClient) exchangeAlone(ctx context.Context, query []byte) ([]byte, error) {
	return c.exchange(ctx, query)
}

func (c *httpsClient) request(ctx context.Context, query []byte) (*http.Request, error) {
	// The HTTP client may read the query for a while after the exchange.
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(slices.Clone(query)))
	if err != nil {
		return nil, fmt.Errorf("query to %s: %w", c.url, err)
	}
	request.Header.Set("Content-Type", messageType)
	request.Header.Set("Accept", messageType)
	// Not sent, but says that the query may be repeated, where the server has closed
	// an idle connection meanwhile.
	request.Header["Idempotency-Key"] = nil
	return request, nil
}

func readResponse(response *http.Response) ([]byte, error) {
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP status %d", response.StatusCode)
	}
	if kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || kind != messageType {
		return nil, errors.New("the response is no DNS message")
	}
	message, err := io.ReadAll(io.LimitReader(response.Body, maxMessage+1))
	if err != nil {
		return nil, fmt.Errorf("reading the response: %w", err)
	}
	if len(message) > maxMessage {
		return nil, fmt.Errorf("the response has over %d octets", maxMessage)
	}
	return message, nil
}

// hangUp does what the HTTP client cannot: it ends what is under way as well. The
// HTTP client's goroutines end with their connections.
func (c *httpsClient) hangUp() {
	calls := c.underWay()
	for _, call := range calls {
		call.cancel()
	}
	for _, call := range calls {
		<-call.done
	}
	c.client.CloseIdleConnections() // says goodbye
	for _, conn := range c.open() {
		conn.Close()
	}
}

func (c *httpsClient) underWay() []*call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.calls))
}

func (c *httpsClient) open() []*httpsConn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.conns))
}

// enter begins a call, which leave ends.
func (c *httpsClient) enter(ctx context.Context) (_ context.Context, leave func()) {
	ctx, cancel := context.WithCancel(ctx)
	entered := &call{cancel: cancel, done: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[entered] = true
	return ctx, func() {
		cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.calls, entered)
		close(entered.done)
	}
}

func (c *httpsClient) connect(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, leave := c.enter(ctx)
	defer leave()
	conn, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	tracked := &httpsConn{Conn: conn, client: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns[tracked] = true
	return tracked, nil
}

func (c *httpsConn) Close() error {
	c.client.mu.Lock()
	delete(c.client.conns, c)
	c.client.mu.Unlock()
	return c.Conn.Close()
}

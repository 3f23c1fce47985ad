package stream

import (
	"bytes"
	"context"
	"crypto/tls"
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

// HTTPSClient asks one server over HTTPS (RFC 8484), with HTTP/2 if the server has it. It goes through no proxy, whatever the environment says, and follows no
// redirect: the server that was named is the one whose certificate is checked.
type HTTPSClient struct {
	cfg    Config
	url    string
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
	client *HTTPSClient
}

// messageType is the media type of DNS messages (RFC 8484, section 6).
const messageType = "application/dns-message"

const (
	// maxHTTPSConns bounds the connections that the first queries make, each of which
	// dials because none is open yet, and those to a server without HTTP/2.
	maxHTTPSConns   = 64
	maxHeader       = 64 << 10 // octets of a response before its body
	tlsTimeout      = 10 * time.Second
	silenceAllowed  = 5 * time.Second // on a connection over HTTP/2 before it is tested
	silenceTestTime = 5 * time.Second // for the reply to the test
)

// NewHTTPS returns a client of the server that url names, to which queries are posted
// (RFC 8484, section 4.1). It connects when it is first asked something.
func NewHTTPS(cfg Config, url string) *HTTPSClient {
	c := &HTTPSClient{cfg: cfg, url: url, calls: make(map[*call]bool), conns: make(map[*httpsConn]bool)}
	c.client = &http.Client{
		Transport: &http.Transport{
			DialContext:            c.connect,
			TLSClientConfig:        &tls.Config{RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12},
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

// Exchange posts a query and returns the message that answers it. It ends with ctx. Any
// other status than 200, and any other media type than that of DNS messages, is an
// error (RFC 8484, section 4.2.1).
func (c *HTTPSClient) Exchange(ctx context.Context, query []byte) ([]byte, error) {
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
	if !c.cfg.IsReply(message, query) {
		return nil, fmt.Errorf("%s: the response is not a reply to the query", c.url)
	}
	return message, nil
}

// ExchangeAlone is Exchange: over HTTP/2 no reply holds up another.
func (c *HTTPSClient) ExchangeAlone(ctx context.Context, query []byte) ([]byte, error) {
	return c.Exchange(ctx, query)
}

func (c *HTTPSClient) request(ctx context.Context, query []byte) (*http.Request, error) {
	// The HTTP client may read the query for a while after the exchange.
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(slices.Clone(query)))
	if err != nil {
		return nil, fmt.Errorf("query to %s: %w", c.url, err)
	}
	request.Header.Set("Content-Type", messageType)
	request.Header.Set("Accept", messageType)
	// Not sent, but says that the query may be repeated if the server has closed an idle
	// connection meanwhile.
	request.Header["Idempotency-Key"] = nil
	return request, nil
}

func readResponse(response *http.Response) ([]byte, error) {
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP status %d", response.StatusCode)
	}
	if kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || kind != messageType {
		return nil, errors.New("the response is not a DNS message")
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

// HangUp ends the exchanges that are under way with an error and closes the connections.
// It returns when no exchange is left; the HTTP client's goroutines end with their
// connections. Later exchanges dial anew.
func (c *HTTPSClient) HangUp() {
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

func (c *HTTPSClient) underWay() []*call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.calls))
}

func (c *HTTPSClient) open() []*httpsConn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.conns))
}

// enter begins a call, which leave ends.
func (c *HTTPSClient) enter(ctx context.Context) (_ context.Context, leave func()) {
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

func (c *HTTPSClient) connect(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, leave := c.enter(ctx)
	defer leave()
	conn, err := c.cfg.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	tracked := &httpsConn{Conn: conn, client: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns[tracked] = true
	return tracked, nil
}

// Close closes the connection, which the client then forgets.
func (c *httpsConn) Close() error {
	c.client.mu.Lock()
	delete(c.client.conns, c)
	c.client.mu.Unlock()
	return c.Conn.Close()
}

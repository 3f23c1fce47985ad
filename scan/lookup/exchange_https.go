package lookup

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
)

// httpsClient is an exchanger over HTTPS (RFC 8484), with HTTP/2 where the server
// has it. It goes through no proxy and follows no redirect: the server that was named
// is the one whose certificate is checked.
type httpsClient struct {
	url    string
	client *http.Client
}

// messageType is the media type of DNS messages (RFC 8484, section 6).
const messageType = "application/dns-message"

func newHTTPSClient(url string, dial func(ctx context.Context, network, address string) (net.Conn, error), roots *x509.CertPool) *httpsClient {
	return &httpsClient{url: url, client: &http.Client{
		Transport: &http.Transport{
			DialContext:         dial,
			TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: maxPipelined,
			IdleConnTimeout:     idleTime,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *httpsClient) hangUp() { c.client.CloseIdleConnections() }

func (c *httpsClient) exchange(ctx context.Context, query []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", messageType)
	request.Header.Set("Accept", messageType)
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

func readResponse(response *http.Response) ([]byte, error) {
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP status %d", response.StatusCode)
	}
	if kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type")); err != nil || kind != messageType {
		return nil, errors.New("the response is no DNS message")
	}
	message, err := io.ReadAll(io.LimitReader(response.Body, maxMessage+1))
	if err == nil && len(message) > maxMessage {
		err = fmt.Errorf("the response has over %d octets", maxMessage)
	}
	return message, err
}

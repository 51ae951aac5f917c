package http_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	nethttp "net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"clove.i2p/proxies"
	httpproxy "clove.i2p/proxies/http"
	"clove.i2p/tests/proxytest"
)

const (
	siteName = "example.i2p"
	siteB32  = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"
)

// network is a Dialer that records. A host leads to a listener's address or an error.
type network struct {
	mu      sync.Mutex
	dialed  []proxies.Target
	address map[string]string
	errs    map[string]error
	hang    map[string]chan struct{} // closed when the dial's context ended
	dialing chan struct{}            // gets one when a dial hangs
	plain   bool                     // connections do not know their address
}

func (n *network) Dial(ctx context.Context, t proxies.Target) (net.Conn, error) {
	n.mu.Lock()
	n.dialed = append(n.dialed, t)
	host := t.Host
	if t.Via != "" {
		host = "via " + t.Via
	}
	address, err, hang := n.address[host], n.errs[host], n.hang[host]
	n.mu.Unlock()
	if hang != nil {
		n.dialing <- struct{}{}
		<-ctx.Done()
		close(hang)
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	if address == "" {
		return nil, proxies.ErrUnknownHost
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, proxies.ErrNoAnswer
	}
	if n.plain {
		return conn, nil
	}
	return addressed{conn.(*net.TCPConn)}, nil
}

func (n *network) targets() []proxies.Target {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]proxies.Target(nil), n.dialed...)
}

type addressed struct{ *net.TCPConn }

func (addressed) Base32() string { return siteB32 }

type fixture struct {
	*network
	server  *httpproxy.Server
	address string
	stop    func() error
}

// start runs a proxy whose network has one site.
func start(t *testing.T, site nethttp.Handler, change ...func(*httpproxy.Config)) *fixture {
	t.Helper()
	return startWith(t, site, nil, change...)
}

func startWith(t *testing.T, site nethttp.Handler, ready proxies.Readiness, change ...func(*httpproxy.Config)) *fixture {
	t.Helper()
	n := &network{address: map[string]string{}, errs: map[string]error{}, hang: map[string]chan struct{}{}, dialing: make(chan struct{}, 8)}
	if site != nil {
		back := httptest.NewServer(site)
		t.Cleanup(back.Close)
		n.address[siteName] = back.Listener.Addr().String()
		n.address[siteB32] = n.address[siteName]
	}
	cfg := httpproxy.DefaultConfig()
	for _, c := range change {
		c(&cfg)
	}
	s, err := httpproxy.New(cfg, n, ready, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{network: n, server: s}
	f.address, f.stop = proxytest.Serve(t, s)
	return f
}

func (f *fixture) client(t *testing.T) *nethttp.Client {
	u := &url.URL{Scheme: "http", Host: f.address}
	tr := &nethttp.Transport{Proxy: nethttp.ProxyURL(u), DisableCompression: true, ExpectContinueTimeout: time.Minute}
	t.Cleanup(tr.CloseIdleConnections)
	return &nethttp.Client{Transport: tr, CheckRedirect: func(*nethttp.Request, []*nethttp.Request) error {
		return nethttp.ErrUseLastResponse
	}}
}

func (f *fixture) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	return proxytest.Dial(t, f.address)
}

// exchange writes bytes and parses one response.
func (f *fixture) exchange(t *testing.T, request string) (*nethttp.Response, string) {
	t.Helper()
	c := f.dial(t)
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	resp, err := nethttp.ReadResponse(bufio.NewReader(c), &nethttp.Request{Method: method})
	if err != nil {
		t.Fatalf("response to %.40q: %v", request, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("body of the response to %.40q: %v", request, err)
	}
	return resp, string(b)
}

func readAll(t *testing.T, resp *nethttp.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return string(b)
}

type notReady string

func (p notReady) Ready() (bool, string) { return false, string(p) }

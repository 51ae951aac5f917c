package http_test

import (
	"bufio"
	"context"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"clove.i2p/proxies"
	httpproxy "clove.i2p/proxies/http"
	"clove.i2p/tests/proxytest"
)

type namedPipe struct{ net.Conn }

func (namedPipe) Base32() string      { return siteB32 }
func (c namedPipe) CloseWrite() error { return c.Close() }

// check fails if a request to a server shows what no server may see.
func check(t *testing.T, r *nethttp.Request) {
	t.Helper()
	host, _, _ := strings.Cut(r.Host, ":")
	if host != siteB32 {
		t.Errorf("server sees host %q", r.Host)
	}
	if r.URL.Host != "" || r.URL.User != nil || r.Header.Get("Origin") == "http://"+siteName {
		t.Errorf("server sees %q, origin %q", r.RequestURI, r.Header.Get("Origin"))
	}
	checkHeader(t, r, "MYOB/6.66 (AN/ON)")
}

func checkHeader(t *testing.T, r *nethttp.Request, agent string) {
	t.Helper()
	if ua := r.Header.Values("User-Agent"); len(ua) != 1 || ua[0] != agent {
		t.Errorf("server sees user agent %q", ua)
	}
	for name := range r.Header {
		for _, bad := range []string{"Proxy-", "X-Forwarded", "Via", "From", "Accept-Language", "Dnt", "Sec-Ch-", "Sec-Fetch-", "Sec-Websocket-Extensions"} {
			if strings.HasPrefix(name, bad) {
				t.Errorf("server sees %s", name)
			}
		}
	}
	if referer := r.Header.Get("Referer"); strings.Contains(referer, "//") && !strings.HasPrefix(referer, "/") {
		t.Errorf("server sees referer %q", referer)
	}
}

// FuzzServer: whatever comes, the server ends, dials nothing but valid I2P hosts, and sends servers clean requests.
func FuzzServer(f *testing.F) {
	for _, seed := range []string{
		"", "GET / HTTP/1.1\r\n\r\n", "GET http://example.i2p/ HTTP/1.1\r\nHost: x\r\nVia: y\r\nReferer: http://example.i2p/a\r\n\r\n",
		"POST http://example.i2p/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n4\r\nbody\r\n0\r\nA: b\r\n\r\n",
		"POST http://example.i2p/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody",
		"CONNECT example.i2p:443 HTTP/1.1\r\nHost: x\r\n\r\ndata", "CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET http://example.i2p/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"GET http://[::1]/ HTTP/1.0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET http://u:p@example.i2p:81/%2f?q#f HTTP/1.1\r\nHost: x\r\nConnection: user-agent\r\nOrigin: http://example.i2p\r\n\r\n",
		"GET http://a.i2p/ HTTP/1.1\r\nHost: x\r\n\r\nGET http://example.i2p/ HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET http://www.example.org:8080/ HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: none\r\nForwarded: x\r\n\r\n",
		"CONNECT www.example.org:443 HTTP/1.1\r\nHost: x\r\n\r\ndata", "CONNECT example.i2p:80 HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: y\r\n\r\n",
		"GET http://a.i2p/?i2paddresshelper=" + siteB32 + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET http://proxy.i2p/helper?host=a.i2p&path=/&address=" + siteB32 + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST http://proxy.i2p/helper HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 13\r\n\r\nhost=a&path=b",
		"GET http://proxy.i2p/proxy.pac HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Digest a=b\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	rules, err := proxies.NewRules([]proxies.Rule{toExit})
	if err != nil {
		f.Fatal(err)
	}
	cfg := httpproxy.DefaultConfig()
	cfg.Policy, cfg.Book = proxies.NewPolicy(rules), nobody{}
	f.Fuzz(func(t *testing.T, sent []byte) {
		s, err := httpproxy.New(cfg, proxytest.DialFunc(
			func(_ context.Context, target proxies.Target) (net.Conn, error) {
				host, network, err := proxies.ParseAnyHost(target.Host)
				if err != nil || host != target.Host || target.Port < 1 || (network == proxies.Clearnet) != (target.Via == "exit") {
					t.Errorf("dialed %+v: %v", target, err)
				}
				if target.Host != siteName && target.Via == "" {
					return nil, proxies.ErrUnknownHost
				}
				near, far := net.Pipe()
				raw := strings.HasPrefix(string(sent), "CONNECT") // its bytes are the client's own, but for plain requests
				go func() {
					defer far.Close()
					r, err := nethttp.ReadRequest(bufio.NewReader(far))
					if err != nil || raw {
						return
					}
					if target.Via != "" {
						checkHeader(t, r, "Mozilla/5.0 (Windows NT 10.0; rv:109.0) Gecko/20100101 Firefox/115.0")
					} else {
						check(t, r)
					}
					if _, err := io.Copy(io.Discard, r.Body); err == nil {
						_, _ = io.WriteString(far, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
					}
				}()
				return namedPipe{near}, nil
			}), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		proxytest.Feed(t, s, sent, 5*time.Millisecond)
	})
}

// nobody knows no name.
type nobody struct{ httpproxy.Book }

func (nobody) Lookup(string) (string, bool) { return "", false }

func (nobody) Resolve(context.Context, string, proxies.Isolation) (string, error) {
	return "", proxies.ErrNoLeaseSet
}

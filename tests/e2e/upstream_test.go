package e2e_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	socksserver "github.com/armon/go-socks5" //nolint:depguard // a server on loopback

	"clove.i2p/router"
)

// A router behind an upstream proxy reads an eepsite, and everything that it sends to others goes through the proxy:
// without the proxy it reaches nobody.
func TestEverythingGoesThroughTheUpstreamProxy(t *testing.T) {
	for scheme, start := range map[string]func(*testing.T) *upstreamProxy{"socks5": startSOCKS, "http": startConnect} {
		t.Run(scheme, func(t *testing.T) {
			n := startNetwork(t, 6, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "page") }))
			proxy := start(t)
			cfg := routerConfig(false)
			cfg.Upstream = scheme + "://" + proxy.listener.Addr().String()
			cfg.Reseed = []string{n.seeds}
			r, stop, err := router.Start(context.Background(), cfg, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { stop() })
			d, err := r.Open(router.DestinationConfig{Tunnels: router.Tunnels{Length: 2, Quantity: 2}, Unpublished: true})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := d.Reachable(ctx); err != nil {
				t.Fatal(err)
			}
			client := &http.Client{Transport: &http.Transport{DialContext: d.Dial}}
			res, err := client.Get("http://" + n.eepsite + "/")
			if err != nil {
				t.Fatal(err)
			}
			page, err := io.ReadAll(res.Body)
			if res.Body.Close(); err != nil || string(page) != "page" {
				t.Fatalf("%q, %v", page, err)
			}
			sessions := r.Status().Sessions
			if len(sessions) == 0 || len(sessions) > proxy.made() {
				t.Errorf("%d sessions, but %d connections through the proxy", len(sessions), proxy.made())
			}
			for _, s := range sessions {
				if s.Style != "NTCP2" || s.Direction.String() != "outbound" {
					t.Errorf("an %s session over %s", s.Direction, s.Style)
				}
			}
			for _, a := range r.RouterInfo().Addresses() {
				if a.Host().IsValid() || a.Style != "NTCP2" {
					t.Errorf("publishes %v", a)
				}
			}
			proxy.close()
			for deadline := time.Now().Add(patience); len(r.Status().Sessions) > 0; time.Sleep(100 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("without the proxy: %d sessions", len(r.Status().Sessions))
				}
			}
		})
	}
}

// An upstreamProxy counts what goes through it.
type upstreamProxy struct {
	listener net.Listener

	mu    sync.Mutex
	conns []net.Conn
	ended bool
}

func (p *upstreamProxy) dial(ctx context.Context, network, to string) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return nil, net.ErrClosed
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, to)
	if err == nil {
		p.conns = append(p.conns, conn)
	}
	return conn, err
}

func (p *upstreamProxy) made() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

func (p *upstreamProxy) close() {
	p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for _, c := range p.conns {
		c.Close()
	}
}

func listenUpstream(t *testing.T) *upstreamProxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &upstreamProxy{listener: l}
	t.Cleanup(p.close)
	return p
}

func startSOCKS(t *testing.T) *upstreamProxy {
	p := listenUpstream(t)
	server, err := socksserver.New(&socksserver.Config{Dial: p.dial})
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(p.listener)
	return p
}

// startConnect runs an HTTP proxy that knows CONNECT alone.
func startConnect(t *testing.T) *upstreamProxy {
	p := listenUpstream(t)
	go func() {
		for {
			conn, err := p.listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			} else if err != nil {
				continue
			}
			go p.connect(conn)
		}
	}()
	return p
}

func (p *upstreamProxy) connect(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	req, err := http.ReadRequest(r)
	if err != nil || req.Method != http.MethodConnect || strings.Contains(req.Host, "localhost") {
		return
	}
	to, err := p.dial(context.Background(), "tcp", req.Host)
	if err != nil {
		fmt.Fprint(conn, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
		return
	}
	defer to.Close()
	fmt.Fprint(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		io.Copy(to, r)
		to.Close()
	}()
	io.Copy(conn, to)
}

package e2e_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"clove.i2p/router"
	"clove.i2p/router/i2p"
)

// A network is one of routers in this process, which a clove process joins. One of them hosts an eepsite.
type network struct {
	routers []*router.Router
	seeds   string // a folder of router.info files
	eepsite string
}

// networkID is nobody's.
const networkID = 77

func routerConfig(floodfill bool) router.Config {
	return router.Config{
		NetworkID: networkID, AllowPrivate: true, Floodfill: floodfill, NTCP2: router.Endpoint{Listen: "127.0.0.1:0"},
		Exploratory: router.Tunnels{Length: 1, Quantity: 2},
	}
}

func startNetwork(t *testing.T, size int, page http.Handler) *network {
	t.Helper()
	n := &network{}
	var err error
	if n.seeds, err = os.MkdirTemp(folder, ""); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	t.Cleanup(func() { cancel(); running.Wait() })
	for i := range size {
		r, err := router.New(routerConfig(i%2 == 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		n.routers = append(n.routers, r)
		name := filepath.Join(n.seeds, "routerInfo-"+r.Hash().String()+".dat")
		if err := os.WriteFile(name, r.RouterInfo().Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range n.routers {
		for _, other := range n.routers {
			if other != r {
				know(t, r, other.RouterInfo())
			}
		}
		running.Go(func() {
			if err := r.Run(ctx); err != nil {
				t.Errorf("router: %v", err)
			}
		})
		if err := r.WaitRunning(ctx); err != nil {
			t.Fatal(err)
		}
	}
	d, err := n.routers[0].Open(router.DestinationConfig{Tunnels: router.Tunnels{Length: 2, Quantity: 2}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := d.Listen(80)
	if err != nil {
		t.Fatal(err)
	}
	site := &http.Server{Handler: page, ReadHeaderTimeout: patience}
	running.Go(func() { site.Serve(l) })
	t.Cleanup(func() { site.Close() })
	wait, done := context.WithTimeout(ctx, patience)
	defer done()
	if err := d.Reachable(wait); err != nil {
		t.Fatal(err)
	}
	n.eepsite = d.Base32()
	return n
}

func know(t *testing.T, r *router.Router, info *i2p.RouterInfo) {
	t.Helper()
	if _, err := r.DB().Add(info); err != nil {
		t.Fatal(err)
	}
}

// join starts a clove process in the network, and returns its RouterInfo too.
func (n *network) join(t *testing.T) (*clove, ready, *i2p.RouterInfo) {
	t.Helper()
	data, err := os.MkdirTemp(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	c := startClove(t, "run", "--json", "--data-dir", data, "--set", "router.network_id="+itoa(networkID), "--set", "router.allow_private_peers=true",
		"--set", "router.ntcp2.listen=127.0.0.1:0", "--set", "router.reseed.files="+n.seeds, "--set", "router.tunnels.length=2",
		"--set", "proxies.http.listen=127.0.0.1:0", "--set", "proxies.socks.listen=127.0.0.1:0")
	r := c.waitReady(t)
	b, err := os.ReadFile(filepath.Join(data, "router.info"))
	if err != nil {
		t.Fatal(err)
	}
	info, _, err := i2p.ParseRouterInfo(b)
	if err != nil {
		t.Fatal(err)
	}
	return c, r, info
}

// record returns what a router that knows nobody else sends first to the one with this RouterInfo: the SessionRequest and,
// once that is answered, the SessionConfirmed.
func record(t *testing.T, info *i2p.RouterInfo) []byte {
	t.Helper()
	sent := make(chan []byte, 16)
	cfg := routerConfig(false)
	cfg.SSU2.Disabled = true
	cfg.Sockets.Dial = func(ctx context.Context, _ netip.Addr, to netip.AddrPort) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", to.String())
		return &recorder{Conn: conn, sent: sent}, err
	}
	r, stop, err := router.Start(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	know(t, r, info)
	select {
	case b := <-sent:
		return b
	case <-time.After(patience):
		t.Fatal("the router does not dial")
	}
	return nil
}

// A recorder hands on a copy of the first two writes: both messages of the side that dials.
type recorder struct {
	net.Conn
	sent  chan<- []byte
	mu    sync.Mutex
	count int
	bytes []byte
}

func (r *recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	if r.count++; r.count <= 2 {
		r.bytes = append(r.bytes, b...)
		if r.count == 2 {
			select {
			case r.sent <- r.bytes:
			default:
			}
		}
	}
	r.mu.Unlock()
	return r.Conn.Write(b)
}

var _ io.Writer = (*recorder)(nil)

package plugintest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
	"clove.i2p/plugins/plugintest/fakenet"
	"clove.i2p/plugins/sdk"
)

// patience is for everything that takes milliseconds on an idle machine.
const patience = 30 * time.Second

// Host is clove, as far as a plugin can see.
type Host struct {
	// I2P is the network in memory, for peers outside.
	I2P *fakenet.Network

	t       testing.TB
	gate    *gate.Gate
	logs    lines
	sockets string

	mu       sync.Mutex
	granted  []sdk.Permission
	grantSet bool
	names    map[string]int
	clearnet clearnet
}

// NewHost makes a host that ends with the test. Plugins get the permissions that they ask for, unless Grant says otherwise.
func NewHost(t testing.TB) *Host {
	t.Helper()
	h := &Host{I2P: fakenet.New(), t: t, names: map[string]int{}}
	h.sockets = t.TempDir()
	g, err := gate.New(gate.Config{
		Network:  h.I2P,
		Resolver: &h.clearnet,
		Connect:  h.clearnet.connect,
		Log:      slog.New(slog.NewTextHandler(&h.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatalf("plugintest: %v", err)
	}
	h.gate = g
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Errorf("plugintest: %v", err)
		}
	})
	return h
}

// Grant sets the permissions of plugins that are started from now on.
func (h *Host) Grant(permissions ...sdk.Permission) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.granted, h.grantSet = permissions, true
}

func (h *Host) permissions(asked []pb.Permission) []pb.Permission {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.grantSet {
		return h.granted
	}
	return asked
}

// Logs are the lines that plugins have logged until now, with those of the gate.
func (h *Host) Logs() []string { return h.logs.all() }

// Clearnet says where DialClearnet finds names: "example.com" or "example.com:443" -> a loopback address. The host still
// checks permission and port. Other names do not exist.
func (h *Host) Clearnet(addresses map[string]string) { h.clearnet.set(addresses) }

// nameFor is the type's name, with a number from the second on.
func (h *Host) nameFor(typ string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.names[typ]++
	if n := h.names[typ]; n > 1 {
		return fmt.Sprintf("%s-%d", typ, n)
	}
	return typ
}

// lines is a log in memory.
type lines struct {
	mu   sync.Mutex
	text []string
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, string(bytes.TrimRight(b, "\n")))
	return len(b), nil
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.text...)
}

// clearnet gives each name a public address that exists in this host only.
type clearnet struct {
	mu    sync.Mutex
	names map[string]netip.Addr
	to    map[netip.Addr]map[string]string // by port, "" is any
}

func (c *clearnet) set(addresses map[string]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names, c.to = map[string]netip.Addr{}, map[netip.Addr]map[string]string{}
	for name, address := range addresses {
		port := ""
		if host, p, err := net.SplitHostPort(name); err == nil {
			name, port = host, p
		}
		ip, ok := c.names[name]
		if !ok {
			n := len(c.names) + 1
			ip = netip.AddrFrom4([4]byte{93, 184, byte(n >> 8), byte(n)})
			c.names[name] = ip
			c.to[ip] = map[string]string{}
		}
		c.to[ip][port] = address
	}
}

// LookupNetIP implements gate.Resolver. A name that is given as an IP address in set is that address.
func (c *clearnet) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ip, ok := c.names[strings.ToLower(strings.TrimSuffix(host, "."))]; ok {
		return []netip.Addr{ip}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (c *clearnet) connect(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	c.mu.Lock()
	ports := c.to[to.Addr().Unmap()]
	address, ok := ports[fmt.Sprint(to.Port())]
	if !ok {
		address, ok = ports[""]
	}
	c.mu.Unlock()
	if !ok {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: fmt.Errorf("no such host in this test")}
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address)
}

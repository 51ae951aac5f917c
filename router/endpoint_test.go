package router

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"

	"clove.i2p/router/transport/ssu2"
	"clove.i2p/router/udp"
)

func TestEndpoints(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  Config
		e    Endpoint
		kept uint16
		want string // or a part of the error
	}{
		{name: "all addresses, kept port", e: Endpoint{Listen: ":0"}, kept: 1000, want: "[0.0.0.0:1000 [::]:1000]"},
		{name: "a port of its own", e: Endpoint{Listen: ":7"}, kept: 1000, want: "[0.0.0.0:7 [::]:7]"},
		{name: "one address", e: Endpoint{Listen: "192.0.2.1:0"}, kept: 1000, want: "[192.0.2.1:1000]"},
		{name: "no IPv4", cfg: Config{NoIPv4: true}, e: Endpoint{Listen: ":7"}, want: "[[::]:7]"},
		{name: "no IPv6", cfg: Config{NoIPv6: true}, e: Endpoint{Listen: ":7"}, want: "[0.0.0.0:7]"},
		{name: "nothing left", cfg: Config{NoIPv6: true}, e: Endpoint{Listen: "[2001:db8::1]:7"}, want: "switched off"},
		{name: "behind a proxy", cfg: Config{Upstream: "socks5://127.0.0.1:9050"}, e: Endpoint{Listen: ":7"}, want: "[]"},
		{name: "off", e: Endpoint{Disabled: true, Listen: ":7"}, want: "[]"},
		{name: "a port and more", e: Endpoint{Listen: ":9000abc"}, want: "want IP:port or :port"},
		{name: "no port", e: Endpoint{Listen: ":65536"}, want: "want IP:port or :port"},
		{name: "a name", e: Endpoint{Listen: "localhost:7"}, want: "want IP:port or :port"},
	} {
		at, err := c.cfg.endpoints("ntcp2", c.e, c.kept)
		if got := fmt.Sprint(at); err == nil && got != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want %s", c.name, at, err, c.want)
		}
	}
}

func TestImpossibleLinksAreRefused(t *testing.T) {
	for want, c := range map[string]Config{
		"NTCP2 and SSU2 are both off":              {NTCP2: Endpoint{Disabled: true}, SSU2: Endpoint{Disabled: true}},
		"IPv4 and IPv6 are both off":               {NoIPv4: true, NoIPv6: true},
		`ssu2 advertise address "here"`:            {SSU2: Endpoint{Advertise: "here"}},
		`batching "much"`:                          {Batching: "much"},
		`key exchange "kyber"`:                     {PostQuantum: []string{"kyber"}},
		`key exchange "mlkem768" is there twice`:   {PostQuantum: []string{"mlkem768", "mlkem768"}},
		"is of an IP version that is switched off": {NoIPv4: true, NTCP2: Endpoint{Listen: "192.0.2.1:7"}},
		"an upstream proxy needs NTCP2":            {Upstream: "socks5://127.0.0.1:1", NTCP2: Endpoint{Disabled: true}},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	for name, c := range map[string]Config{
		"defaults":   {},
		"upstream":   {Upstream: "http://127.0.0.1:3128"},
		"all":        {Hidden: true, PostQuantum: []string{"mlkem512", "mlkem1024"}, SSU2: Endpoint{Listen: ":7", Advertise: "192.0.2.1"}},
		"SSU2 alone": {NTCP2: Endpoint{Disabled: true}},
	} {
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Without IPv6 in the kernel, as with ipv6.disable=1, sockets of it cannot be made.
func TestSystemWithoutIPv6(t *testing.T) {
	missing := &net.OpError{Op: "listen", Err: os.NewSyscallError("socket", syscall.EAFNOSUPPORT)}
	sockets := Sockets{
		Listen: func(_ context.Context, _ string, at netip.AddrPort) (net.Listener, error) {
			if at.Addr().Is6() {
				return nil, missing
			}
			return net.Listen("tcp4", "127.0.0.1:0")
		},
		ListenPacket: func(_ context.Context, at netip.AddrPort) (ssu2.Socket, error) {
			if at.Addr().Is6() {
				return nil, fmt.Errorf("udp: %w", missing)
			}
			return udp.Listen(netip.MustParseAddrPort("127.0.0.1:0"), udp.Options{})
		},
	}
	r := made(t, Config{Sockets: sockets})
	if len(r.ntcp2.Bound()) != 1 || len(r.ssu2.Bound()) != 1 {
		t.Errorf("listens on %v", r.bound())
	}
	for _, a := range r.RouterInfo().Addresses() {
		if strings.Contains(a.Caps(), "6") {
			t.Errorf("%s: caps %q", a.Style, a.Caps())
		}
	}
	if r, err := New(Config{NetworkID: testNetwork, AllowPrivate: true, Sockets: sockets, NTCP2: Endpoint{Listen: "[::]:0"}}, nil); err == nil {
		r.Close()
		t.Error("an IPv6 address that is asked for is passed over")
	}
}

// The static key and IV outlive a restart (NTCP2, "Published Addresses"), also where nothing listens.
func TestKeysBehindAProxyAreKept(t *testing.T) {
	dir := t.TempDir()
	key := func(c Config) []byte {
		t.Helper()
		c.DataDir, c.NetworkID, c.AllowPrivate = dir, testNetwork, true
		r, err := New(c, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		s := r.id.ntcp2.static.Public()
		return s[:]
	}
	proxied := Config{Upstream: "socks5://127.0.0.1:9"}
	first := key(proxied)
	if !bytes.Equal(key(proxied), first) {
		t.Error("another key at the next start")
	}
}

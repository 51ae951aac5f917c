package gate_test

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

// dns answers from a table, a different answer each time where there are several.
type dns struct {
	mu    sync.Mutex
	names map[string][][]string
	asked []string
}

func (d *dns) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, host)
	answers := d.names[host]
	if len(answers) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(answers) > 1 {
		d.names[host] = answers[1:]
	}
	var out []netip.Addr
	for _, a := range answers[0] {
		out = append(out, netip.MustParseAddr(a))
	}
	return out, nil
}

// out records where connections go.
type out struct {
	mu    sync.Mutex
	to    []netip.AddrPort
	dead  map[netip.Addr]bool
	stand string // where they really go
}

func (o *out) connect(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	o.mu.Lock()
	o.to = append(o.to, to)
	dead := o.dead[to.Addr()]
	o.mu.Unlock()
	if dead {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	return new(net.Dialer).DialContext(ctx, "tcp", o.stand)
}

func clearnetBed(t *testing.T, names map[string][][]string) (*bed, *process, *dns, *out) {
	t.Helper()
	d, o := &dns{names: names}, &out{dead: make(map[netip.Addr]bool), stand: tcpServer(t).Addr().String()}
	b := newBed(t, func(c *gate.Config) { c.Resolver, c.Connect = d, o.connect })
	b.tunnel("exit", func(s *gate.TunnelSpec) { s.Grants.ClearnetPorts = []string{"80", "1000-2000"} })
	return b, b.start("exit"), d, o
}

func TestDialClearnetConnectsToWhatWasChecked(t *testing.T) {
	// A name that changes its answer after it was checked (DNS rebinding) is not asked again.
	b, p, d, o := clearnetBed(t, map[string][][]string{
		"site.example.org": {{"10.0.0.1", "9.9.9.9", "::ffff:127.0.0.1"}, {"127.0.0.1"}},
		"down.example.org": {{"9.9.9.1", "9.9.9.2"}},
	})
	s, err := p.DialClearnet(b.ctx, &pb.DialClearnetRequest{Tunnel: "exit", Address: "Site.example.org:80"})
	if err != nil {
		t.Fatal(err)
	}
	p.redeem(s.Ticket)
	if want := netip.MustParseAddrPort("9.9.9.9:80"); !slices.Equal(o.to, []netip.AddrPort{want}) || len(d.asked) != 1 {
		t.Errorf("connected to %v, asked %v; want %v only, once", o.to, d.asked, want)
	}

	o.to, o.dead[netip.MustParseAddr("9.9.9.1")] = nil, true
	if _, err := p.DialClearnet(b.ctx, &pb.DialClearnetRequest{Tunnel: "exit", Address: "down.example.org:1500"}); err != nil || len(o.to) != 2 {
		t.Errorf("the second address is not tried: %v, %v", o.to, err)
	}
	o.dead[netip.MustParseAddr("9.9.9.2")] = true
	_, err = p.DialClearnet(b.ctx, &pb.DialClearnetRequest{Tunnel: "exit", Address: "down.example.org:1500"})
	wantErr(t, err, api.ErrRefused)
	_, err = p.DialClearnet(b.ctx, &pb.DialClearnetRequest{Tunnel: "exit", Address: "unknown.example.org:80"})
	wantErr(t, err, api.ErrUnknownHost)
	_, err = p.DialClearnet(b.ctx, &pb.DialClearnetRequest{Tunnel: "exit", Address: "site.example.org:443"})
	wantErr(t, err, api.ErrPermission, "port 443")
}

func TestDialClearnetReachesNothingPrivate(t *testing.T) {
	b, p, d, o := clearnetBed(t, map[string][][]string{
		"private.example.org":  {{"192.168.1.1"}},
		"metadata.example.org": {{"169.254.169.254"}},
		"mixed.example.org":    {{"127.0.0.1", "::1", "fd00::1"}},
	})
	for _, address := range []string{
		"127.0.0.1:80", "127.1.2.3:80", "[::1]:80", "10.0.0.1:80", "172.31.0.1:80", "192.168.0.1:80", "169.254.169.254:80",
		"100.64.0.1:80", "0.0.0.0:80", "[::]:80", "[::ffff:127.0.0.1]:80", "[::ffff:10.0.0.1]:80", "[::127.0.0.1]:80", "[fe80::1]:80",
		"[fe80::1%25lo]:80", "[64:ff9b::7f00:1]:80", "[2002:7f00:1::]:80", "[2001:0:1::]:80", "[fd00:ec2::254]:80", "224.0.0.1:80",
		"255.255.255.255:80", "private.example.org:80", "metadata.example.org:80", "mixed.example.org:80", "localhost:80", "metadata.google.internal:80",
		"router.local:80", "printer:80",
	} {
		_, err := p.DialClearnet(b.ctx, &pb.DialClearnetRequest{Tunnel: "exit", Address: address})
		wantErr(t, err, api.ErrPermission, "not a public address")
	}
	for _, address := range []string{"127.1:80", "2130706433:80", "0x7f000001:80", "0177.0.0.1:80", "a.0x7f:80", "site.i2p:80", "site.onion:80", "a b:80", "exa\x00mple.org:80", ":80", "example.org"} {
		_, err := p.DialClearnet(b.ctx, &pb.DialClearnetRequest{Tunnel: "exit", Address: address})
		wantErr(t, err, api.ErrInvalid)
	}
	if len(o.to) != 0 {
		t.Errorf("connected to %v", o.to)
	}
	slices.Sort(d.asked)
	if want := []string{"metadata.example.org", "mixed.example.org", "private.example.org"}; !slices.Equal(d.asked, want) {
		t.Errorf("asked the DNS for %v, want %v", d.asked, want)
	}
	if b.gate.Denials("tester")["clearnet-address"] == 0 {
		t.Error("not counted")
	}
}

func TestAddressesForTestsAreAllowedByNameOnly(t *testing.T) {
	site, other := tcpServer(t), tcpServer(t)
	b := newBed(t, func(c *gate.Config) {
		c.Resolver = &dns{names: map[string][][]string{"www.example.org": {{"127.0.0.1"}}}}
		c.AllowClearnet = []netip.AddrPort{netip.MustParseAddrPort(site.Addr().String())}
	})
	b.tunnel("exit", func(s *gate.TunnelSpec) { s.Grants.ClearnetPorts = []string{"1-65535"} })
	p := b.start("exit")
	_, port, _ := net.SplitHostPort(site.Addr().String())
	s, err := p.DialClearnet(b.ctx, &pb.DialClearnetRequest{Tunnel: "exit", Address: "www.example.org:" + port})
	if err != nil {
		t.Fatal(err)
	}
	far, err := site.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	ping(t, p.redeem(s.Ticket), far, "hello")
	_, err = p.DialClearnet(b.ctx, &pb.DialClearnetRequest{Tunnel: "exit", Address: other.Addr().String()})
	wantErr(t, err, api.ErrPermission)
}

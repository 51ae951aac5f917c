package gate_test

import (
	"net"
	"os"
	"testing"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

func tcpServer(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestDialLocalReachesWhatTheSettingsName(t *testing.T) {
	b := newBed(t)
	server := tcpServer(t)
	address := server.Addr().String()
	b.tunnel("t", func(s *gate.TunnelSpec) {
		s.Grants.Dial = []string{"http://" + address + "/path", "localhost:1", "printer.i2p:1", "hidden.onion.:1"}
	})
	p := b.start("t")
	s, err := p.DialLocal(b.ctx, &pb.DialLocalRequest{Tunnel: "t", Address: address, Source: "127.7.8.9"})
	if err != nil {
		t.Fatal(err)
	}
	far, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	if host, _, _ := net.SplitHostPort(far.RemoteAddr().String()); host != "127.7.8.9" || s.RemoteAddress != address {
		t.Errorf("comes from %s, want 127.7.8.9; goes to %s", host, s.RemoteAddress)
	}
	ping(t, p.redeem(s.Ticket), far, "hello")

	for _, source := range []string{"10.0.0.1", "::1", "fe80::1", "8.8.8.8", "nonsense", "127.0.0.1%lo", "fd00::1%lo"} {
		_, err = p.DialLocal(b.ctx, &pb.DialLocalRequest{Tunnel: "t", Address: address, Source: source})
		wantErr(t, err, api.ErrInvalid, "127.0.0.0/8", "fd00::/8")
	}
	_, err = p.DialLocal(b.ctx, &pb.DialLocalRequest{Tunnel: "t", Address: "localhost:1"})
	wantErr(t, err, api.ErrRefused, "localhost:1", "running")
	_, err = p.DialLocal(b.ctx, &pb.DialLocalRequest{Tunnel: "t", Address: "printer.i2p:1"})
	wantErr(t, err, api.ErrInvalid, "Dial only")
	_, err = p.DialLocal(b.ctx, &pb.DialLocalRequest{Tunnel: "t", Address: "hidden.onion.:1"})
	wantErr(t, err, api.ErrInvalid, "another network")
	_, err = p.DialLocal(b.ctx, &pb.DialLocalRequest{Tunnel: "t", Address: "127.0.0.1:2"})
	wantErr(t, err, api.ErrPermission, "127.0.0.1:2", "[tunnels.t]")
}

// Whoever runs the DNS would learn the name, and what it says would be bound.
func TestNamesAreNotListenedOn(t *testing.T) {
	schema := []*pb.Setting{{Key: "listen", Kind: pb.SettingKind_LISTEN_ADDRESS}}
	for address, ok := range map[string]bool{
		"name.i2p:80": false, "example.org:80": false, "localhost.:80": false, "127.1:80": false,
		"127.0.0.1:80": true, "[::1]:80": true, "localhost:80": true, ":80": true,
	} {
		if _, err := gate.GrantsOf(schema, map[string]any{"listen": address}); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestListenLocal(t *testing.T) {
	b := newBed(t)
	taken := tcpServer(t).Addr().String()
	b.tunnel("t", func(s *gate.TunnelSpec) { s.Grants.Listen = []string{"127.0.0.1:0", taken} })
	b.tunnel("u", func(s *gate.TunnelSpec) { s.Grants.Listen = []string{"127.0.0.1:0"} })
	first := b.start("t", "u")
	_, err := first.ListenLocal(b.ctx, &pb.ListenLocalRequest{Tunnel: "t", Address: taken})
	wantErr(t, err, api.ErrInUse, taken, "another")
	l, err := first.ListenLocal(b.ctx, &pb.ListenLocalRequest{Tunnel: "t", Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if other, err := first.ListenLocal(b.ctx, &pb.ListenLocalRequest{Tunnel: "u", Address: "127.0.0.1:0"}); err != nil || other.Address == l.Address {
		t.Errorf("another tunnel: %v, %v", other, err)
	}
	first.end()
	c, err := net.Dial("tcp", l.Address) // while no process runs
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	second := b.start("t")
	again, err := second.ListenLocal(b.ctx, &pb.ListenLocalRequest{Tunnel: "t", Address: "127.0.0.1:0"})
	if err != nil || again.Address != l.Address {
		t.Fatalf("the address changed: %v, %v; want %s", again, err, l.Address)
	}
	a := next(t, second.accept("t", again))
	if a.RemoteAddress != c.LocalAddr().String() || a.Peer != nil {
		t.Errorf("accepted %v", a)
	}
	ping(t, c, second.redeem(a.Ticket), "hello")
}

// An address in the settings that is not local is no way around the permission to leave.
func TestDialLocalStaysLocal(t *testing.T) {
	b := newBed(t)
	b.tunnel("t", func(s *gate.TunnelSpec) { s.Grants.Dial = []string{"9.9.9.9:443", "[2620:fe::fe]:53"} })
	p := b.startWith(gate.InstanceConfig{Plugin: "tester", Permissions: []pb.Permission{pb.Permission_DIAL_LOCAL}}, os.Getpid(), "t")
	_, err := p.DialLocal(b.ctx, &pb.DialLocalRequest{Tunnel: "t", Address: "9.9.9.9:443"})
	wantErr(t, err, api.ErrPermission, "dial-clearnet")
	_, err = p.DialPacket(b.ctx, &pb.DialPacketRequest{Tunnel: "t", Address: "[2620:fe::fe]:53"})
	wantErr(t, err, api.ErrPermission, "dial-clearnet")
}

package gate_test

import (
	"testing"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

// calls are all that need a permission, with the name of it.
var calls = map[string]struct {
	permission string
	call       func(b *bed, p *process) error
}{
	"Dial": {"dial-i2p", func(b *bed, p *process) error {
		_, err := p.Dial(b.ctx, &pb.DialRequest{Tunnel: "t", Address: "a.i2p:1"})
		return err
	}},
	"Lookup": {"dial-i2p", func(b *bed, p *process) error {
		_, err := p.Lookup(b.ctx, &pb.LookupRequest{Tunnel: "t", Name: "a.i2p"})
		return err
	}},
	"Listen": {"listen-i2p", func(b *bed, p *process) error {
		_, err := p.Listen(b.ctx, &pb.ListenRequest{Tunnel: "t"})
		return err
	}},
	"ListenPacket": {"listen-i2p", func(b *bed, p *process) error {
		_, err := p.ListenPacket(b.ctx, &pb.ListenPacketRequest{Tunnel: "t"})
		return err
	}},
	"ListenPacket local": {"listen-local", func(b *bed, p *process) error {
		_, err := p.ListenPacket(b.ctx, &pb.ListenPacketRequest{Tunnel: "t", Local: "127.0.0.1:0"})
		return err
	}},
	"ListenLocal": {"listen-local", func(b *bed, p *process) error {
		_, err := p.ListenLocal(b.ctx, &pb.ListenLocalRequest{Tunnel: "t", Address: "127.0.0.1:0"})
		return err
	}},
	"DialLocal": {"dial-local", func(b *bed, p *process) error {
		_, err := p.DialLocal(b.ctx, &pb.DialLocalRequest{Tunnel: "t", Address: "127.0.0.1:9"})
		return err
	}},
	"DialPacket": {"dial-local", func(b *bed, p *process) error {
		_, err := p.DialPacket(b.ctx, &pb.DialPacketRequest{Tunnel: "t", Address: "127.0.0.1:9"})
		return err
	}},
	"DialClearnet": {"dial-clearnet", func(b *bed, p *process) error {
		_, err := p.DialClearnet(b.ctx, &pb.DialClearnetRequest{Tunnel: "t", Address: "example.org:80"})
		return err
	}},
	"OpenFile": {"read-files", func(b *bed, p *process) error {
		_, err := p.OpenFile(b.ctx, &pb.OpenFileRequest{Tunnel: "t", Root: "/etc/passwd"})
		return err
	}},
}

func TestEveryCallNeedsItsPermission(t *testing.T) {
	b := newBed(t)
	b.tunnel("t")
	p := b.startWith(gate.InstanceConfig{Plugin: "bare"}, 0, "t")
	want := make(map[string]uint64)
	for name, c := range calls {
		t.Run(name, func(t *testing.T) {
			wantErr(t, c.call(b, p), api.ErrPermission, "permission "+c.permission+" is not granted to plugin bare", "clove plugin upgrade bare --grant "+c.permission)
		})
		want[c.permission]++
	}
	got := b.gate.Denials("bare")
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%d denials of %s counted, want %d", got[name], name, n)
		}
	}
	if len(got) != len(want) || len(b.net.specs()) != 0 {
		t.Errorf("denials %v, destinations %v", got, b.net.specs())
	}
	p.end()
	if b.gate.Denials("bare")["dial-i2p"] != 2 {
		t.Error("denials have to outlive the process")
	}
}

// With all permissions, and no settings, nothing local can be reached.
func TestPermissionAloneReachesNothingLocal(t *testing.T) {
	b := newBed(t)
	b.tunnel("t")
	p := b.start("t")
	for _, name := range []string{"ListenPacket local", "ListenLocal", "DialLocal", "DialPacket", "OpenFile"} {
		wantErr(t, calls[name].call(b, p), api.ErrPermission, "[tunnels.t]")
	}
	_, err := p.DialClearnet(b.ctx, &pb.DialClearnetRequest{Tunnel: "t", Address: "example.org:25"})
	wantErr(t, err, api.ErrPermission, "port 25", "[tunnels.t]", "clearnet ports")
	if n := b.gate.Denials("tester")["settings"]; n != 6 {
		t.Errorf("%d denials by settings, want 6", n)
	}
}

func TestTunnelsOfOthersAreOutOfReach(t *testing.T) {
	b := newBed(t)
	b.tunnel("mine")
	b.tunnel("yours")
	p := b.start("mine")
	_, err := p.Get(b.ctx, &pb.GetRequest{Tunnel: "yours", Key: "k"})
	wantErr(t, err, api.ErrPermission, "yours")
	_, err = p.Put(b.ctx, &pb.PutRequest{Tunnel: "", Key: "k"})
	wantErr(t, err, api.ErrPermission)
	_, err = p.Log(b.ctx, &pb.LogRequest{Tunnel: "yours", Text: "hello"})
	wantErr(t, err, api.ErrPermission)

	// A ticket is good on the socket of its own process only.
	other := b.start("yours")
	_, accept := p.listen("mine", 0)
	c, _ := b.net.peer("visitor.i2p").Dial(b.ctx, addressOf(b, "mine")+":1")
	defer c.Close()
	ticket := next(t, accept).Ticket
	ended(t, other.redeem(ticket))
	ping(t, c, p.redeem(ticket), "mine")
}

func TestPermissionNames(t *testing.T) {
	for _, p := range allPermissions {
		if got, err := gate.ParsePermission(gate.PermissionName(p)); err != nil || got != p {
			t.Errorf("%s: %v, %v", gate.PermissionName(p), got, err)
		}
	}
	for _, bad := range []string{"", "permission-unspecified", "DIAL_I2P", "dial"} {
		_, err := gate.ParsePermission(bad)
		wantErr(t, err, api.ErrInvalid, "dial-i2p, listen-i2p, dial-local, listen-local, dial-clearnet, read-files")
	}
}

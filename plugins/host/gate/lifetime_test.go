package gate_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

func TestConnectionsWaitForTheNextProcess(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	first := b.start("web")
	_, accept := first.listen("web", 0)
	peer, name := b.net.peer("visitor.i2p"), addressOf(b, "web")+":1"

	open, _ := peer.Dial(b.ctx, name)
	defer open.Close()
	ping(t, open, first.redeem(next(t, accept).Ticket), "taken")
	untaken, _ := peer.Dial(b.ctx, name) // its ticket is given out, and not redeemed
	defer untaken.Close()
	old := next(t, accept)

	first.end()
	ended(t, open)
	meanwhile, _ := peer.Dial(b.ctx, name)
	defer meanwhile.Close()

	second := b.start("web")
	l, err := second.Listen(b.ctx, &pb.ListenRequest{Tunnel: "web"})
	if err != nil {
		t.Fatal(err)
	}
	ended(t, second.redeem(old.Ticket))
	accept = second.accept("web", l)
	ping(t, untaken, second.redeem(next(t, accept).Ticket), "the untaken one is the first")
	ping(t, meanwhile, second.redeem(next(t, accept).Ticket), "then who came meanwhile")
	if n := len(b.net.specs()); n != 1 || b.net.closed() != 0 {
		t.Errorf("the destination was opened %d times and closed %d times: want once and never", n, b.net.closed())
	}
}

func TestUpgradeTakesTheListenerOverWithoutAGap(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	first := b.start("web")
	l1, accept1 := first.listen("web", 80)
	peer, name := b.net.peer("visitor.i2p"), addressOf(b, "web")+":80"
	kept, _ := peer.Dial(b.ctx, name)
	defer kept.Close()
	keptConn := first.redeem(next(t, accept1).Ticket)

	second := b.start("web")
	l2, accept2 := second.listen("web", 80)
	if l1.Id != l2.Id {
		t.Fatalf("listeners %d and %d: want one", l1.Id, l2.Id)
	}
	if _, err := accept1.Recv(); err != io.EOF {
		t.Fatalf("the old process's Accept: %v, want EOF", err)
	}
	first.instance.Retire()
	if _, err := first.CloseListener(b.ctx, &pb.CloseListenerRequest{Tunnel: "web", Id: l1.Id}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		c, err := peer.Dial(b.ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ping(t, c, second.redeem(next(t, accept2).Ticket), "new")
		ping(t, kept, keptConn, "old")
	}
	first.end()
	ended(t, kept)
	c, _ := peer.Dial(b.ctx, name)
	defer c.Close()
	ping(t, c, second.redeem(next(t, accept2).Ticket), "new")
}

// The old process drains before the new one listens: what it closes has to stay, too.
func TestRetiredProcessLeavesItsListeners(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	first := b.start("web")
	l, _ := first.listen("web", 80)
	first.instance.Retire()
	if _, err := first.CloseListener(b.ctx, &pb.CloseListenerRequest{Tunnel: "web", Id: l.Id}); err != nil {
		t.Fatal(err)
	}
	c, err := b.net.peer("visitor.i2p").Dial(b.ctx, addressOf(b, "web")+":80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	first.end()
	second := b.start("web")
	_, accept := second.listen("web", 80)
	ping(t, c, second.redeem(next(t, accept).Ticket), "waited")
}

func TestListenersThatNobodyAsksForAgainAreClosed(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	first := b.start("web")
	first.listen("web", 80)
	first.listen("web", 81)
	_, err := first.Listen(b.ctx, &pb.ListenRequest{Tunnel: "web", Port: 80})
	wantErr(t, err, api.ErrInUse, "close that listener first")
	first.end()
	b.gate.CloseUnused("other")
	second := b.start("web")
	_, accept := second.listen("web", 80)
	b.gate.CloseUnused("web")
	s, _ := b.gate.Tunnel("web")
	if len(s.Listeners) != 1 || !s.Listeners[0].Held {
		t.Errorf("listeners %+v: want the one that is held", s.Listeners)
	}
	c, err := b.net.peer("visitor.i2p").Dial(b.ctx, addressOf(b, "web")+":80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ping(t, c, second.redeem(next(t, accept).Ticket), "x")
}

func TestQueueIsBounded(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	p := b.start("web")
	if _, err := p.Listen(b.ctx, &pb.ListenRequest{Tunnel: "web"}); err != nil {
		t.Fatal(err)
	}
	p.end()
	peer, name := b.net.peer("visitor.i2p"), addressOf(b, "web")+":1"
	for range 64 {
		c, _ := peer.Dial(b.ctx, name)
		defer c.Close()
	}
	eventually(t, "64 wait", func() bool { s, _ := b.gate.Tunnel("web"); return s.Waiting == 64 })
	c, _ := peer.Dial(b.ctx, name)
	ended(t, c)
	eventually(t, "64 wait, and one was refused", func() bool { s, _ := b.gate.Tunnel("web"); return s.Waiting == 64 && s.Refused == 1 })
}

func TestBurstWaitsWhileSomebodyAccepts(t *testing.T) {
	b := newBed(t)
	b.tunnel("web", func(s *gate.TunnelSpec) { s.MaxConnections = 1000 })
	p := b.start("web")
	_, accept := p.listen("web", 80)
	peer, name := b.net.peer("visitor.i2p"), addressOf(b, "web")+":80"
	const burst = 300 // more than the queue of 64 and the 64 tickets that a process may have
	conns := make([]net.Conn, burst)
	var dials sync.WaitGroup
	for i := range conns {
		dials.Go(func() { conns[i], _ = peer.Dial(b.ctx, name) })
	}
	for range burst {
		c := p.redeem(next(t, accept).Ticket)
		defer c.Close()
	}
	dials.Wait()
	for _, c := range conns {
		defer c.Close()
	}
	if s, _ := b.gate.Tunnel("web"); s.Open != burst || s.Refused != 0 {
		t.Errorf("%d of %d are open, %d were refused", s.Open, burst, s.Refused)
	}
}

func TestDetachEndsTheTunnelForTheProcessOnly(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	b.tunnel("mail")
	p := b.start("web", "mail")
	_, web := p.listen("web", 0)
	_, mail := p.listen("mail", 0)
	peer := b.net.peer("visitor.i2p")
	c1, _ := peer.Dial(b.ctx, addressOf(b, "web")+":1")
	c2, _ := peer.Dial(b.ctx, addressOf(b, "mail")+":1")
	defer c1.Close()
	defer c2.Close()
	ping(t, c1, p.redeem(next(t, web).Ticket), "taken")
	conn := p.redeem(next(t, mail).Ticket)
	p.instance.Detach("web")
	ended(t, c1)
	if _, err := web.Recv(); err != io.EOF {
		t.Errorf("accept: %v, want EOF", err)
	}
	_, err := p.Stat(b.ctx, &pb.StatRequest{Tunnel: "web"})
	wantErr(t, err, api.ErrPermission, "web")
	ping(t, c2, conn, "mail goes on")
}

func TestRemoveTunnelClosesItsDestination(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	b.tunnel("mail")
	p := b.start("web", "mail")
	_, web := p.listen("web", 0)
	_, mail := p.listen("mail", 0)
	peer := b.net.peer("visitor.i2p")
	c1, _ := peer.Dial(b.ctx, addressOf(b, "web")+":1")
	c2, _ := peer.Dial(b.ctx, addressOf(b, "mail")+":1")
	defer c2.Close()
	conn := p.redeem(next(t, mail).Ticket)
	next(t, web)
	b.gate.RemoveTunnel("web")
	ended(t, c1)
	if _, err := web.Recv(); err != io.EOF {
		t.Errorf("accept: %v, want EOF", err)
	}
	if b.net.closed() != 1 {
		t.Errorf("%d destinations closed, want 1", b.net.closed())
	}
	ping(t, c2, conn, "mail goes on")
	wantErr(t, p.instance.Attach("web"), api.ErrUnknownHost, "clove tunnel list")
}

func TestTunnelsWithOneKeyFileShareTheDestination(t *testing.T) {
	b := newBed(t)
	same := func(s *gate.TunnelSpec) { s.KeyFile = "/keys/shared" }
	b.tunnel("web", same)
	b.tunnel("mail", same)
	if addressOf(b, "web") != addressOf(b, "mail") || len(b.net.specs()) != 1 {
		t.Errorf("opened %+v: want one", b.net.specs())
	}
	err := b.gate.SetTunnel(gate.TunnelSpec{Name: "irc", Destination: pb.DestinationKind_SERVER, KeyFile: "/keys/shared", Length: 1})
	wantErr(t, err, api.ErrInUse, "another file")
	b.gate.RemoveTunnel("web")
	if b.net.closed() != 0 {
		t.Error("closed while mail uses it")
	}
	b.gate.RemoveTunnel("mail")
	if b.net.closed() != 1 {
		t.Error("not closed")
	}
}

func TestTunnelWithoutDestinationOpensNone(t *testing.T) {
	b := newBed(t)
	b.tunnel("local", func(s *gate.TunnelSpec) { s.Destination = pb.DestinationKind_NONE })
	p := b.start("local")
	_, err := p.Listen(b.ctx, &pb.ListenRequest{Tunnel: "local"})
	wantErr(t, err, api.ErrInvalid, "no destination")
	_, err = p.Dial(b.ctx, &pb.DialRequest{Tunnel: "local", Address: "a.i2p:1"})
	wantErr(t, err, api.ErrInvalid, "no destination")
	if s, err := p.Stat(b.ctx, &pb.StatRequest{Tunnel: "local"}); err != nil || s.Address != nil {
		t.Errorf("stat %v, %v", s, err)
	}
	if len(b.net.specs()) != 0 {
		t.Error("a destination was opened")
	}
}

func TestChangeOfATunnel(t *testing.T) {
	b := newBed(t)
	b.tunnel("web", func(s *gate.TunnelSpec) { s.Grants.Listen = []string{"127.0.0.1:0"} })
	p := b.start("web")
	l, err := p.ListenLocal(b.ctx, &pb.ListenLocalRequest{Tunnel: "web", Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	accept := p.accept("web", l)
	c, err := net.Dial("tcp", l.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	next(t, accept)
	// The same grants and another limit drop nothing.
	b.tunnel("web", func(s *gate.TunnelSpec) { s.Grants.Listen, s.MaxConnections = []string{"127.0.0.1:0"}, 7 })
	if s, _ := b.gate.Tunnel("web"); len(s.Listeners) != 1 {
		t.Errorf("listeners %+v", s.Listeners)
	}
	b.tunnel("web")
	if _, err := accept.Recv(); err != io.EOF {
		t.Errorf("accept on an address that is not granted any more: %v, want EOF", err)
	}
	err = b.gate.SetTunnel(gate.TunnelSpec{Name: "web", Type: "test", Destination: pb.DestinationKind_SERVER, KeyFile: "/keys/other"})
	wantErr(t, err, api.ErrInUse, "stop it first")
}

func TestInstanceFolderIsPrivateAndGoesAway(t *testing.T) {
	b := newBed(t)
	i, err := b.gate.NewInstance(gate.InstanceConfig{Plugin: "x"})
	if err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{i.Folder(): 0o700, i.HostSocket(): 0o600, i.DataSocket(): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v; want mode %o", path, info.Mode(), err, mode)
		}
	}
	if env := i.Env(); len(env) != 2 || env[0] != "CLOVE_PLUGIN_HOST="+i.HostSocket() || env[1] != "CLOVE_PLUGIN_DATA="+i.DataSocket() {
		t.Errorf("environment %v", env)
	}
	i.Close()
	if _, err := os.Stat(i.Folder()); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
	long := filepath.Join(t.TempDir(), "a-path-that-does-not-fit-into-the-address-of-a-unix-socket-any-more-as-it-is-so-long")
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = b.gate.NewInstance(gate.InstanceConfig{Plugin: "x", Parent: long})
	wantErr(t, err, api.ErrInvalid, "shorter folder")
	if left, _ := os.ReadDir(long); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A local client must not take what a crash left of its download for the whole.
func TestConnectionThatIsCutOffIsReset(t *testing.T) {
	b := newBed(t)
	b.tunnel("t", func(s *gate.TunnelSpec) { s.Grants.Listen = []string{"127.0.0.1:0"} })
	p := b.start("t")
	l, err := p.ListenLocal(b.ctx, &pb.ListenLocalRequest{Tunnel: "t", Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", l.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ping(t, p.redeem(next(t, p.accept("t", l)).Ticket), c, "half of it")
	p.end()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client reads %v, want a reset", err)
	}
}

// The message with a ticket is lost when the Accept call is cancelled: its connection does not wait for the end of the ticket.
func TestCancelledAcceptLosesNothing(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	p := b.start("web")
	l, err := p.Listen(b.ctx, &pb.ListenRequest{Tunnel: "web", Port: 80})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	if _, err := p.Accept(ctx, &pb.AcceptRequest{Tunnel: "web", Id: l.Id}); err != nil {
		t.Fatal(err)
	}
	c, err := b.net.peer("visitor.i2p").Dial(b.ctx, addressOf(b, "web")+":80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	eventually(t, "a ticket is out", func() bool {
		all := b.gate.Connections("web")
		return len(all) == 1 && all[0].State == "ticket"
	})
	cancel()
	began := time.Now()
	ping(t, c, p.redeem(next(t, p.accept("web", l)).Ticket), "hello")
	if took := time.Since(began); took >= api.TicketLife {
		t.Errorf("after %v", took)
	}
}

// Headers come before the first connection, when connections go to the new process.
func TestHeadersOfAcceptSayThatItTookOver(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	first, second := b.start("web"), b.start("web")
	_, old := first.listen("web", 80)
	_, taken := second.listen("web", 80)
	if _, err := taken.Header(); err != nil {
		t.Fatal(err)
	}
	c, err := b.net.peer("visitor.i2p").Dial(b.ctx, addressOf(b, "web")+":80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ping(t, c, second.redeem(next(t, taken).Ticket), "hello")
	if _, err := old.Recv(); err != io.EOF {
		t.Errorf("the old one: %v", err)
	}
}

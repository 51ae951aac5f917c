package gate_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"net"
	"testing"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

// echo answers every stream with what it sends, after its end.
func echo(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			b, _ := io.ReadAll(c)
			_, _ = c.Write(b)
			_ = c.Close()
		}()
	}
}

func TestDialKeepsBytesAndHalfClose(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	far, _ := b.net.peer("echo.i2p").Listen(80)
	defer far.Close()
	go echo(far)

	p := b.start("web")
	s, err := p.Dial(b.ctx, &pb.DialRequest{Tunnel: "web", Address: "echo.i2p:80"})
	if err != nil {
		t.Fatal(err)
	}
	if s.Peer.GetBase32() != "echo.i2p" || s.Peer.GetBase64() != "base64-of-echo.i2p" {
		t.Errorf("peer %v", s.Peer)
	}
	conn := p.redeem(s.Ticket)
	sent := make([]byte, 3<<20)
	_, _ = rand.Read(sent)
	go func() {
		_, _ = conn.Write(sent)
		_ = conn.CloseWrite()
	}()
	got, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("got %d bytes, %v; want the %d that were sent", len(got), err, len(sent))
	}
	eventually(t, "the connection leaves the table", func() bool { return len(b.gate.Connections("")) == 0 })
	if s, _ := b.gate.Tunnel("web"); s.Sent != uint64(len(sent)) || s.Received != uint64(len(sent)) || s.Total != 1 {
		t.Errorf("counted %+v", s)
	}
}

func TestAcceptTellsWhoAndOnWhichPort(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	p := b.start("web")
	l, accept := p.listen("web", 0)
	peer := b.net.peer("visitor.i2p")
	far, err := peer.Dial(b.ctx, addressOf(b, "web")+":8080")
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	a := next(t, accept)
	if a.Peer.GetBase32() != "visitor.i2p" || a.Peer.GetBase64() != "base64-of-visitor.i2p" || a.LocalPort != 8080 {
		t.Errorf("accepted %v", a)
	}
	conn := p.redeem(a.Ticket)
	ping(t, far, conn, "hello")
	ping(t, conn, far, "hello yourself")

	rows := b.gate.Connections("web")
	if len(rows) != 1 || rows[0].Plugin != "tester" || rows[0].Direction != "in" || rows[0].State != "open" || rows[0].Received != 5 {
		t.Errorf("table %+v", rows)
	}
	if _, err := p.CloseListener(b.ctx, &pb.CloseListenerRequest{Tunnel: "web", Id: l.Id}); err != nil {
		t.Fatal(err)
	}
	if _, err := accept.Recv(); err != io.EOF {
		t.Errorf("accept after the listener was closed: %v, want EOF", err)
	}
	ping(t, far, conn, "the stream goes on")
}

func addressOf(b *bed, tunnel string) string {
	b.t.Helper()
	a, err := b.gate.Address(b.ctx, tunnel)
	if err != nil {
		b.t.Fatal(err)
	}
	return a.Base32
}

func TestErrorsOfTheNetworkKeepTheirMeaning(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	b.net.peer("closed.i2p")
	p := b.start("web")
	_, err := p.Dial(b.ctx, &pb.DialRequest{Tunnel: "web", Address: "nowhere.i2p:80"})
	wantErr(t, err, api.ErrUnknownHost)
	_, err = p.Dial(b.ctx, &pb.DialRequest{Tunnel: "web", Address: "closed.i2p:80"})
	wantErr(t, err, api.ErrRefused)
	for _, bad := range []string{"", "example.org:80", "127.0.0.1:80", ".i2p:80", "a.i2p:65536", "a.i2p.example.org:80"} {
		_, err = p.Dial(b.ctx, &pb.DialRequest{Tunnel: "web", Address: bad})
		wantErr(t, err, api.ErrInvalid)
	}
	_, err = p.Lookup(b.ctx, &pb.LookupRequest{Tunnel: "web", Name: "example.org"})
	wantErr(t, err, api.ErrInvalid)
	got, err := p.Lookup(b.ctx, &pb.LookupRequest{Tunnel: "web", Name: "closed.i2p"})
	if err != nil || got.Base64 != "base64-of-closed.i2p" {
		t.Errorf("lookup: %v, %v", got, err)
	}
}

func TestDialWithoutTunnelsIsNotReady(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	b.net.hold = make(chan struct{})
	p := b.start("web")
	_, err := p.Dial(b.ctx, &pb.DialRequest{Tunnel: "web", Address: "a.i2p:80", TimeoutMs: 1})
	wantErr(t, err, api.ErrNotReady, "try again")
	close(b.net.hold)
}

func TestOpenThatFailedIsTriedAgain(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	p := b.start("web")
	b.net.fail = api.ErrNotReady
	_, err := p.Stat(b.ctx, &pb.StatRequest{Tunnel: "web"})
	wantErr(t, err, api.ErrNotReady)
	b.net.mu.Lock()
	b.net.fail = nil
	b.net.mu.Unlock()
	if s, err := p.Stat(b.ctx, &pb.StatRequest{Tunnel: "web"}); err != nil || !s.Ready || s.Address.GetBase32() == "" {
		t.Errorf("stat %v, %v", s, err)
	}
}

func TestKillEndsAConnectionInEachState(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	p := b.start("web")
	l, err := p.Listen(b.ctx, &pb.ListenRequest{Tunnel: "web"})
	if err != nil {
		t.Fatal(err)
	}
	peer, name := b.net.peer("visitor.i2p"), addressOf(b, "web")+":1"
	kill := func(state string) {
		t.Helper()
		eventually(t, "a connection in state "+state, func() bool {
			rows := b.gate.Connections("web")
			return len(rows) == 1 && rows[0].State == state && b.gate.Kill(rows[0].ID)
		})
		if rows := b.gate.Connections("web"); len(rows) != 0 {
			t.Errorf("still there: %+v", rows)
		}
	}
	far, _ := peer.Dial(b.ctx, name)
	kill("waiting")
	ended(t, far)

	accept := p.accept("web", l)
	far, _ = peer.Dial(b.ctx, name)
	a := next(t, accept)
	kill("ticket")
	ended(t, far)
	ended(t, p.redeem(a.Ticket))

	far, _ = peer.Dial(b.ctx, name)
	conn := p.redeem(next(t, accept).Ticket)
	ping(t, conn, far, "x")
	kill("open")
	ended(t, far)
	ended(t, conn)

	b.net.peer("slow.i2p")
	b.net.mu.Lock()
	slow := b.net.hosts[addressOf0(b, "web")]
	b.net.mu.Unlock()
	slow.ready = make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		_, err := p.Dial(b.ctx, &pb.DialRequest{Tunnel: "web", Address: "slow.i2p:80"})
		failed <- err
	}()
	kill("dialling")
	if err := <-failed; err == nil {
		t.Error("the dial that was killed succeeded")
	}
}

func addressOf0(b *bed, tunnel string) string {
	s, _ := b.gate.Tunnel(tunnel)
	return s.Address
}

func TestPluginThatClosesAltogetherFreesAStreamToASilentPeer(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	p := b.start("web")
	far, _ := b.net.peer("silent.i2p").Listen(80)
	defer far.Close()
	s, err := dialAndAccept(t, p, far)
	if err != nil {
		t.Fatal(err)
	}
	conn := p.redeem(s.Ticket)
	if _, err := conn.Write([]byte("bye")); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	// The peer neither reads nor closes; joinLinger is far longer than this test may wait.
	eventually(t, "the stream is closed", func() bool { return len(b.gate.Connections("")) == 0 })
}

func dialAndAccept(t *testing.T, p *process, far net.Listener) (*pb.Stream, error) {
	accepted := make(chan net.Conn, 1)
	go func() {
		if c, err := far.Accept(); err == nil {
			accepted <- c
		}
	}()
	s, err := p.Dial(p.bed.ctx, &pb.DialRequest{Tunnel: "web", Address: "silent.i2p:80"})
	if err == nil {
		c := <-accepted
		t.Cleanup(func() { _ = c.Close() })
	}
	return s, err
}

func TestHalfClosedStreamStaysOpenTheOtherWay(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	p := b.start("web")
	_, accept := p.listen("web", 0)
	far, _ := b.net.peer("visitor.i2p").Dial(b.ctx, addressOf(b, "web")+":1")
	defer far.Close()
	conn := p.redeem(next(t, accept).Ticket)
	_ = conn.CloseWrite()
	ended(t, far)
	for range 3 {
		ping(t, far, conn, "still here")
		time.Sleep(10 * time.Millisecond)
	}
}

func TestMaxConnectionsHoldsForEachDirection(t *testing.T) {
	b := newBed(t)
	b.tunnel("web", func(s *gate.TunnelSpec) { s.MaxConnections = 2 })
	far, _ := b.net.peer("echo.i2p").Listen(80)
	defer far.Close()
	go echo(far)
	p := b.start("web")
	_, accept := p.listen("web", 0)
	for range 2 {
		s, err := p.Dial(b.ctx, &pb.DialRequest{Tunnel: "web", Address: "echo.i2p:80"})
		if err != nil {
			t.Fatal(err)
		}
		p.redeem(s.Ticket)
	}
	_, err := p.Dial(b.ctx, &pb.DialRequest{Tunnel: "web", Address: "echo.i2p:80"})
	wantErr(t, err, api.ErrLimit, "max_connections", "[tunnels.web]")

	peer, name := b.net.peer("visitor.i2p"), addressOf(b, "web")+":1"
	for range 2 {
		c, _ := peer.Dial(b.ctx, name)
		defer c.Close()
		ping(t, c, p.redeem(next(t, accept).Ticket), "in")
	}
	c, _ := peer.Dial(b.ctx, name)
	ended(t, c)
	if s, _ := b.gate.Tunnel("web"); s.Refused != 2 || s.Open != 4 {
		t.Errorf("refused %d, open %d; want 2 and 4", s.Refused, s.Open)
	}
}

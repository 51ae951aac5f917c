package gate_test

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
)

func sendFrame(t *testing.T, c net.Conn, to string, payload []byte) {
	t.Helper()
	b, err := api.AppendFrame(nil, to, payload)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
}

func wantFrame(t *testing.T, c net.Conn, from, payload string) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	a, p, err := api.ReadFrame(c, make([]byte, api.MaxFrame))
	if err != nil || string(a) != from || string(p) != payload {
		t.Fatalf("frame %q from %q, %v; want %q from %q", p, a, err, payload, from)
	}
}

func udpSocket(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestDatagramsOfTheDestination(t *testing.T) {
	b := newBed(t)
	b.tunnel("t")
	p := b.start("t")
	got, err := p.ListenPacket(b.ctx, &pb.ListenPacketRequest{Tunnel: "t", Port: 7})
	if err != nil || got.MaxPayload != 10000 || got.Address != addressOf(b, "t")+":7" {
		t.Fatalf("%v, %v", got, err)
	}
	conn := p.redeem(got.Ticket)
	far, _ := b.net.peer("far.i2p").ListenPacket(pb.PacketKind_REPLIABLE, 9)
	defer far.Close()
	sendFrame(t, conn, "far.i2p:9", []byte("there")) // the permission to dial allows the first word
	buf := make([]byte, 100)
	n, from, err := far.ReadFrom(buf)
	if err != nil || string(buf[:n]) != "there" || from != got.Address {
		t.Fatalf("%q from %s, %v", buf[:n], from, err)
	}
	if err := far.WriteTo(b.ctx, []byte("back"), from); err != nil {
		t.Fatal(err)
	}
	wantFrame(t, conn, "far.i2p:9", "back")
	_, err = p.ListenPacket(b.ctx, &pb.ListenPacketRequest{Tunnel: "t", Port: 7})
	wantErr(t, err, api.ErrInUse)
	_, err = p.ListenPacket(b.ctx, &pb.ListenPacketRequest{Tunnel: "t", Port: 7, Kind: 99})
	wantErr(t, err, api.ErrInvalid)

	// The next process gets the same socket.
	p.end()
	second := b.start("t")
	got, err = second.ListenPacket(b.ctx, &pb.ListenPacketRequest{Tunnel: "t", Port: 7})
	if err != nil {
		t.Fatal(err)
	}
	conn = second.redeem(got.Ticket)
	sendFrame(t, conn, "far.i2p:9", []byte("again"))
	if n, _, err := far.ReadFrom(buf); err != nil || string(buf[:n]) != "again" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	if s, _ := b.gate.Tunnel("t"); len(s.Listeners) != 1 {
		t.Errorf("listeners %+v", s.Listeners)
	}
}

func TestWithoutPermissionToDialDatagramsOnlyAnswer(t *testing.T) {
	b := newBed(t)
	b.tunnel("t")
	p := b.startWith(gate.InstanceConfig{Plugin: "x", Permissions: []pb.Permission{pb.Permission_LISTEN_I2P}}, 0, "t")
	got, err := p.ListenPacket(b.ctx, &pb.ListenPacketRequest{Tunnel: "t", Port: 7})
	if err != nil {
		t.Fatal(err)
	}
	conn := p.redeem(got.Ticket)
	far, _ := b.net.peer("far.i2p").ListenPacket(pb.PacketKind_REPLIABLE, 9)
	defer far.Close()
	sendFrame(t, conn, "far.i2p:9", []byte("unasked"))
	eventually(t, "it is dropped, and counted", func() bool { s, _ := b.gate.Tunnel("t"); return s.PacketsLost == 1 })
	if err := far.WriteTo(b.ctx, []byte("hello"), got.Address); err != nil {
		t.Fatal(err)
	}
	wantFrame(t, conn, "far.i2p:9", "hello")
	sendFrame(t, conn, "far.i2p:9", []byte("answer"))
	buf := make([]byte, 100)
	if n, _, err := far.ReadFrom(buf); err != nil || string(buf[:n]) != "answer" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
}

// A bound UDP socket must not become a way out: it answers those that wrote to it.
func TestLocalUDPOnlyAnswers(t *testing.T) {
	b := newBed(t)
	b.tunnel("t", func(s *gate.TunnelSpec) { s.Grants.Listen = []string{"127.0.0.1:0"} })
	p := b.start("t")
	got, err := p.ListenPacket(b.ctx, &pb.ListenPacketRequest{Tunnel: "t", Local: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	conn := p.redeem(got.Ticket)
	far := udpSocket(t)
	me := far.LocalAddr().String()
	sendFrame(t, conn, me, []byte("unasked"))
	sendFrame(t, conn, "", []byte("to nobody"))
	eventually(t, "they are dropped, and counted", func() bool { s, _ := b.gate.Tunnel("t"); return s.PacketsLost == 2 })
	to, _ := net.ResolveUDPAddr("udp", got.Address)
	for _, payload := range []string{"hello", ""} {
		if _, err := far.WriteTo([]byte(payload), to); err != nil {
			t.Fatal(err)
		}
		wantFrame(t, conn, me, payload)
	}
	sendFrame(t, conn, me, bytes.Repeat([]byte("x"), 60000))
	buf := make([]byte, 65536)
	if n, _, err := far.ReadFrom(buf); err != nil || n != 60000 {
		t.Fatalf("%d bytes, %v", n, err)
	}
}

func TestDialPacket(t *testing.T) {
	b := newBed(t)
	far := udpSocket(t)
	b.tunnel("t", func(s *gate.TunnelSpec) { s.Grants.Dial = []string{far.LocalAddr().String()} })
	p := b.start("t")
	got, err := p.DialPacket(b.ctx, &pb.DialPacketRequest{Tunnel: "t", Address: far.LocalAddr().String(), Source: "127.9.9.9"})
	if err != nil {
		t.Fatal(err)
	}
	conn := p.redeem(got.Ticket)
	sendFrame(t, conn, "", []byte("question"))
	buf := make([]byte, 100)
	n, from, err := far.ReadFrom(buf)
	if err != nil || string(buf[:n]) != "question" || from.(*net.UDPAddr).IP.String() != "127.9.9.9" {
		t.Fatalf("%q from %v, %v", buf[:n], from, err)
	}
	if _, err := far.WriteTo([]byte("answer"), from); err != nil {
		t.Fatal(err)
	}
	wantFrame(t, conn, "", "answer")
	_ = conn.Close()
	eventually(t, "the socket is closed", func() bool { return len(b.gate.Connections("")) == 0 })
}

func TestPacketsForASlowReaderAreDroppedAndCounted(t *testing.T) {
	b := newBed(t)
	b.tunnel("t")
	p := b.start("t")
	got, err := p.ListenPacket(b.ctx, &pb.ListenPacketRequest{Tunnel: "t", Port: 7})
	if err != nil {
		t.Fatal(err)
	}
	conn := p.redeem(got.Ticket) // and nobody reads
	far, _ := b.net.peer("far.i2p").ListenPacket(pb.PacketKind_REPLIABLE, 9)
	defer far.Close()
	payload := make([]byte, 10000)
	eventually(t, "packets are dropped", func() bool {
		for range 100 {
			_ = far.WriteTo(b.ctx, payload, got.Address)
		}
		s, _ := b.gate.Tunnel("t")
		return s.PacketsLost > 100
	})
	// Frames are whole, whatever was dropped.
	for range 200 {
		_ = far.WriteTo(b.ctx, payload, got.Address)
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		if _, p, err := api.ReadFrame(conn, make([]byte, api.MaxFrame)); err != nil || len(p) != len(payload) {
			t.Fatalf("%d bytes, %v", len(p), err)
		}
	}
}

func TestMalformedFrameEndsTheConnectionOnly(t *testing.T) {
	b := newBed(t)
	b.tunnel("t")
	p := b.start("t")
	got, err := p.ListenPacket(b.ctx, &pb.ListenPacketRequest{Tunnel: "t", Port: 7})
	if err != nil {
		t.Fatal(err)
	}
	conn := p.redeem(got.Ticket)
	if _, err := conn.Write([]byte{0, 1, 200}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil && isTimeout(err) {
		t.Fatal(err)
	}
	eventually(t, "the port can be had again", func() bool {
		_, err := p.ListenPacket(b.ctx, &pb.ListenPacketRequest{Tunnel: "t", Port: 7})
		return err == nil
	})
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

package gate_test

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// What a plugin wrote before it closed the connection arrives, if the peer takes it in time.
func TestQuietWaitsForWhatThePluginWrote(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	b.tunnel("mail")
	p := b.start("web", "mail")
	_, accept := p.listen("web", 0)
	peer, _ := b.net.peer("visitor.i2p").Dial(b.ctx, addressOf(b, "web")+":1")
	defer peer.Close()
	const size = 16 << 20 // more than the buffers of sockets hold
	written := make(chan struct{})
	conn := p.redeem(next(t, accept).Ticket)
	go func() {
		defer close(written)
		_, _ = conn.Write(make([]byte, size))
		_ = conn.Close()
	}()
	short, cancel := context.WithTimeout(b.ctx, 200*time.Millisecond)
	defer cancel()
	if left := p.instance.Quiet(short, "web"); left != 1 {
		t.Fatalf("%d connections left while the peer takes nothing", left)
	}
	if left := p.instance.Quiet(short, "mail"); left != 0 {
		t.Errorf("%d connections of another tunnel", left)
	}
	got := make(chan int64)
	go func() {
		_ = peer.SetReadDeadline(time.Now().Add(patience))
		n, err := io.Copy(io.Discard, struct{ io.Reader }{peer})
		if err != nil {
			t.Error(err)
		}
		got <- n
	}()
	// The peer keeps its own side open: nobody has to wait for that.
	if left := p.instance.Quiet(b.ctx, "web"); left != 0 {
		t.Errorf("%d connections left", left)
	}
	p.instance.Cut("web")
	p.instance.Detach("web")
	if n := <-got; n != size {
		t.Errorf("%d of %d bytes arrived", n, size)
	}
	<-written
}

func TestCutIsNoCleanEnd(t *testing.T) {
	b := newBed(t)
	b.tunnel("web")
	p := b.start("web")
	_, accept := p.listen("web", 0)
	dial := func() net.Conn {
		c, err := b.net.peer("visitor.i2p").Dial(b.ctx, addressOf(b, "web")+":1")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	done := dial()
	defer done.Close()
	ended := p.redeem(next(t, accept).Ticket)
	ping(t, ended, done, "all of it")
	_ = ended.Close()
	if left := p.instance.Quiet(b.ctx, "web"); left != 0 {
		t.Fatalf("%d left", left)
	}
	peer := dial()
	defer peer.Close()
	ping(t, p.redeem(next(t, accept).Ticket), peer, "half")
	p.instance.Cut("web")
	_ = peer.SetReadDeadline(time.Now().Add(patience))
	if _, err := peer.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the one that was cut: %v", err)
	}
	if _, err := done.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the one that was complete: %v", err)
	}
}

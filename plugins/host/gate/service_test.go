package gate_test

import (
	"context"
	"io"
	"testing"
	"time"

	"clove.i2p/plugins/api"
	"clove.i2p/plugins/api/pb"
	"clove.i2p/proxies/relay"
)

func TestDialServiceReachesThePlugin(t *testing.T) {
	b := newBed(t)
	b.tunnel("out")
	_, err := b.gate.DialService(b.ctx, "nothing", "outproxy", "")
	wantErr(t, err, api.ErrUnknownHost)
	_, err = b.gate.DialService(b.ctx, "out", "outproxy", "")
	wantErr(t, err, api.ErrNotReady, "outproxy")

	p := b.start("out")
	l, err := p.Provide(b.ctx, &pb.ProvideRequest{Tunnel: "out", Service: "outproxy"})
	if err != nil {
		t.Fatal(err)
	}
	accept := p.accept("out", l)
	go func() {
		a, err := accept.Recv()
		if err != nil {
			return
		}
		conn := p.redeem(a.Ticket)
		defer conn.Close()
		_, _ = io.WriteString(conn, a.Isolation+" ")
		_, _ = relay.Copy(conn, conn)
	}()
	conn, err := b.gate.DialService(b.ctx, "out", "outproxy", "user-7")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := relay.CloseWrite(conn); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != "user-7 hello" {
		t.Fatalf("got %q, %v", got, err)
	}
	if rows := b.gate.Connections("out"); len(rows) != 1 || rows[0].Sent != 12 || rows[0].Received != 5 || rows[0].Kind != "service" {
		t.Errorf("table %+v", rows)
	}
	_ = conn.Close()
	if rows := b.gate.Connections("out"); len(rows) != 0 {
		t.Errorf("table after close %+v", rows)
	}
}

func TestServiceStreamWaitsForAProcessAndEndsWithIt(t *testing.T) {
	b := newBed(t)
	b.tunnel("out")
	p := b.start("out")
	if _, err := p.Provide(b.ctx, &pb.ProvideRequest{Tunnel: "out", Service: "outproxy"}); err != nil {
		t.Fatal(err)
	}
	p.end() // the process crashes

	short, cancel := context.WithTimeout(b.ctx, 10*time.Millisecond)
	defer cancel()
	if _, err := b.gate.DialService(short, "out", "outproxy", ""); err != context.DeadlineExceeded {
		t.Fatalf("nobody accepts: %v", err)
	}
	if rows := b.gate.Connections("out"); len(rows) != 0 {
		t.Errorf("the one that gave up is still there: %+v", rows)
	}

	second := make(chan *process)
	go func() {
		eventually(t, "the stream waits", func() bool { s, _ := b.gate.Tunnel("out"); return s.Waiting == 1 })
		p := b.start("out")
		l, err := p.Provide(b.ctx, &pb.ProvideRequest{Tunnel: "out", Service: "outproxy"})
		if err != nil {
			t.Error(err)
			return
		}
		a, err := p.accept("out", l).Recv()
		if err != nil {
			t.Error(err)
			return
		}
		p.redeem(a.Ticket)
		second <- p
	}()
	conn, err := b.gate.DialService(b.ctx, "out", "outproxy", "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	(<-second).end()
	ended(t, conn)
}

func TestBadServiceNames(t *testing.T) {
	b := newBed(t)
	b.tunnel("out")
	p := b.start("out")
	for _, name := range []string{"", "Out", "a/b", string(make([]byte, 65))} {
		_, err := p.Provide(b.ctx, &pb.ProvideRequest{Tunnel: "out", Service: name})
		wantErr(t, err, api.ErrInvalid)
	}
}

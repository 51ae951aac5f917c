package gate

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"testing"

	"clove.i2p/plugins/api"
)

const benchChunk = 32 << 10

// pump writes to one end and reads all of it at the other.
func pump(b *testing.B, from, to net.Conn) {
	b.SetBytes(benchChunk)
	b.ReportAllocs()
	read := make(chan int64)
	go func() {
		n, _ := io.Copy(io.Discard, struct{ io.Reader }{to})
		read <- n
	}()
	chunk := make([]byte, benchChunk)
	var sent int64
	for b.Loop() {
		n, err := from.Write(chunk)
		if err != nil {
			b.Fatal(err)
		}
		sent += int64(n)
	}
	_ = from.(interface{ CloseWrite() error }).CloseWrite()
	if got := <-read; got != sent {
		b.Fatalf("%d bytes arrived of %d", got, sent)
	}
}

// BenchmarkRaw is one unix socket: what the kernel can do.
func BenchmarkRaw(b *testing.B) {
	l, err := net.Listen("unix", filepath.Join(b.TempDir(), "s"))
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	from, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer from.Close()
	to, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer to.Close()
	pump(b, from, to)
}

// BenchmarkGate is a stream through the gate: data socket, join, and a unix socket that stands for the I2P stream.
func BenchmarkGate(b *testing.B) {
	plugin, stream := throughGate(b)
	b.Run("to-plugin", func(b *testing.B) {
		_ = plugin
		plugin, stream := throughGate(b)
		pump(b, stream, plugin)
	})
	b.Run("from-plugin", func(b *testing.B) {
		pump(b, plugin, stream)
	})
}

// BenchmarkService is a stream of DialService: the data connection itself.
func BenchmarkService(b *testing.B) {
	here, plugin := socketPair(b)
	g, i, a := benchInstance(b)
	l, err := a.tunnel.reserve(kindService, "", true)
	if err != nil {
		b.Fatal(err)
	}
	l.to(joined, i)
	l.own(here)
	conn := &serviceConn{UnixConn: here, link: l}
	defer conn.Close()
	_ = g
	pump(b, conn, plugin)
}

func benchInstance(b *testing.B) (*Gate, *Instance, *attachment) {
	g, err := New(Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = g.Close() })
	if err := g.SetTunnel(TunnelSpec{Name: "t"}); err != nil {
		b.Fatal(err)
	}
	i, err := g.NewInstance(InstanceConfig{Plugin: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	if err := i.Attach("t"); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- i.Serve(ctx, 0) }()
	b.Cleanup(func() {
		cancel()
		<-served
	})
	a, _ := i.tunnel("t")
	return g, i, a
}

func throughGate(b *testing.B) (plugin, stream net.Conn) {
	_, i, a := benchInstance(b)
	l, err := a.tunnel.reserve(kindI2P, "", true)
	if err != nil {
		b.Fatal(err)
	}
	here, far := socketPair(b)
	l.own(here)
	ticket, err := i.give(context.Background(), a, &offer{link: l, take: func(data *net.UnixConn) { l.join(data, here) }})
	if err != nil {
		b.Fatal(err)
	}
	plugin, err = net.Dial("unix", i.DataSocket())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := plugin.Write(api.AppendPreamble(nil, api.Ticket(ticket))); err != nil {
		b.Fatal(err)
	}
	return plugin, far
}

// BenchmarkOpen is what one connection costs beside its bytes: ticket, data socket, preamble, join, end.
func BenchmarkOpen(b *testing.B) {
	_, i, a := benchInstance(b)
	b.ReportAllocs()
	for b.Loop() {
		l, err := a.tunnel.reserve(kindI2P, "", true)
		if err != nil {
			b.Fatal(err)
		}
		ticket, err := i.give(context.Background(), a, &offer{link: l, take: func(data *net.UnixConn) {
			_, _ = data.Write([]byte{1})
			_ = data.Close()
			l.end()
		}})
		if err != nil {
			b.Fatal(err)
		}
		c, err := net.Dial("unix", i.DataSocket())
		if err != nil {
			b.Fatal(err)
		}
		_, _ = c.Write(api.AppendPreamble(nil, api.Ticket(ticket)))
		_, _ = c.Read(make([]byte, 1))
		_ = c.Close()
	}
}

package conformance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"clove.i2p/plugins/api/pb"
	"clove.i2p/plugins/host/gate"
	"clove.i2p/plugins/plugintest/fakenet"
)

const page = "<!doctype html><title>conformance</title><h1>conformance</h1>\n"

// Commands to the backend: the first line of a stream. Others are echoed, or taken for HTTP or IRC.
const (
	// commandFirst: the server writes farewellText and ends its direction, then reads to the end and counts.
	commandFirst = "CONFORMANCE-SERVER-FIRST\n"
	farewellText = "the server has said all"
	// commandFlood: the server writes without end.
	commandFlood = "CONFORMANCE-FLOOD\n"
)

// backend is the server behind server tunnels, at a TCP and a UDP port of the same number, and in front of client tunnels, as
// conformance.i2p.
type backend struct {
	address string
	closers []io.Closer
	tasks   sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}

	flooded   atomic.Int64 // bytes that commandFlood has written
	afterward chan int64   // what commandFirst has read after its end
}

func newBackend(n *fakenet.Network) (*backend, error) {
	b := &backend{conns: map[net.Conn]struct{}{}, afterward: make(chan int64, 16)}
	tcp, udp, err := samePort()
	if err != nil {
		return nil, err
	}
	b.closers = append(b.closers, tcp, udp)
	b.address = tcp.Addr().String()
	b.serve(tcp)
	b.tasks.Go(func() { echoPackets(udp) })
	peer, err := n.Listen(peerName, 0)
	if err != nil {
		b.close()
		return nil, err
	}
	b.closers = append(b.closers, peer)
	b.serve(peer)
	for _, kind := range []pb.PacketKind{pb.PacketKind_REPLIABLE, pb.PacketKind_DATAGRAM2, pb.PacketKind_DATAGRAM3} {
		p, err := n.ListenPacket(peerName, kind, 0)
		if err != nil {
			b.close()
			return nil, err
		}
		b.closers = append(b.closers, p)
		b.tasks.Go(func() { echoDatagrams(p) })
	}
	return b, nil
}

// samePort finds a port that is free for TCP and UDP.
func samePort() (net.Listener, net.PacketConn, error) {
	for range 20 {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, err
		}
		udp, err := net.ListenPacket("udp", tcp.Addr().String())
		if err == nil {
			return tcp, udp, nil
		}
		_ = tcp.Close()
	}
	return nil, nil, errors.New("no port is free for TCP and UDP")
}

func (b *backend) close() {
	for _, c := range b.closers {
		_ = c.Close()
	}
	b.mu.Lock()
	for c := range b.conns {
		_ = c.Close()
	}
	b.mu.Unlock()
	b.tasks.Wait()
}

func (b *backend) serve(l net.Listener) {
	b.tasks.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.conns[c] = struct{}{}
			b.mu.Unlock()
			b.tasks.Go(func() {
				b.answer(c)
				_ = c.Close()
				b.mu.Lock()
				delete(b.conns, c)
				b.mu.Unlock()
			})
		}
	})
}

// answer looks at the first line, or at what comes without one.
func (b *backend) answer(c net.Conn) {
	r := bufio.NewReaderSize(c, 4096)
	for {
		if _, err := r.Peek(1); err != nil {
			return
		}
		begin, _ := r.Peek(r.Buffered())
		line, _, whole := strings.Cut(string(begin), "\n")
		switch {
		case !whole && strings.HasPrefix(commandFirst, line), !whole && strings.HasPrefix(commandFlood, line):
			if _, err := r.Peek(len(begin) + 1); err == nil {
				continue // the beginning of a command, perhaps
			}
		case line+"\n" == commandFirst:
			b.serverFirst(c, r)
			return
		case line+"\n" == commandFlood:
			b.flood(c)
			return
		case isRequest(line):
			answerHTTP(c, r)
			return
		case isIRC(line):
			answerIRC(c, r)
			return
		}
		_, _ = io.Copy(onlyWriter{c}, r)
		return
	}
}

type onlyWriter struct{ io.Writer }

func (b *backend) serverFirst(c net.Conn, r *bufio.Reader) {
	_, _ = r.ReadString('\n')
	_, _ = io.WriteString(c, farewellText)
	if w, ok := c.(interface{ CloseWrite() error }); ok {
		_ = w.CloseWrite()
	}
	n, err := io.Copy(io.Discard, r)
	if err != nil {
		n = -1
	}
	b.afterward <- n
}

func (b *backend) flood(c net.Conn) {
	block := make([]byte, 32<<10)
	for {
		n, err := c.Write(block)
		b.flooded.Add(int64(n))
		if err != nil {
			return
		}
	}
}

func isRequest(line string) bool {
	f := strings.Fields(line)
	return len(f) == 3 && strings.HasPrefix(f[2], "HTTP/1.")
}

func answerHTTP(c net.Conn, r *bufio.Reader) {
	for {
		_ = c.SetReadDeadline(time.Now().Add(checkTime))
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body)
		closing := "keep-alive"
		if request.Close {
			closing = "close"
		}
		_, err = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n%s", len(page), closing, page)
		if err != nil || request.Close {
			return
		}
	}
}

func isIRC(line string) bool {
	switch command, _, _ := strings.Cut(line, " "); command {
	case "NICK", "USER", "PASS", "CAP", "WEBIRC":
		return true
	}
	return false
}

// answerIRC welcomes whoever has sent USER, and answers PING.
func answerIRC(c net.Conn, r *bufio.Reader) {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		command, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch command {
		case "USER":
			_, err = io.WriteString(c, ":irc.example 001 probe :Welcome\r\n:irc.example 376 probe :End of MOTD\r\n")
		case "PING":
			_, err = fmt.Fprintf(c, ":irc.example PONG irc.example %s\r\n", rest)
		case "QUIT":
			return
		}
		if err != nil {
			return
		}
	}
}

func echoPackets(c net.PacketConn) {
	b := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		_, _ = c.WriteTo(b[:n], from)
	}
}

func echoDatagrams(c gate.PacketConn) {
	b := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		_ = c.WriteTo(noContext, b[:n], from)
	}
}

package simnet

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"clove.i2p/router/udp"
)

// inboxSize bounds what waits in a socket, in bytes, as the kernel's buffer does.
const inboxSize = 4 << 20

// A Socket has the methods of udp.Socket.
type Socket struct {
	host *Host
	at   netip.AddrPort
	dual bool

	inbox  []datagram
	bytes  int
	lent   [][]byte
	wake   chan struct{}
	closed chan struct{}
}

func newSocket(h *Host, at netip.AddrPort, dual bool) *Socket {
	return &Socket{host: h, at: at, dual: dual, wake: make(chan struct{}, 1), closed: make(chan struct{})}
}

// LocalAddr is the address the socket is bound to.
func (s *Socket) LocalAddr() netip.AddrPort { return s.at }

// Features says that this is no real socket.
func (s *Socket) Features() string { return "simnet" }

// Close closes the socket and ends a Read that waits.
func (s *Socket) Close() error {
	s.host.net.mu.Lock()
	defer s.host.net.mu.Unlock()
	select {
	case <-s.closed:
		return net.ErrClosed
	default:
	}
	close(s.closed)
	delete(s.host.socks, s.at)
	s.inbox, s.bytes = nil, 0
	return nil
}

// Read waits for packets and returns those that have arrived. What the last Read returned is overwritten, so that
// who keeps it finds out.
func (s *Socket) Read(packets []udp.Packet) (int, error) {
	if len(packets) == 0 {
		return 0, nil
	}
	for _, b := range s.lent {
		for i := range b {
			b[i] = 0xdb
		}
	}
	s.lent = s.lent[:0]
	for {
		select {
		case <-s.closed:
			return 0, fmt.Errorf("simnet: read: %w", net.ErrClosed)
		default:
		}
		if n := s.give(packets); n > 0 {
			return n, nil
		}
		select {
		case <-s.wake:
		case <-s.closed:
		}
	}
}

func (s *Socket) give(packets []udp.Packet) int {
	s.host.net.mu.Lock()
	defer s.host.net.mu.Unlock()
	n := min(len(packets), len(s.inbox))
	for i, p := range s.inbox[:n] {
		packets[i] = udp.Packet{Data: p.data, From: p.from}
		if s.at.Addr().IsUnspecified() {
			packets[i].Local = p.to.Addr()
		}
		s.lent = append(s.lent, p.data)
		s.bytes -= len(p.data)
	}
	s.inbox = append(s.inbox[:0], s.inbox[n:]...)
	return n
}

// take puts a datagram into the inbox.
func (s *Socket) take(p datagram) bool {
	if s.bytes+len(p.data) > inboxSize {
		return false
	}
	s.inbox = append(s.inbox, p)
	s.bytes += len(p.data)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return true
}

// Write sends trains.
func (s *Socket) Write(trains []udp.Train) error {
	n := s.host.net
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-s.closed:
		return fmt.Errorf("simnet: write: %w", net.ErrClosed)
	default:
	}
	for i := range trains {
		trains[i].Err = s.send(&trains[i])
	}
	return nil
}

func (s *Socket) send(t *udp.Train) (err error) {
	h := s.host
	to := netip.AddrPortFrom(t.To.Addr().Unmap(), t.To.Port())
	from, ok := h.source(s, t.Local, to.Addr())
	if !ok || !to.IsValid() || to.Port() == 0 {
		return syscall.ENETUNREACH
	}
	size := t.Segment
	if size <= 0 {
		size = len(t.Data)
	}
	for rest := t.Data; len(rest) > 0; {
		one := rest[:min(size, len(rest))]
		rest = rest[len(one):]
		if !h.out.fits(to.Addr(), len(one)) && !h.out.BlackHole {
			err = udp.ErrTooLarge
			continue
		}
		p := datagram{from: netip.AddrPortFrom(from, s.at.Port()), to: to, data: append([]byte(nil), one...)}
		h.net.pass(&h.out, h.name+" out", p, h.at.route)
	}
	return err
}

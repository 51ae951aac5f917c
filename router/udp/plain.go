package udp

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// plain moves one packet with each system call, through package net: what works everywhere.
type plain struct {
	s   *Socket
	buf []byte
}

func newPlain(s *Socket) *plain {
	return &plain{s: s, buf: make([]byte, MaxPacket+1)}
}

func (p *plain) features() []string { return []string{"plain"} }

func (p *plain) read(packets []Packet) (int, error) {
	for {
		n, from, err := p.s.conn.ReadFromUDPAddrPort(p.buf)
		switch {
		case err == nil && n == 0: // of no use, and not what the other engines return
		case err == nil && n > MaxPacket:
			p.s.counts.truncated.Add(1)
		case err == nil:
			packets[0] = Packet{Data: p.buf[:n], From: unmap(from)}
			return 1, nil
		case errors.Is(err, net.ErrClosed):
			return 0, err
		case isTooLarge(err):
			p.s.counts.truncated.Add(1) // Windows says so of a datagram that does not fit
		case !passing(err):
			return 0, err
		default:
			p.s.counts.readErrors.Add(1)
		}
	}
}

func (p *plain) write(trains []Train) error {
	for i := range trains {
		t := &trains[i]
		t.Err = nil
		for rest := t.Data; len(rest) > 0; {
			var one []byte
			one, rest = t.cut(rest)
			if err := p.send(one, t.To); errors.Is(err, net.ErrClosed) {
				return err
			} else if err != nil && t.Err == nil {
				t.Err = err
			}
		}
	}
	return nil
}

func (p *plain) send(one []byte, to netip.AddrPort) error {
	for try := 0; ; try++ {
		_, err := p.s.conn.WriteToUDPAddrPort(one, to)
		switch {
		case err == nil:
			p.s.counts.written.Add(1)
			return nil
		case isTooLarge(err):
			p.s.counts.tooLarge.Add(1)
			return ErrTooLarge
		case errors.Is(err, net.ErrClosed):
			return err
		case try == 0 && passing(err):
			// The error of an earlier datagram; this one was not sent.
		default:
			p.s.counts.writeErrors.Add(1)
			return err
		}
	}
}

// cut takes the first datagram of what is left of a train's data.
func (t *Train) cut(rest []byte) (one, more []byte) {
	if t.Segment <= 0 || t.Segment >= len(rest) {
		return rest, nil
	}
	return rest[:t.Segment], rest[t.Segment:]
}

// passing reports whether an error is one that ICMP or a short want of memory caused: the socket is good.
func passing(err error) bool {
	for _, e := range [...]syscall.Errno{
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN,
		syscall.ENOBUFS, syscall.ENOMEM, syscall.EINTR, syscall.ETIMEDOUT, syscall.ENETDOWN, syscall.EPERM,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return isSystemPassing(err)
}

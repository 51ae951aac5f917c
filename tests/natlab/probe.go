//go:build linux

package natlab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// probeTime is how long a packet may take that will come.
const probeTime = 10 * time.Second

// A Probe is a UDP socket of a host, which says small words.
type Probe struct {
	conn *net.UDPConn
}

// NewProbe opens one on a port, or on any for 0, of IPv4.
func (h *Host) NewProbe(port uint16) (*Probe, error) {
	return h.newProbe(netip.IPv4Unspecified(), port)
}

// NewProbe6 is that of IPv6.
func (h *Host) NewProbe6(port uint16) (*Probe, error) { return h.newProbe(h.Outside6(), port) }

func (h *Host) newProbe(local netip.Addr, port uint16) (*Probe, error) {
	c, err := h.ListenUDP(netip.AddrPortFrom(local, port))
	if err != nil {
		return nil, fmt.Errorf("natlab: probe: %w", err)
	}
	return &Probe{c}, nil
}

// Port of the socket.
func (p *Probe) Port() uint16 { return uint16(p.conn.LocalAddr().(*net.UDPAddr).Port) }

// Send a word.
func (p *Probe) Send(to netip.AddrPort, word string) error {
	_, err := p.conn.WriteToUDPAddrPort([]byte(word), to)
	return err
}

// A Word is what arrived, and from where.
type Word struct {
	Text string
	From netip.AddrPort
}

// Receive the next word, or os.ErrDeadlineExceeded.
func (p *Probe) Receive(wait time.Duration) (Word, error) {
	p.conn.SetReadDeadline(time.Now().Add(wait))
	b := make([]byte, 2048)
	n, from, err := p.conn.ReadFromUDPAddrPort(b)
	if err != nil {
		return Word{}, err
	}
	return Word{string(b[:n]), netip.AddrPortFrom(from.Addr().Unmap(), from.Port())}, nil
}

// Drain takes what is there, and what comes until nothing has come for some time.
func (p *Probe) Drain(quiet time.Duration) ([]Word, error) {
	var all []Word
	for {
		w, err := p.Receive(quiet)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, w)
	}
}

// Seen is the address from which another probe gets what this one sends to it.
func (p *Probe) Seen(by *Probe, at netip.AddrPort) (netip.AddrPort, error) {
	if err := p.Send(at, "seen"); err != nil {
		return netip.AddrPort{}, err
	}
	w, err := by.Receive(probeTime)
	return w.From, err
}

// Close the socket.
func (p *Probe) Close() error { return p.conn.Close() }

package portmap

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"
)

// A pcp is a gateway that speaks PCP. The nonce of a mapping stays the same for the life of the Mapper, so that the gateway takes
// renewals and the removal for ours, also after it was lost and found again (RFC 6887, section 11.2).
type pcp struct {
	local, router netip.Addr
	times         timings
	nonces        map[Port][12]byte
}

func newPCP(local, router netip.Addr, t timings, nonces map[Port][12]byte) *pcp {
	return &pcp{local: local, router: router, times: t, nonces: nonces}
}

func (g *pcp) protocol() Protocol   { return PCP }
func (g *pcp) addr() netip.AddrPort { return netip.AddrPortFrom(g.router, controlPort) }

func (g *pcp) add(ctx context.Context, p Port, external uint16, lease time.Duration) (mapping, error) {
	nonce, ok := g.nonces[p]
	if !ok {
		rand.Read(nonce[:])
		g.nonces[p] = nonce
	}
	a, err := g.ask(ctx, p, external, lease, nonce)
	if err != nil {
		return mapping{}, err
	}
	if a.lifetime == 0 {
		return mapping{}, errors.New("gateway grants no time")
	}
	return mapping{a.external, time.Duration(a.lifetime) * time.Second}, nil
}

func (g *pcp) remove(ctx context.Context, p Port, external uint16) error {
	_, err := g.ask(ctx, p, external, 0, g.nonces[p])
	return err
}

// ask sends a request until its answer comes. What is no answer to it is passed over.
func (g *pcp) ask(ctx context.Context, p Port, external uint16, lease time.Duration, nonce [12]byte) (a pcpMap, err error) {
	ctx, cancel := context.WithTimeout(ctx, g.times.answer)
	defer cancel()
	conn, err := net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(g.local, 0)), net.UDPAddrFromAddrPort(g.addr()))
	if err != nil {
		return a, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })()
	protocol := byte(protocolUDP)
	if p.Transport == TCP {
		protocol = protocolTCP
	}
	request := pcpMap{
		client: g.local, lifetime: seconds(lease), nonce: nonce, protocol: protocol, internal: p.Internal,
		external: netip.AddrPortFrom(netip.IPv4Unspecified(), external),
	}.request(nil)
	var b [maxDatagram + 1]byte
	for seen, pause := 0, g.times.resend; seen < maxAnswers; pause *= 2 {
		if _, err := conn.Write(request); err != nil {
			return a, err
		}
		next := time.Now().Add(pause)
		conn.SetReadDeadline(next)
		if ctx.Err() != nil {
			return a, ctx.Err()
		}
		for ; seen < maxAnswers; seen++ {
			n, err := conn.Read(b[:])
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil { // nothing listens there
				return a, err
			}
			a, err = parsePCPAnswer(b[:n])
			if errors.Is(err, errOldVersion) {
				return a, err
			}
			if err == nil && a.nonce == nonce && a.protocol == protocol && a.internal == p.Internal {
				return a, a.failure()
			}
		}
		if ctx.Err() != nil {
			return a, fmt.Errorf("no answer: %w", ctx.Err())
		}
	}
	return a, errNotPCP
}

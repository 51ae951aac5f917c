package socks

import (
	"context"
	"errors"
	"net"
	"strconv"

	"clove.i2p/proxies"
)

var errManySites = errors.New("socks: an association has packet sockets for too many sites")

// far returns the packet socket for a key. The first that asks opens it.
func (a *association) far(ctx context.Context, key proxies.Isolation) (proxies.PacketConn, error) {
	a.mu.Lock()
	f, had := a.fars[key]
	switch {
	case a.ended:
		a.mu.Unlock()
		return nil, net.ErrClosed
	case had:
		a.mu.Unlock()
		select {
		case <-f.opened:
			return f.conn, f.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case len(a.fars) >= maxFar:
		a.mu.Unlock()
		return nil, errManySites
	}
	f = &far{opened: make(chan struct{})}
	a.fars[key] = f
	a.mu.Unlock()

	conn, err := a.s.cfg.Packets.ListenPacket(ctx, key)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil && a.ended {
		_ = conn.Close()
		err = net.ErrClosed
	}
	f.conn, f.err = conn, err
	close(f.opened)
	switch {
	case err != nil:
		delete(a.fars, key) // the next packet tries again
	case a.dog != nil: // else run starts it
		a.tasks.Go(func() { a.readFar(key, f) })
	}
	return conn, err
}

// readFar passes on what comes.
func (a *association) readFar(key proxies.Isolation, f *far) {
	<-f.opened
	if f.err != nil {
		return
	}
	b := make([]byte, maxHeader+maxPacket)
	for {
		n, from, err := f.conn.ReadFrom(b[maxHeader:])
		if err != nil {
			a.drop(key, f)
			return
		}
		host, port, err := splitPeer(from)
		peer := a.peer.Load()
		if err != nil || len(host) > 255 || peer == nil {
			a.s.counters.PacketDropped()
			continue
		}
		header := appendHeader(make([]byte, 0, maxHeader), host, port)
		start := maxHeader - len(header)
		copy(b[start:], header)
		if _, err := a.local.WriteToUDPAddrPort(b[start:maxHeader+n], *peer); err != nil {
			a.s.counters.PacketDropped()
			continue
		}
		a.dog.Touch()
		a.s.counters.PacketReceived(n)
	}
}

// splitPeer takes the address of a peer apart. Port 0 is one in I2P: that of who has no other.
func splitPeer(from string) (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(from)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	return host, int(n), err
}

// drop forgets a socket that ended, with its destination for example: the next packet opens another.
func (a *association) drop(key proxies.Isolation, f *far) {
	_ = f.conn.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fars[key] == f {
		delete(a.fars, key)
	}
}

package client

import (
	"crypto/rand"
	"fmt"

	"clove.i2p/router/buf"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2p"
	"clove.i2p/router/netdb"
	"clove.i2p/router/tunnel"
)

// A messenger sends for the session's view of the netDb: only ever through the session's own tunnels.
type messenger struct{ session *Session }

// Direct would show a floodfill that this router asks for this client. A client's view has no reason to call it.
func (m *messenger) Direct(i2p.Hash, []byte) { m.session.stats.refusedDelivery.Add(1) }

// Reply: a client answers nobody's lookups.
func (m *messenger) Reply(netdb.ReplyTo, []byte) { m.session.stats.refusedDelivery.Add(1) }

// ThroughTunnel seals a message for a router and sends it out of one of the session's tunnels.
func (m *messenger) ThroughTunnel(to *i2p.RouterInfo, msg []byte) error {
	s := m.session
	key, ok := to.EncryptionKey()
	if !ok {
		return fmt.Errorf("client: router %s has no X25519 key", to.Hash().Short())
	}
	out, ok := s.pool.Outbound()
	if !ok {
		return ErrNotReady
	}
	now := s.clock.Now()
	b := buf.From(msg)
	defer b.Release()
	if err := garlic.PrependClove(b, garlic.Local()); err != nil {
		return fmt.Errorf("client: %w", err)
	}
	if err := garlic.SealRouter(key, b, now); err != nil {
		return fmt.Errorf("client: %w", err)
	}
	out.Send(tunnel.Delivery{Type: tunnel.DeliveryRouter, Router: to.Hash()}, now, b.Bytes())
	return nil
}

// ReplyPath gives an inbound tunnel of the session and registers the key of one answer.
func (m *messenger) ReplyPath() (gateway i2p.Hash, id i2p.TunnelID, key [32]byte, tag [8]byte, ok bool) {
	s := m.session
	in, ok := s.pool.Inbound()
	if !ok {
		return gateway, id, key, tag, false
	}
	rand.Read(key[:])
	rand.Read(tag[:])
	s.keeper.AddOneTime(tag, key, s.clock.Now().Add(oneTimeLife))
	gateway, id = in.Gateway()
	return gateway, id, key, tag, true
}

var (
	_ netdb.Messenger = (*messenger)(nil)
	_ netdb.ReplyPath = (*messenger)(nil)
)

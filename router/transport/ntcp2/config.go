package ntcp2

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/crypto/mlkem"
	"clove.i2p/router/i2p"
)

// PublicNetworkID is the network id of the public I2P network, on which addresses are checked strictly.
const PublicNetworkID = 2

// A Limiter slows reads and writes down: router/bandwidth.Limiter.
type Limiter interface {
	WaitIn(ctx context.Context, n int) error
	WaitOut(ctx context.Context, n int) error
}

// Config configures a Transport.
type Config struct {
	// Listen are the addresses to listen on, usually one per IP version. Port 0 lets the system choose; see
	// Transport.Bound. A specific (not unspecified) IP is also the source of outgoing connections of its IP
	// version. Empty: outgoing connections only.
	Listen []netip.AddrPort
	// Advertise are the addresses to publish. An entry with port 0 takes the bound port of its IP version. Empty:
	// see Transport.Addresses.
	Advertise []netip.AddrPort
	// NoIPv4 and NoIPv6 leave an IP version alone: nothing of it is dialled, nor taken on [::].
	NoIPv4, NoIPv6 bool
	// Hidden publishes no host, whatever Listen, Advertise and Publish say.
	Hidden bool
	// NetworkID is 2 on the public network.
	NetworkID int
	// AllowPrivate allows peers and publication of private and loopback addresses. Not on the public network.
	AllowPrivate bool
	// StaticKey and IV are as published; they are kept over restarts.
	StaticKey keys.X25519Private
	IV        [16]byte
	// PostQuantum are the sizes of ML-KEM for hybrid handshakes, best first; empty is off. The first is published and
	// taken from peers that connect, as one address can offer one only; all are used with peers that publish one of
	// them. Proposal 169 prefers 768.
	PostQuantum []mlkem.Params
	// SelfHash is the hash of this router.
	SelfHash i2p.Hash
	// Self gives the RouterInfo that is sent in handshakes.
	Self func() *i2p.RouterInfo
	// Skew, if set, learns the time of a peer minus ours, from every outbound handshake that came far enough to prove
	// that the peer knows its key, refused ones included. Not from inbound ones: whoever connects under a handful
	// of identities would set our clock, which shows in all that we and our destinations publish.
	Skew func(peer i2p.Hash, skew time.Duration)
	// Limiter, if set, slows all sessions down.
	Limiter Limiter
	// MaxPendingInbound bounds the inbound handshakes at once, MaxPendingPerIP those of one IPv4 address or IPv6 /64.
	MaxPendingInbound, MaxPendingPerIP int
	// HandshakeTimeout bounds a whole handshake.
	HandshakeTimeout time.Duration
	// SendQueue bounds the messages in the send ring of a session.
	SendQueue int
}

// Deps are what a Transport works with. Listen and Dial are replaced by tests; nil means the network.
type Deps struct {
	Clock  *clock.Clock
	Logger *slog.Logger
	Listen func(ctx context.Context, network string, at netip.AddrPort) (net.Listener, error)
	Dial   func(ctx context.Context, local netip.Addr, to netip.AddrPort) (net.Conn, error)
}

// Validate reports the first impossible value.
func (c Config) Validate() error {
	switch {
	case c.NetworkID < 1 || c.NetworkID > 255:
		return fmt.Errorf("ntcp2: network id %d is not within 1..255", c.NetworkID)
	case c.NetworkID == PublicNetworkID && c.AllowPrivate:
		return errors.New("ntcp2: private peers are not possible on network 2")
	case c.Self == nil:
		return errors.New("ntcp2: Self is missing")
	case c.MaxPendingInbound < 0 || c.MaxPendingPerIP < 0 || c.HandshakeTimeout < 0 || c.SendQueue < 0:
		return errors.New("ntcp2: a limit is negative")
	}
	for i, p := range c.PostQuantum {
		if !p.Valid() || slices.Contains(c.PostQuantum[:i], p) {
			return fmt.Errorf("ntcp2: %v is no key exchange, or there twice", p)
		}
	}
	for _, a := range c.Listen {
		if !a.Addr().IsValid() {
			return errors.New("ntcp2: listen address without IP")
		}
	}
	return nil
}

// accepted is the hybrid handshake that we publish and take, 0 if none.
func (c Config) accepted() mlkem.Params {
	if len(c.PostQuantum) == 0 {
		return 0
	}
	return c.PostQuantum[0]
}

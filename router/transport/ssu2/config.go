package ssu2

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/udp"
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
	// Listen are the addresses to listen on, one per IP version; sessions go out from there too. Port 0 lets the
	// system choose; see Transport.Bound. There must be at least one.
	Listen []netip.AddrPort
	// NoIPv4 leaves IPv4 alone where only [::] is listened on, which is for both IP versions otherwise.
	NoIPv4 bool
	// Advertise are the addresses to publish while Publish was not called. An entry with port 0 takes the bound port of its
	// IP version. Empty: see Transport.Addresses.
	Advertise []netip.AddrPort
	// NetworkID is 2 on the public network.
	NetworkID int
	// AllowPrivate allows peers and publication of private and loopback addresses. Not on the public network.
	AllowPrivate bool
	// StaticKey and IntroKey are as published; they are kept over restarts.
	StaticKey keys.X25519Private
	IntroKey  [32]byte
	// SigningKey is the key of our RouterInfo: peer tests and relay requests are signed.
	SigningKey keys.SigningPrivateKey
	// SelfHash is the hash of this router.
	SelfHash i2p.Hash
	// Self gives the RouterInfo that is sent in handshakes.
	Self func() *i2p.RouterInfo
	// Skew, if set, learns the time of a peer minus ours, from outbound handshakes only (as with NTCP2).
	Skew func(peer i2p.Hash, skew time.Duration)
	// Limiter, if set, slows all sessions down.
	Limiter Limiter
	// Mode is how packets go to the system and come from it.
	Mode udp.Mode
	// MTU is the largest IP packet in bytes that we send and say that we take, 1280 to 1500; 0 is 1500.
	MTU int
	// PostQuantum are the hybrid handshakes that we offer and take, best first: a subset of 4 (ML-KEM-768) and 3 (ML-KEM-512),
	// the version numbers of proposal 169. Empty: none.
	PostQuantum []byte
	// MaxPendingInbound bounds the inbound handshakes at once, MaxPendingPerIP those of one IPv4 address or IPv6 /64.
	MaxPendingInbound, MaxPendingPerIP int
	// MaxSessions bounds the sessions, whatever the registry admits.
	MaxSessions int
	// HandshakeTimeout bounds a whole handshake.
	HandshakeTimeout time.Duration
}

// Deps are what a Transport works with. Listen is replaced by tests; nil means the network.
type Deps struct {
	Clock    *clock.Clock
	Logger   *slog.Logger
	Listen   func(ctx context.Context, at netip.AddrPort) (Socket, error)
	Observer Observer // nil: nobody
	// RouterInfo is what is known of a router here and now, nil for nothing: to introduce others and to reach introducers.
	RouterInfo func(router i2p.Hash) *i2p.RouterInfo
	// Lookup finds the RouterInfo of an introducer that is not known, so that RouterInfo has it then. nil: it is not looked for.
	Lookup transport.Lookup
	// Banned reports whether we want nothing to do with a router. nil: with everybody.
	Banned func(router i2p.Hash) bool
}

// A Socket sends and receives packets: *udp.Socket.
type Socket interface {
	Read(packets []udp.Packet) (int, error)
	Write(trains []udp.Train) error
	LocalAddr() netip.AddrPort
	Close() error
}

// An Observer learns what tells about our reachability. It is called on the goroutines that serve packets and may not
// block.
type Observer interface {
	// AddressSeen: a peer that we opened a session to, which is with the address from, says that our packets come from seen.
	AddressSeen(peer i2p.Hash, from netip.Addr, seen netip.AddrPort)
	// InboundFrom: a session was opened to us, from an address that we have no session with and sent nothing to for a while.
	InboundFrom(peer i2p.Hash, from netip.Addr)
	// Tested: a peer test that TestReachability began has ended.
	Tested(nat.TestResult)
}

// Validate reports the first impossible value.
func (c Config) Validate() error {
	switch {
	case len(c.Listen) == 0:
		return errors.New("ssu2: no address to listen on")
	case c.NetworkID < 1 || c.NetworkID > 255:
		return fmt.Errorf("ssu2: network id %d is not within 1..255", c.NetworkID)
	case c.NetworkID == PublicNetworkID && c.AllowPrivate:
		return errors.New("ssu2: private peers are not possible on network 2")
	case c.Self == nil:
		return errors.New("ssu2: Self is missing")
	case c.MTU != 0 && (c.MTU < minMTU || c.MTU > maxMTU):
		return fmt.Errorf("ssu2: MTU %d is not within %d..%d", c.MTU, minMTU, maxMTU)
	case c.MaxPendingInbound < 0 || c.MaxPendingPerIP < 0 || c.MaxSessions < 0 || c.HandshakeTimeout < 0:
		return errors.New("ssu2: a limit is negative")
	}
	for _, a := range c.Listen {
		if !a.Addr().IsValid() {
			return errors.New("ssu2: listen address without IP")
		}
	}
	for _, v := range c.PostQuantum {
		if v != 3 && v != 4 {
			return fmt.Errorf("ssu2: no post-quantum handshake %d", v)
		}
	}
	return nil
}

// NewIntroKey returns a random introduction key to publish.
func NewIntroKey() (key [32]byte) {
	rand.Read(key[:])
	return key
}

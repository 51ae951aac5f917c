package visitors

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
)

// Peer is the hash of a destination, 32 bytes. The zero Peer is somebody of whom nothing is known.
type Peer [sha256.Size]byte

var (
	base32Names  = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	base64Keys   = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~")
	errPeerForm  = errors.New("not a destination")
	minKeysBytes = 387 // of a destination: keys and the shortest certificate
)

// ParsePeer reads the ways in which people write a destination: 52 characters of base32 with or without ".b32.i2p", the 44
// characters of its hash in I2P's base64, or the whole destination in that.
func ParsePeer(s string) (Peer, error) {
	name := strings.TrimSuffix(strings.ToLower(s), ".b32.i2p")
	if b, err := base32Names.DecodeString(name); err == nil && len(b) == sha256.Size {
		return Peer(b), nil
	}
	b, err := base64Keys.DecodeString(s)
	switch {
	case err != nil:
	case len(b) == sha256.Size:
		return Peer(b), nil
	case len(b) >= minKeysBytes:
		return sha256.Sum256(b), nil
	}
	return Peer{}, fmt.Errorf("%.20q is %w: write its 52 characters and .b32.i2p", s, errPeerForm)
}

// Base32 is the name with .b32.i2p.
func (p Peer) Base32() string { return base32Names.EncodeToString(p[:]) + ".b32.i2p" }

// Base64 is the hash in I2P's base64, 44 characters.
func (p Peer) Base64() string { return base64Keys.EncodeToString(p[:]) }

// Short is the first six characters of the name: what logs and audits show.
func (p Peer) Short() string { return p.Base32()[:6] }

// LogValue keeps whole names out of logs.
func (p Peer) LogValue() slog.Value { return slog.StringValue(p.Short()) }

// Source is an address of 127.0.0.0/8 that is always the same for this peer: a local server that counts or bans by address
// then does so by peer. It is never in 127.0.0.0/24, which local servers trust, and never a network or broadcast address.
func (p Peer) Source() netip.Addr {
	a := [4]byte{127, p[0], p[1], p[2]}
	if a[1] == 0 && a[2] == 0 {
		a[1] = 1
	}
	if a[3] == 0 || a[3] == 255 {
		a[3] = 1 + p[3]%254
	}
	return netip.AddrFrom4(a)
}

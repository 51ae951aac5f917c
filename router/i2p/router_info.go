package i2p

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"clove.i2p/router/crypto/keys"
)

// A RouterInfo is what a router publishes about itself (Common Structures, RouterInfo).
//
//	RouterIdentity | published Date | size 1, RouterAddresses | peer size 1, zero | options Mapping | signature
//
// The signature covers everything before it.
type RouterInfo struct {
	raw       []byte
	identity  *RouterIdentity
	published time.Time
	addresses []RouterAddress
	options   Mapping
	signature []byte
}

// ParseRouterInfo reads a RouterInfo of at most MaxRouterInfoLen bytes; its signature is for Verify. Key types that no
// router may have, peer hashes and an address with an expiration are errors.
func ParseRouterInfo(b []byte) (ri *RouterInfo, rest []byte, err error) {
	lent, rest, err := parseRouterInfo(b[:min(len(b), MaxRouterInfoLen)])
	if err != nil {
		if len(b) > MaxRouterInfoLen && errors.Is(err, ErrTruncated) {
			err = ErrTooLarge
		}
		return nil, nil, fmt.Errorf("i2p: router info: %w", err)
	}
	n := min(len(b), MaxRouterInfoLen) - len(rest)
	if ri, _, err = parseRouterInfo(bytes.Clone(lent.raw)); err != nil {
		return nil, nil, fmt.Errorf("i2p: router info: %w", err)
	}
	return ri, b[n:], nil
}

// parseRouterInfo is ParseRouterInfo; the result shares b.
func parseRouterInfo(b []byte) (ri *RouterInfo, rest []byte, err error) {
	k, rest, err := parseKeysAndCert(b)
	if err != nil {
		return nil, nil, fmt.Errorf("identity: %w", err)
	}
	ri = new(RouterInfo)
	if ri.identity, err = newRouterIdentity(k); err != nil {
		return nil, nil, fmt.Errorf("identity: %w", err)
	}
	if ri.published, rest, err = ParseDate(rest); err != nil {
		return nil, nil, err
	}
	if len(rest) == 0 {
		return nil, nil, ErrTruncated
	}
	n := int(rest[0])
	rest = rest[1:]
	for i := range n {
		var a RouterAddress
		if a, rest, err = parseRouterAddress(rest); err != nil {
			return nil, nil, fmt.Errorf("address %d: %w", i, err)
		}
		ri.addresses = append(ri.addresses, a)
	}
	if len(rest) == 0 {
		return nil, nil, ErrTruncated
	}
	if rest[0] != 0 {
		return nil, nil, fmt.Errorf("%w: %d peers", ErrMalformed, rest[0])
	}
	if ri.options, rest, err = parseMapping(rest[1:]); err != nil {
		return nil, nil, fmt.Errorf("options: %w", err)
	}
	sigLen := k.signing.Type.SignatureLen()
	if len(rest) < sigLen {
		return nil, nil, ErrTruncated
	}
	end := len(b) - len(rest) + sigLen
	ri.raw = b[:end:end]
	ri.signature = ri.raw[end-sigLen:]
	return ri, b[end:], nil
}

// NewRouterInfo makes and signs the RouterInfo of the router with these keys.
func NewRouterInfo(k *RouterKeys, published time.Time, addrs []RouterAddress, opts map[string]string) (*RouterInfo, error) {
	if len(addrs) > 255 {
		return nil, fmt.Errorf("i2p: router info: %w: %d addresses", ErrTooLarge, len(addrs))
	}
	options, err := NewMapping(opts)
	if err != nil {
		return nil, fmt.Errorf("i2p: router info: %w", err)
	}
	b := AppendDate(bytes.Clone(k.Identity.Bytes()), published)
	b = append(b, byte(len(addrs)))
	for _, a := range addrs {
		b = a.Append(b)
	}
	b = options.Append(append(b, 0))
	b = append(b, k.Signing.Sign(b)...)
	if len(b) > MaxRouterInfoLen {
		return nil, fmt.Errorf("i2p: router info: %w: %d bytes", ErrTooLarge, len(b))
	}
	ri, rest, err := parseRouterInfo(b)
	if err == nil && len(rest) != 0 {
		err = ErrMalformed
	}
	if err != nil {
		return nil, fmt.Errorf("i2p: router info: %w", err)
	}
	return ri, nil
}

// Verify checks the signature; the error is ErrBadSignature.
func (ri *RouterInfo) Verify() error {
	if !ri.identity.Verify(ri.raw[:len(ri.raw)-len(ri.signature)], ri.signature) {
		return fmt.Errorf("i2p: router info: %w", ErrBadSignature)
	}
	return nil
}

// Identity is the router's identity.
func (ri *RouterInfo) Identity() *RouterIdentity { return ri.identity }

// Hash is the router's name.
func (ri *RouterInfo) Hash() Hash { return ri.identity.hash }

// Published is when the router signed this, with its own clock.
func (ri *RouterInfo) Published() time.Time { return ri.published }

// Addresses lists the ways to reach the router; shared.
func (ri *RouterInfo) Addresses() []RouterAddress { return ri.addresses }

// Options are the router's options, such as "caps", "netId" and "router.version".
func (ri *RouterInfo) Options() Mapping { return ri.options }

// Bytes is the exact wire form; it is shared.
func (ri *RouterInfo) Bytes() []byte { return ri.raw }

// Version is option "router.version" as ParseVersion reads it, 0 if there is none.
func (ri *RouterInfo) Version() int { return ParseVersion(ri.options.Get("router.version")) }

// Caps is option "caps": bandwidth class, f for floodfill, R or U for reachability, H hidden, D, E, G congestion.
func (ri *RouterInfo) Caps() string { return ri.options.Get("caps") }

// NetworkID is option "netId"; 0, which no network has, if there is none.
func (ri *RouterInfo) NetworkID() int {
	id, err := strconv.ParseUint(ri.options.Get("netId"), 10, 8)
	if err != nil {
		return 0
	}
	return int(id)
}

// IsFloodfill reports whether the router calls itself a floodfill.
func (ri *RouterInfo) IsFloodfill() bool { return strings.Contains(ri.Caps(), "f") }

// EncryptionKey is the X25519 key of the router; false for one that has an ElGamal key.
func (ri *RouterInfo) EncryptionKey() (keys.X25519Public, bool) { return ri.identity.Static() }

// LogValue prints six characters of the hash.
func (ri *RouterInfo) LogValue() slog.Value { return ri.identity.LogValue() }

// String is the short form of the hash.
func (ri *RouterInfo) String() string { return ri.identity.String() }

package ssu2

import (
	"fmt"
	"net/netip"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// checkPeer verifies the RouterInfo of an inbound peer against the handshake: signature, network, age, and that one of its
// addresses holds the static key that the peer proved to have, and an intro key. With strict (the public network) a router
// that publishes hosts of the IP version in use must come from one of them (IPv6: the same /64), as i2pd demands it. remote
// is the address, whose intro key answers are made with, unless the static key is of none.
func checkPeer(ri *i2p.RouterInfo, static keys.X25519Public, from netip.Addr, networkID int, strict bool, now time.Time) (remote target, no *refusal) {
	known, published, matches := false, false, false
	for _, a := range ri.Addresses() {
		t, ok := parseTarget(a)
		if !ok || t.static != static {
			continue
		}
		host := a.Host()
		sameVersion := host.IsValid() && host.Is4() == from.Unmap().Is4()
		if !known || sameVersion {
			remote = t
		}
		known = true
		if sameVersion {
			published = true
			matches = matches || transport.SourceOf(host) == transport.SourceOf(from)
		}
	}
	if !known {
		return remote, &refusal{transport.ReasonStaticKey, errStaticKey}
	}
	if err := ri.Verify(); err != nil {
		return remote, &refusal{transport.ReasonRISign, err}
	}
	if id := ri.NetworkID(); id != networkID {
		return remote, &refusal{transport.ReasonOptions, fmt.Errorf("RouterInfo %w: %d", errNetwork, id)}
	}
	if age := now.Sub(ri.Published()); age > maxRouterInfoAge || age < -maxRouterInfoFuture {
		return remote, &refusal{transport.ReasonConfirmed, fmt.Errorf("RouterInfo of %v ago", age.Round(time.Second))}
	}
	if strict && published && !matches {
		return remote, &refusal{transport.ReasonBanned, errSource}
	}
	return remote, nil
}

func skewed(ahead time.Duration) bool { return ahead > maxSkew || ahead < -maxSkew }

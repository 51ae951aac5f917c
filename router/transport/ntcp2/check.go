package ntcp2

import (
	"fmt"
	"net/netip"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
)

// checkPeer verifies the RouterInfo of an inbound peer against the handshake: signature, network, age, and that one of its
// addresses holds the static key that the peer proved to have. With strict (the public network) a router that publishes
// hosts of the IP version in use must come from one of them (IPv6: the same /64).
func checkPeer(ri *i2p.RouterInfo, static keys.X25519Public, from netip.Addr, networkID int, strict bool, now time.Time) *refusal {
	if err := ri.Verify(); err != nil {
		return &refusal{transport.ReasonRISign, err}
	}
	if id := ri.NetworkID(); id != networkID {
		return &refusal{transport.ReasonOptions, fmt.Errorf("RouterInfo %w: %d", errNetwork, id)}
	}
	if age := now.Sub(ri.Published()); age > maxRouterInfoAge || age < -maxRouterInfoFuture {
		return &refusal{transport.ReasonConfirmed, fmt.Errorf("RouterInfo of %v ago", age.Round(time.Second))}
	}
	known, published, matches := false, false, false
	for _, a := range ri.Addresses() {
		key, ok := a.StaticKey()
		if !isNTCP2(a) || !ok || key != static {
			continue
		}
		known = true
		if host := a.Host(); host.IsValid() && host.Is4() == from.Unmap().Is4() {
			published = true
			matches = matches || transport.SourceOf(host) == transport.SourceOf(from)
		}
	}
	switch {
	case !known:
		return &refusal{transport.ReasonStaticKey, errStaticKey}
	case strict && published && !matches:
		return &refusal{transport.ReasonBanned, errSource}
	}
	return nil
}

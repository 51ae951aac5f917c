package ssu2

import (
	"net/netip"
	"testing"
	"time"

	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/router/udp"
)

// A packet that the peer sent before it moved, and that arrives after the first from its new address, says nothing about where it is
// now; one that it sent later does: the other was a copy.
func TestPathIsGivenUpForNewerPacketsOnly(t *testing.T) {
	_, _, ours, theirs := pair(t)
	old, elsewhere := ours.link.local, netip.MustParseAddrPort("11.0.0.99:9000")
	now := time.Now().Add(time.Minute)
	arrive := func(number uint32, from netip.AddrPort) {
		packet := make([]byte, wire.ShortHeaderLen, maxMTU)
		packet = wire.AppendPadding(packet, 20)
		packet = ours.sealer.Seal(packet, ours.remoteID, number, false)
		theirs.receive(now, &udp.Packet{Data: packet, From: from})
	}
	arrive(10, old)
	arrive(13, elsewhere)
	if theirs.path == nil || theirs.path.to.to != elsewhere {
		t.Fatal("no validation of the new address")
	}
	arrive(12, old)
	if theirs.path == nil {
		t.Error("given up for a packet that was overtaken")
	}
	arrive(13, old)
	arrive(9, elsewhere)
	arrive(14, old)
	if theirs.path != nil {
		t.Error("a copy of a packet from elsewhere has a path validated although the old address lives")
	}
}

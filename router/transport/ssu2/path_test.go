package ssu2

import (
	"bytes"
	"net/netip"
	"slices"
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

// A recordingSocket keeps what was sent.
type recordingSocket struct {
	deadSocket
	packets [][]byte
}

func (s *recordingSocket) Write(trains []udp.Train) error {
	for _, t := range trains {
		for p := range slices.Chunk(t.Data, t.Segment) {
			s.packets = append(s.packets, bytes.Clone(p))
		}
	}
	return nil
}

// i2pd asks once whether a path works, and ends the session if it hears nothing.
func TestAnswersAboutThePathAreSentUntilTheyAreAcked(t *testing.T) {
	_, _, ours, theirs := pair(t)
	socket := &recordingSocket{deadSocket: theirs.link.socket.(deadSocket)}
	theirs.link.socket = socket
	w := newWriter(t.Context(), theirs.link)
	now := time.Now().Add(time.Second)
	packet := wire.AppendPathChallenge(make([]byte, wire.ShortHeaderLen, maxMTU), []byte("12345678"))
	theirs.receive(now, &udp.Packet{Data: ours.sealer.Seal(packet, ours.remoteID, 7, false), From: ours.link.local})
	theirs.link.mark(theirs)
	for range 3 {
		w.round(now)
		now = now.Add(time.Second)
	}
	answers := 0
	for _, p := range socket.packets {
		_, _, payload, err := ours.opener.Open(p, ours.id)
		if err != nil {
			t.Fatal(err)
		}
		if hasBlock(payload, wire.BlockPathResponse) {
			answers++
		}
	}
	if answers < 2 {
		t.Errorf("%d answers in %d packets, none was acked", answers, len(socket.packets))
	}
}

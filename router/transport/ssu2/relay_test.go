package ssu2

import (
	"testing"
	"testing/synctest"

	"clove.i2p/router/transport/ssu2/wire"
	"clove.i2p/tests/simnet"
)

// emissary answers no other SessionRequest after an introduction.
func TestIntroducedDialsHaveTheIDsOfTheNonce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.NewInternet(3)
		bob, _ := newHost(t, n, 1, lossy(0), nil)
		bob.serve()
		charlie := behind(t, n, simnet.PortRestricted, 88)
		introducedBy(t, charlie, bob)
		alice, _ := newHost(t, n, 2, lossy(0), nil)
		alice.knows(bob, charlie)
		alice.serve()
		bob.knows(alice)
		s, err := alice.transport.Dial(t.Context(), charlie.self())
		if err != nil {
			t.Fatal(err)
		}
		sn := s.(*session)
		if ours, theirs := wire.NonceIDs(uint32(sn.id)); sn.id != ours || sn.remoteID != theirs {
			t.Errorf("%x and %x", sn.id, sn.remoteID)
		}
	})
}

package client

import (
	"testing"
	"time"

	"clove.i2p/router/clock"
	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/i2p"
)

// A LeaseSet without a lease that lasts is looked up anew, however long it says that it is good for.
func TestLeaseSetEndsWithItsLastLease(t *testing.T) {
	k, err := i2p.NewDestinationKeys(keys.SigEd25519)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for _, tc := range []struct {
		lease time.Duration
		asked bool
	}{{refreshLead - 5*time.Second, true}, {refreshLead + 5*time.Second, false}} {
		ls, err := i2p.NewLeaseSet2(k, now, []i2p.Lease{{Gateway: i2p.Hash{1}, Tunnel: 2, End: now.Add(tc.lease)}}, i2p.Mapping{})
		if err != nil {
			t.Fatal(err)
		}
		s := &Session{clock: clock.New(), remotes: make(map[i2p.Hash]*remote), refreshes: make(chan *remote, 1)}
		r := s.remoteOf(ls.Hash(), now)
		if !r.learn(long{ls}) {
			t.Fatal("not learnt")
		}
		s.refresh(r, now)
		if asked := len(s.refreshes) == 1; asked != tc.asked {
			t.Errorf("last lease ends in %v: looked up %t", tc.lease, asked)
		}
	}
}

// long says that it is good for longer than its leases.
type long struct{ *i2p.LeaseSet2 }

func (l long) Expires() time.Time { return l.LeaseSet2.Expires().Add(5 * time.Minute) }

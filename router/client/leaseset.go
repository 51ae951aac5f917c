package client

import (
	"context"
	"errors"
	"sync"
	"time"

	"clove.i2p/router/i2np"
	"clove.i2p/router/i2p"
	"clove.i2p/router/netdb"
)

// TunnelsChanged is called by the pool.
func (s *Session) TunnelsChanged() {
	select {
	case s.changed <- struct{}{}:
	default: // a token is waiting already
	}
}

// keepLeaseSet makes a new LeaseSet when the inbound tunnels change and publishes it, one publication at a time.
func (s *Session) keepLeaseSet(ctx context.Context) {
	var (
		published uint64 // the version that was
		next      time.Time
		verifying sync.WaitGroup
	)
	defer verifying.Wait()
	timer := time.NewTimer(settle)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
			// A newer change of the tunnels may follow at once; nothing is published before settle.
			timer.Reset(max(settle, time.Until(next)))
			s.renewLeaseSet()
			s.noteReady()
			continue
		case <-timer.C:
		}
		own, version := s.current()
		if own == nil || !s.cfg.Publish || version == published {
			continue
		}
		// See date. Further ahead is only what follows a jump of the clock, which no waiting mends.
		if early := own.Published().Sub(s.clock.Now()); early > 0 && early <= time.Second {
			timer.Reset(early)
			continue
		}
		if err := s.publish(ctx, own); err != nil {
			s.stats.notStored.Add(1)
			s.log.Debug("lease set not published", "err", err)
			next = time.Now().Add(publishRetry)
			timer.Reset(publishRetry)
			continue
		}
		s.stats.published.Add(1)
		s.publishedOnce.Do(func() { close(s.published) })
		published, next = version, time.Now().Add(publishPause)
		verifying.Go(func() { s.verify(ctx, own) })
	}
}

func (s *Session) current() (i2p.LeaseSet, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.show(), s.version
}

// show returns our LeaseSet to be given away: a later one has to be newer. The caller holds s.mu.
func (s *Session) show() i2p.LeaseSet {
	if s.own != nil {
		s.shown = s.own.Published()
	}
	return s.own
}

func (s *Session) publish(ctx context.Context, own i2p.LeaseSet) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	return s.view.Publish(ctx, own)
}

// verify publishes again when another floodfill does not have what one confirmed.
func (s *Session) verify(ctx context.Context, own i2p.LeaseSet) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err := s.view.Verify(ctx, own); errors.Is(err, netdb.ErrNotVerified) && s.LeaseSet() == own {
		s.log.Debug("lease set not verified")
		s.forceRenew()
	}
}

// noteReady opens the gate of Ready as soon as there is a tunnel in both directions.
func (s *Session) noteReady() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.ready:
	default:
		if s.own != nil && s.pool.Ready() {
			close(s.ready)
		}
	}
}

// forceRenew makes a new LeaseSet of the same leases, which is then published.
func (s *Session) forceRenew() {
	s.mu.Lock()
	s.stale = true
	s.mu.Unlock()
	s.TunnelsChanged()
}

// renewLeaseSet signs a LeaseSet of the inbound tunnels that are alive, unless they are those of the last one.
func (s *Session) renewLeaseSet() {
	leases := s.pool.Leases()
	if len(leases) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own != nil && !s.stale && sameLeases(s.own.Leases(), leases) {
		return
	}
	s.stale = false
	var flags i2p.LeaseSetFlags
	if !s.cfg.Publish {
		flags = i2p.FlagUnpublished // a peer that gets it must not pass it on to floodfills
	}
	own, err := i2p.NewLeaseSet2(s.cfg.Keys, s.date(), leases, i2p.Mapping{}, flags)
	if err != nil {
		s.log.Error("lease set not made", "err", err)
		return
	}
	s.own = own
	s.version++
}

// date is that of the next LeaseSet. Dates have seconds, and one that is not later than the one before is no news to anybody:
// neither than one that we gave away, nor than any that this destination can have published before this session began,
// which is due no earlier than its date. The caller holds s.mu.
func (s *Session) date() time.Time {
	date := s.clock.Now()
	began := date.Add(-time.Since(s.since))
	for _, before := range []time.Time{began, s.shown} {
		if date.Unix() <= before.Unix() {
			date = time.Unix(before.Unix()+1, 0)
		}
	}
	return date
}

func sameLeases(a, b []i2p.Lease) bool {
	if len(a) != len(b) {
		return false
	}
	known := make(map[i2p.TunnelID]i2p.Hash, len(a))
	for _, l := range a {
		known[l.Tunnel] = l.Gateway
	}
	for _, l := range b {
		if known[l.Tunnel] != l.Gateway {
			return false
		}
	}
	return true
}

// storeMessage is our LeaseSet as a DatabaseStore in flight, to be bundled.
func storeMessage(ls i2p.LeaseSet, now time.Time) []byte {
	return i2np.Encode(i2np.Header{ID: i2np.NewMessageID(), Expiration: now.Add(messageLife)},
		i2np.DatabaseStore{Key: ls.Hash(), StoreType: i2np.StoreType(ls.StoreType()), Data: ls.Bytes()})
}

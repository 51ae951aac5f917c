package client

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"clove.i2p/router/crypto/keys"
	"clove.i2p/router/garlic"
	"clove.i2p/router/i2p"
	"clove.i2p/router/tunnel"
	"clove.i2p/router/tunnel/pool"
)

// A remote is what a session knows of a far destination. A path to it, once chosen, is kept until an end of it
// expires or it is given up: packets that take one path arrive in order.
type remote struct {
	hash  i2p.Hash
	used  time.Time
	set   i2p.LeaseSet // nil: to be looked up
	ends  time.Time    // of set: its last lease may end before it says
	peer  garlic.Peer
	lease i2p.Lease
	out   *pool.Tunnel

	bundledVersion uint64 // our LeaseSet that was sent along last
	bundledAt      time.Time
	refreshing     bool
	refreshAfter   time.Time
}

// remoteOf returns the entry of a destination, made if needed. The caller holds s.mu.
func (s *Session) remoteOf(to i2p.Hash, now time.Time) *remote {
	r := s.remotes[to]
	if r == nil {
		if len(s.remotes) >= maxRemotes {
			s.evict()
		}
		r = &remote{hash: to}
		s.remotes[to] = r
	}
	r.used = now
	return r
}

// evict drops the remote that was idle longest. The caller holds s.mu.
func (s *Session) evict() {
	var oldest *remote
	for _, r := range s.remotes {
		if oldest == nil || r.used.Before(oldest.used) {
			oldest = r
		}
	}
	delete(s.remotes, oldest.hash)
}

// learn enters a LeaseSet. The caller holds s.mu.
func (r *remote) learn(ls i2p.LeaseSet) bool {
	key, ok := ls.EncryptionKey(keys.EncX25519)
	if !ok || len(key) != len(keys.X25519Public{}) {
		return false
	}
	if r.set != nil && !ls.Published().After(r.set.Published()) {
		return true // nothing new
	}
	r.set, r.ends = ls, endOf(ls)
	r.peer = garlic.Peer{Hash: r.hash, Key: keys.X25519Public(key)}
	if !hasLease(ls, r.lease) {
		r.lease = i2p.Lease{}
	}
	return true
}

// endOf is when a LeaseSet is of no use any more.
func endOf(ls i2p.LeaseSet) time.Time {
	var end time.Time
	for _, l := range ls.Leases() {
		if l.End.After(end) {
			end = l.End
		}
	}
	if ls.Expires().Before(end) {
		return ls.Expires()
	}
	return end
}

func hasLease(ls i2p.LeaseSet, lease i2p.Lease) bool {
	for _, l := range ls.Leases() {
		if l.Gateway == lease.Gateway && l.Tunnel == lease.Tunnel {
			return true
		}
	}
	return false
}

// path returns the lease and the outbound tunnel of a remote, choosing anew where one is missing or about to end.
// The caller holds s.mu.
func (s *Session) path(r *remote, now time.Time) (tunnel.Delivery, *pool.Tunnel, bool) {
	if r.lease.End.Sub(now) < leaseRetire {
		r.lease = chooseLease(r.set, r.lease, now)
	}
	if r.out == nil || !r.out.Alive(time.Now().Add(leaseRetire)) {
		r.out, _ = s.pool.Outbound()
	}
	if r.out == nil || r.lease.End.IsZero() {
		return tunnel.Delivery{}, nil, false
	}
	return tunnel.Delivery{Type: tunnel.DeliveryTunnel, Router: r.lease.Gateway, Tunnel: r.lease.Tunnel}, r.out, true
}

// chooseLease draws among the leases that last long enough, rather not the one before; if none does, it takes the
// one that ends last as long as it has not ended.
func chooseLease(set i2p.LeaseSet, before i2p.Lease, now time.Time) i2p.Lease {
	var good []i2p.Lease
	var last i2p.Lease
	for _, l := range set.Leases() {
		if l.End.After(last.End) {
			last = l
		}
		if l.End.Sub(now) >= leaseRetire && (l.Gateway != before.Gateway || l.Tunnel != before.Tunnel) {
			good = append(good, l)
		}
	}
	switch {
	case len(good) > 0:
		return good[rand.IntN(len(good))]
	case last.End.After(now):
		return last
	}
	return i2p.Lease{}
}

// Repath gives the path to a destination up: its packets got lost. The next packet takes another lease and another
// outbound tunnel if there are others.
func (s *Session) Repath(to i2p.Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.remotes[to]
	if r == nil || r.set == nil {
		return
	}
	if ls, ok := s.view.LeaseSet(to); ok {
		r.learn(ls) // an answer that came after the first one may be newer
	}
	s.pool.Suspect(r.out)
	s.keeper.Renew(r.peer.Key, renewAfter, s.clock.Now())
	r.lease = chooseLease(r.set, r.lease, s.clock.Now())
	r.out, _ = s.pool.Outbound()
}

// Known reports whether a destination could be sent to now: its LeaseSet is known, and tunnels were built.
func (s *Session) Known(to i2p.Hash) bool {
	select {
	case <-s.ready:
	default:
		return false
	}
	now := s.clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.remotes[to]
	return r != nil && r.set != nil && r.ends.After(now)
}

// Reach returns once the LeaseSet of a destination is known and there are tunnels to reach it; fresh looks it up
// even if one is known, at two floodfills. It returns ErrNotReady or ErrNoLeaseSet, joined with the reason.
func (s *Session) Reach(ctx context.Context, to i2p.Hash, fresh bool) error {
	if err := s.Ready(ctx); err != nil {
		return err
	}
	now := s.clock.Now()
	s.mu.Lock()
	r := s.remoteOf(to, now)
	known := r.set != nil && r.ends.After(now.Add(leaseRetire))
	over := r.set != nil && !known
	s.mu.Unlock()
	if known && !fresh {
		return nil
	}
	var ls i2p.LeaseSet
	var err error
	if fresh || over {
		ls, err = s.view.Refresh(ctx, to)
	} else {
		ls, err = s.view.Lookup(ctx, to)
	}
	if fresh {
		s.Repath(to)
	}
	if err != nil {
		if known {
			return nil // the one that we have may still do
		}
		return noLeaseSet(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.remoteOf(to, now).learn(ls) {
		return noLeaseSet(errNoKey)
	}
	return nil
}

// refresh asks for a lookup in the background when the LeaseSet of a remote is missing or about to expire. The caller
// holds s.mu.
func (s *Session) refresh(r *remote, now time.Time) {
	if r.refreshing || now.Before(r.refreshAfter) || r.set != nil && r.ends.Sub(now) > refreshLead {
		return
	}
	select {
	case s.refreshes <- r:
		r.refreshing = true
	default: // drop newest: the next packet asks again
	}
}

// keepRemotes does the lookups that refresh asks for, until ctx ends.
func (s *Session) keepRemotes(ctx context.Context) {
	var lookups sync.WaitGroup
	defer lookups.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-s.refreshes:
			lookups.Go(func() { s.lookupRemote(ctx, r) })
		}
	}
}

func (s *Session) lookupRemote(ctx context.Context, r *remote) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	ls, err := s.view.Refresh(ctx, r.hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	r.refreshing = false
	r.refreshAfter = s.clock.Now().Add(refreshPause)
	if err == nil {
		r.learn(ls)
	}
}

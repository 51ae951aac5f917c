package ssu2

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"clove.i2p/router/i2p"
	"clove.i2p/router/transport"
	"clove.i2p/router/transport/ssu2/nat"
	"clove.i2p/router/transport/ssu2/wire"
)

// A relay is an introduction that a dial waits for.
type relay struct {
	result chan nat.RelayResult
	moved  chan netip.AddrPort
}

func (r *relay) done(result nat.RelayResult) {
	if result.Moved {
		select {
		case r.moved <- result.Address:
		default:
		}
		return
	}
	select {
	case r.result <- result:
	default:
	}
}

// dialThrough opens a session with a router that is reached through introducers only: a session with one of these if there is none,
// a relay request there, and then the handshake as usual. If none is known they are looked up ("Introducer Selection"); that we do
// not find any to try says nothing about the peer.
func (s *server) dialThrough(ctx context.Context, ri *i2p.RouterInfo, through []target) (*session, error) {
	err, tried := transport.ErrNoAddress, false
	for _, to := range through {
		list := to.through
		for try := 0; try < nat.MaxIntroducers && len(list) > 0 && ctx.Err() == nil; try++ {
			in, connected, ok := s.chooseIntroducer(list)
			if !ok {
				in, connected, ok = s.findIntroducer(ctx, list)
			}
			if !ok {
				break
			}
			tried = true
			list = withoutIntroducer(list, in)
			if !connected {
				if err = s.dialIntroducer(ctx, in.Router); errors.Is(err, transport.ErrBusy) {
					return nil, err
				}
				if err != nil {
					continue
				}
			}
			var sn *session
			if sn, err = s.relayed(ctx, ri, to, in); err == nil {
				return sn, nil
			}
		}
	}
	if !tried {
		err = fmt.Errorf("ssu2: relay: %w", transport.ErrNoIntroducer)
	}
	return nil, err
}

func (s *server) chooseIntroducer(list []nat.Introducer) (in nat.Introducer, connected, ok bool) {
	n := s.nat
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.engine == nil {
		return in, false, false
	}
	return n.engine.ChooseIntroducer(list)
}

// findIntroducer looks all of a list up that are not known, until one was found that we can reach. Whom it did not find a short while
// ago it does not look for.
func (s *server) findIntroducer(ctx context.Context, list []nat.Introducer) (in nat.Introducer, connected, ok bool) {
	if s.t.deps.Lookup == nil {
		return in, false, false
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	host := (*natHost)(s.nat)
	found, running := make(chan bool, len(list)), 0
	for _, in := range list {
		if host.RouterInfo(in.Router) != nil || host.Banned(in.Router) || s.isUnfound(in.Router, time.Now()) {
			continue
		}
		running++
		s.running.Go(func() {
			ri, err := s.t.deps.Lookup(ctx, in.Router)
			is := err == nil && ri.Hash() == in.Router
			if !is && ctx.Err() == nil {
				s.notFound(in.Router, time.Now())
			}
			found <- is
		})
	}
	for range running {
		if <-found {
			if in, connected, ok = s.chooseIntroducer(list); ok {
				return in, connected, true
			}
		}
	}
	return in, false, false
}

func withoutIntroducer(list []nat.Introducer, in nat.Introducer) (rest []nat.Introducer) {
	for _, i := range list {
		if i != in {
			rest = append(rest, i)
		}
	}
	return rest
}

// dialIntroducer opens a session with an introducer. That there is no place for it, ErrBusy, is our trouble.
func (s *server) dialIntroducer(ctx context.Context, router i2p.Hash) error {
	if s.t.deps.RouterInfo == nil {
		return transport.ErrNoAddress
	}
	ri := s.t.deps.RouterInfo(router)
	if ri == nil {
		return transport.ErrNoAddress
	}
	err := transport.ErrNoAddress
	for _, at := range s.t.targets(ri) {
		if _, err = s.dial(ctx, ri, at, way{at: at.at}); err == nil || ctx.Err() != nil {
			break
		}
	}
	if errors.Is(err, transport.ErrRefused) { // by our own registry
		return transport.ErrBusy
	}
	return err
}

// relayFamily is the IP version in which a peer is to reach us: that of our session with the introducer, who vouches for our address
// there, if the peer has it, else the other.
func (s *server) relayFamily(to target, bob netip.Addr) nat.Family {
	f := nat.FamilyOf(bob)
	other := nat.V4 + nat.V6 - f
	caps := to.caps
	if !strings.ContainsAny(caps, "46") { // transport.PathOf
		caps = capOf(nat.V4)
	}
	if !strings.Contains(caps, capOf(f)) && s.linkFor(anyOf(other)) != nil {
		return other
	}
	return f
}

// relayed asks an introducer with whom there is a session, and dials where it says.
func (s *server) relayed(ctx context.Context, ri *i2p.RouterInfo, to target, in nat.Introducer) (*session, error) {
	bob := s.table.session(in.Router)
	if bob == nil {
		return nil, nat.ErrSession
	}
	r := &relay{result: make(chan nat.RelayResult, 1), moved: make(chan netip.AddrPort, 1)}
	n := s.nat
	n.mu.Lock()
	nonce, err := n.engine.Relay(time.Now(), ri, in.Router, in.Tag, s.relayFamily(to, bob.remoteNow().Addr()))
	if err == nil {
		n.relays[nonce] = r
	}
	n.mu.Unlock()
	if err != nil {
		return nil, &ownError{fmt.Errorf("ssu2: relay: %w", err)}
	}
	n.awake()
	defer func() {
		n.mu.Lock()
		delete(n.relays, nonce)
		n.mu.Unlock()
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case result := <-r.result:
		if result.Err != nil {
			return nil, fmt.Errorf("ssu2: relay: %w", result.Err)
		}
		if !s.t.mayDialAt(result.Address) {
			return nil, transport.ErrNoAddress
		}
		ours, theirs := wire.NonceIDs(nonce)
		return s.dial(ctx, ri, to, way{at: result.Address, token: result.Token, moved: r.moved, id: ours, remote: theirs})
	}
}
